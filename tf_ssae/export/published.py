"""Where an export is published: looked at before TensorFlow is loaded."""

import pathlib
import re


def published_at(
    model_dir: pathlib.Path, export_dir: pathlib.Path, name: str | None, version: int | None
) -> pathlib.Path:
    """`export_dir/NAME/VERSION`; arguments as for `publish.export`.

    Raises:
        ValueError: for a name that cannot be part of a URL.
        FileExistsError: this version exists.
    """
    name = name or model_dir.resolve().name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(
            f"name={name!r}: expected letters, digits, '.', '_' and '-', as it becomes part of a"
            " URL: pass --name."
        )
    folder = export_dir / name
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    if version in taken:
        raise FileExistsError(
            f"{folder / str(version)} exists: leave out --version to take the next free one."
        )
    return folder / str(version or max(taken, default=0) + 1)
