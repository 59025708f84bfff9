"""A run's folder: called `NAME.partial` until the run is finished, `NAME` from then on."""

import json
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import filelock

from tf_ssae.config import Config
from tf_ssae.runs import folder_contents
from tf_ssae.system import files

CONFIG = "config.json"
MODEL = "model.keras"
METRICS = "metrics.json"
ENVIRONMENT = "environment.json"
ROI = "roi.png"
_LOCK = "lock"


class FolderBusy(FileExistsError):
    """Another process is writing the run folder."""


class RunFolder:
    """The folder that a run with these settings writes: checked on construction, made by `open`.

    Attributes:
        path: the folder of the finished run.
        partial: where to write until then. Another process with the same settings resumes from
            what is in there.
        resumed: whether an earlier process had started this run.

    Raises:
        FileExistsError: on construction, if the run is finished already, or the folder belongs to a
            run of other settings or to no run at all.
    """

    def __init__(self, model_dir: str | os.PathLike[str], config: Config):
        self.path = pathlib.Path(model_dir)
        if not self.path.name:
            raise ValueError(
                f"model_dir={str(model_dir)!r}: expected the name of a folder to make."
            )
        self.partial = self.path.with_name(self.path.name + ".partial")
        self._config = config
        # Not bound to a thread: a notebook may resume a run in another thread than it started in.
        self._lock = filelock.FileLock(self.partial / _LOCK, timeout=0, thread_local=False)
        self._look()

    def _look(self) -> None:
        """Looks at what is already there: sets `resumed`, or raises as construction does."""
        require_new(self.path, self._config.to_dict())
        # A process that died before it had written its settings leaves at most these two.
        not_started = {_LOCK, CONFIG + files.TEMPORARY}
        self.resumed = self.partial.is_dir() and any(
            path.name not in not_started for path in self.partial.iterdir()
        )
        if self.resumed:
            _require_same_run(self.partial, self.path, self._config.to_dict())

    def open(self) -> None:
        """Makes the folder, if need be, and locks it until `release`, or until this process ends.

        Raises:
            PermissionError: the folder cannot be written.
            FolderBusy: another process is writing it.
            FileExistsError: another process wrote it since this one looked.
        """
        try:
            self.partial.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout:
            raise FolderBusy(f"Another process is training in {self.partial}.") from None
        except OSError as error:
            raise PermissionError(
                f"Cannot write the run folder {self.partial}: {error}. Pass another --model_dir."
            ) from error
        try:
            self._look()
        except FileExistsError:
            # If the run was finished in between, this is not its folder, but a new one that holds
            # nothing but the lock.
            if {path.name for path in self.partial.iterdir()} == {_LOCK}:
                shutil.rmtree(self.partial)
            self.release()
            raise
        if not self.resumed:
            write_json(self.partial / CONFIG, self._config.to_dict())

    def began_with(self) -> dict[str, Any]:
        """What an earlier process of this run stored in `environment.json`; empty if none did."""
        path = self.partial / ENVIRONMENT
        return read_json(path) if self.resumed and path.is_file() else {}

    def require_same_images(self, fingerprint: str) -> None:
        """Raises FileExistsError if an earlier process with the same settings started this run on
        other images.
        """
        before = self.began_with()
        if before and before.get("split_fingerprint") != fingerprint:
            raise FileExistsError(
                f"{self.partial} was started on other images: resuming it would test on images it"
                " was trained on. Remove it to train from the start, or pass another --model_dir."
            )

    def write_environment(self, environment: dict[str, Any]) -> None:
        """Stores where the run comes from, JSON values; those of earlier processes, where
        different, are kept as `earlier`.
        """
        before = self.began_with()
        earlier = before.pop("earlier", [])
        earlier += [before] * (before not in ({}, environment))
        write_json(self.partial / ENVIRONMENT, {**environment, "earlier": earlier})

    def abandon(self) -> None:
        """Removes the folder again, if this process made it."""
        if not self.resumed:
            shutil.rmtree(self.partial)

    def finish(self) -> None:
        """Renames the folder from `NAME.partial` to `NAME`."""
        os.rename(self.partial, self.path)
        os.remove(self.path / _LOCK)

    def release(self) -> None:
        """Lets another process, or this one again, resume the run."""
        self._lock.release()


def default_model_dir(config: Config) -> pathlib.Path:
    """`runs/DATASET-anomaly-K-DETECTOR-seed-S`; for a folder of images
    `runs/NAME-DETECTOR-seed-S`.
    """
    if config.dataset == "folder":
        images = pathlib.Path(config.data_dir).resolve().name
    else:
        images = f"{config.dataset}-anomaly-{config.anomaly}"
    return pathlib.Path("runs") / f"{images}-{config.detector}-seed-{config.seed}"


def require_new(path: pathlib.Path, wanted: Mapping[str, Any]) -> None:
    """Raises FileExistsError if a folder of this name holds anything: a finished run, with or
    without these settings, or no run at all.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        _require_same_run(path, path, wanted)
        stored = path / ENVIRONMENT
        environment = read_json(stored) if stored.is_file() else {}
        changed = folder_contents.changed_since(environment, read_config(path))
        again = "train on what is there now" if changed else "train again"
        raise FileExistsError(
            f"{path} already holds this run, finished: its results are in {path / METRICS}."
            f"{' ' if changed else ''}{changed} To {again}, remove the folder or pass another"
            " --model_dir."
        )


def holds(path: pathlib.Path, wanted: Mapping[str, Any]) -> bool:
    """Whether a folder holds a finished run with these settings. Raises FileExistsError for one
    with others.
    """
    if not (path / METRICS).is_file():
        return False
    _require_same_run(path, path, wanted)
    return True


def require_finished(folder: str | os.PathLike[str]) -> None:
    """Raises FileNotFoundError if a folder is not that of a finished run, ValueError if it is a
    corrupt one.
    """
    read_config(folder)
    if not (pathlib.Path(folder) / MODEL).is_file():
        raise FileNotFoundError(
            f"{folder} is an unfinished run: it has no {MODEL}. Run its training command again to"
            " finish it."
        )


def read_config(folder: str | os.PathLike[str]) -> Config:
    """The Config of a run folder. Raises FileNotFoundError if it is not a run folder, ValueError if
    it is a corrupt one.
    """
    path = pathlib.Path(folder) / CONFIG
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is not a run folder of tf_ssae: it has no {CONFIG}.")
    values = read_json(path)
    try:
        return Config.from_dict(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is corrupt: {error}") from error


def read_json(path: pathlib.Path) -> dict[str, Any]:
    """The JSON object in a file of a run folder. Raises OSError if it cannot be read, ValueError
    if it holds anything else.
    """
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is corrupt: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path} is corrupt: it holds a {type(values).__name__}, no object.")
    return values


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes JSON in one piece: a reader finds the old file or the new one, whole."""
    with files.replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n")


def _require_same_run(
    folder: pathlib.Path, model_dir: pathlib.Path, wanted: Mapping[str, Any]
) -> None:
    try:
        found = read_config(folder).to_dict()
    except (FileNotFoundError, ValueError) as error:
        raise FileExistsError(
            f"{folder} is in the way: {error} It was left unchanged. Remove it or pass another"
            " --model_dir."
        ) from error
    different = [
        f"{name}={found[name]!r} (now {wanted[name]!r})"
        for name in wanted
        if found[name] != wanted[name]
    ]
    if different:
        raise FileExistsError(
            f"{folder} is a run with other settings: {', '.join(different)}. It was left unchanged."
            f" Remove it, pass the same settings, or pass another --model_dir than {model_dir}."
        )
