"""The calibrations of a run: each whole, in a file of its own, never overwritten; one is current.

Number 0 is that of the training, inside `model.keras`.
"""

import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
from typing import Any

import filelock

from tf_ssae.calibration import Calibration
from tf_ssae.runs.run_folder import write_json

FOLDER = "calibrations"
_CURRENT = "current.json"


@dataclasses.dataclass(frozen=True)
class Version:
    """One calibration of a run.

    Attributes:
        number: 1 or more.
        date: when it was made, ISO 8601.
        images: the folder of the images, as it was named.
        fingerprint: a hash of their pixels, in order.
        calibration: what was fitted to them.
        facts: other JSON values, such as the table of operating points.
    """

    number: int
    date: str
    images: str
    fingerprint: str
    calibration: Calibration
    facts: dict[str, Any]


def numbers(run: str | os.PathLike[str]) -> list[int]:
    """The numbers of a run's calibrations, ascending, 0 first."""
    found = (pathlib.Path(run) / FOLDER).glob("*.json")
    return [0, *sorted(int(path.stem) for path in found if path.stem.isdigit())]


def current(run: str | os.PathLike[str]) -> int:
    """The number of the calibration that decides. Raises ValueError for a damaged note of it."""
    path = pathlib.Path(run) / FOLDER / _CURRENT
    if not path.is_file():
        return 0
    try:
        return int(json.loads(path.read_text())["number"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} is corrupt: {error}. Choose a calibration of {_listed(run)}: tf-ssae calibrate"
            f" --model_dir={run} --to=N."
        ) from error


def add(
    run: str | os.PathLike[str],
    images: str,
    fingerprint: str,
    calibration: Calibration,
    facts: dict[str, Any],
) -> Version:
    """Stores a calibration under the next free number, and makes it the current one."""
    folder = pathlib.Path(run) / FOLDER
    folder.mkdir(exist_ok=True)
    with filelock.FileLock(folder / "lock"):
        date = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        number = numbers(run)[-1] + 1
        version = Version(number, date, images, fingerprint, calibration, facts)
        content = {**dataclasses.asdict(version), "calibration": calibration.to_dict()}
        path = folder / f"{number}.json"
        write_json(path, {"sha256": _digest(content), **content})
        try:
            write_json(folder / _CURRENT, {"number": number})
        except BaseException:
            path.unlink()
            raise
    return version


def go_to(run: str | os.PathLike[str], number: int) -> None:
    """Makes a stored calibration the current one.

    Raises:
        ValueError: there is none of this number, or it is corrupt.
    """
    if number not in numbers(run):
        raise ValueError(f"--to={number}: {run} has calibrations {_listed(run)}.")
    if number:
        read(run, number)
    folder = pathlib.Path(run) / FOLDER
    folder.mkdir(exist_ok=True)
    with filelock.FileLock(folder / "lock"):
        write_json(folder / _CURRENT, {"number": number})


def read(run: str | os.PathLike[str], number: int) -> Version:
    """A stored calibration, of number 1 or more. Raises ValueError if it is corrupt or gone."""
    path = pathlib.Path(run) / FOLDER / f"{number}.json"
    try:
        content = json.loads(path.read_text())
        digest = content.pop("sha256")
        if digest != _digest(content):
            raise ValueError("its content is not what was written")
        calibration = Calibration.from_dict(content.pop("calibration"))
        return Version(calibration=calibration, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        others = [other for other in numbers(run) if other < number] or [0]
        raise ValueError(
            f"{path} is corrupt: {error}. To go back to the calibration before it: tf-ssae"
            f" calibrate --model_dir={run} --to={others[-1]}."
        ) from error


def _listed(run: str | os.PathLike[str]) -> str:
    return ", ".join(map(str, numbers(run)))


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
