"""Where a scoring reads its model and writes its table: looked at before TensorFlow is loaded."""

import pathlib

from tf_ssae.runs import run_folder
from tf_ssae.scoring import openvino_ir
from tf_ssae.scoring.tables import WRITERS

# The file that makes a folder an exported version.
SAVED_MODEL = "saved_model.pb"


def report_of(output: pathlib.Path) -> pathlib.Path:
    """The report beside a table."""
    return output.with_suffix(".html")


def partial_of(output: pathlib.Path) -> pathlib.Path:
    """The rows of a table that is not complete."""
    return output.with_name(output.name + ".partial")


def require_new(output: pathlib.Path) -> None:
    """Raises ValueError if no table has such a name, FileExistsError if it or its report exists."""
    if output.suffix not in WRITERS:
        raise ValueError(
            f"--output={output}: expected a name that ends in {', '.join(WRITERS)}, or -."
        )
    # With rows beside it, a report may be that of a process that died before it wrote the table.
    for path in (output, *([] if partial_of(output).exists() else [report_of(output)])):
        if path.exists():
            raise FileExistsError(f"{path} exists. Remove it or pass another --output.")


def require_new_maps(maps: pathlib.Path, images: str | pathlib.Path, output: pathlib.Path) -> None:
    """Raises FileExistsError if a folder for maps holds something, unless it is of the unfinished
    table `output`; ValueError if it is in the folder of the images.
    """
    photos = pathlib.Path(images).resolve()
    if photos.is_dir() and maps.resolve().is_relative_to(photos):
        raise ValueError(
            f"--maps={maps} is in --images={images}: the pictures would be scored as photos. Pass a"
            " folder elsewhere."
        )
    if not partial_of(output).exists() and maps.is_dir() and any(maps.iterdir()):
        raise FileExistsError(f"--maps={maps} is not empty. Remove it or pass another folder.")


def require_model(path: pathlib.Path) -> None:
    """Raises FileNotFoundError if there is neither a finished run, nor an exported version, nor a
    model file at this path; ValueError if it needs OpenVINO, which is not installed.
    """
    if path.suffix in (".tflite", ".xml"):
        if not path.is_file():
            raise FileNotFoundError(f"No such file: {path}.")
        if path.suffix == ".xml":
            openvino_ir.require()
        return
    if (path / SAVED_MODEL).is_file():
        return
    if (path / run_folder.CONFIG).is_file():
        run_folder.require_finished(path)
        return
    versions = sorted(file.parent.name for file in path.glob(f"*/{SAVED_MODEL}"))
    hint = ""
    if versions:
        hint = (
            f" It holds versions {', '.join(versions)}: pass one of them, such as"
            f" {path / versions[0]}."
        )
    raise FileNotFoundError(
        f"{path} is not a run folder (it has no {run_folder.CONFIG}), not an exported version (no"
        f" {SAVED_MODEL}) and not a .tflite file.{hint}"
    )
