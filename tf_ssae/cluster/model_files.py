"""The files of a stored model, to be sent to where it scores: nodes need not see its folder."""

import dataclasses
import pathlib

from tf_ssae.runs import calibrations, run_folder
from tf_ssae.scoring import description_file, places

# A run's folder holds more than its model.
_OF_A_RUN = (run_folder.CONFIG, run_folder.MODEL, run_folder.METRICS, f"{calibrations.FOLDER}/*")


@dataclasses.dataclass(frozen=True)
class ModelFiles:
    """A stored model.

    Attributes:
        files: `{relative path: content}`.
        model: the relative path that `readers.load` takes.
    """

    files: dict[str, bytes]
    model: str

    @classmethod
    def of(cls, path: pathlib.Path) -> "ModelFiles":
        """Those that `readers.load` needs of this path. Raises what `places.require_model` does."""
        places.require_model(path)
        if path.is_dir():
            patterns = ("**/*",) if (path / places.SAVED_MODEL).is_file() else _OF_A_RUN
            found = [file for pattern in patterns for file in path.glob(pattern)]
            root, model = path, "."
        else:
            description = path.with_suffix(".json")
            beside = (path.with_suffix(".bin"), description)
            found = [path, *beside, description_file.held_out_file(description)]
            root, model = path.parent, path.name
        files = {
            file.relative_to(root).as_posix(): file.read_bytes()
            for file in sorted(found)
            if file.is_file()
        }
        return cls(files, model)

    def write(self, folder: pathlib.Path) -> pathlib.Path:
        """Writes the files into a folder. Returns what `readers.load` takes."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder / self.model
