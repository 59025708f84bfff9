"""The JSON files beside an exported model, tied to it by hashes: its Description, and, in a file of
their own, the held-out scores, which no device needs that only decides.
"""

import hashlib
import json
import pathlib
from typing import Any

from tf_ssae.calibration import Description
from tf_ssae.runs.run_folder import write_json

_LARGEST = 64 * 2**20  # bytes; a thousand held-out scores of each name take a few hundred thousand


def held_out_file(path: pathlib.Path) -> pathlib.Path:
    """Where the held-out scores are that belong to the Description at `path`."""
    return path.with_suffix(".held_out.json")


def write(path: pathlib.Path, description: Description, sha256: str, **more: Any) -> None:
    """Writes the Description of a model, JSON values that other programs may want, and hashes; and
    the `held_out_file`, `{score name: [n]}`.

    `sha256`: of the model's own files, as hexadecimal digits.
    """
    values = {"sha256": sha256, **more, **description.to_dict()}
    scores = values["calibration"].pop("scores")
    write_json(held_out_file(path), scores)
    values["held_out_scores_sha256"] = _digest(scores)
    write_json(path, {**values, "description_sha256": _digest(values)})


def read(
    path: pathlib.Path, model: pathlib.Path, sha256: str, required: bool = True
) -> Description:
    """The Description of a model, at `model`, whose files have the hash `sha256`.

    The hashes notice a file of another model and what was changed by hand or by accident; whoever
    means harm can make them anew (see SECURITY.md).

    Args:
        required: whether the file must name a hash; a SavedModel's did not in earlier versions.

    Raises:
        FileNotFoundError: there is no such file, or not the one with the held-out scores.
        ValueError: it does not describe a model, or another one, or was changed.
    """
    values = _object(path, "does not describe a model", "the model's thresholds")
    found = values.get("sha256")
    if found != sha256 and (required or found is not None):
        raise ValueError(
            f"{path} does not belong to {model}: it holds the thresholds of another model, or that"
            " one is damaged or was changed. Copy both from one export."
        )
    try:
        description = Description.from_dict(_with_scores(values, path))
    except (ValueError, RecursionError, OverflowError) as error:
        raise ValueError(f"{path} does not describe a model: {error}") from error
    # Earlier versions did not write it.
    sealed = values.pop("description_sha256", None)
    if sealed is not None and sealed != _digest(values):
        raise ValueError(
            f"{path} was changed since it was exported. A threshold is set by training with another"
            " --target_fpr, and exporting again; or copy the file from the export again."
        )
    return description


def _with_scores(values: dict[str, Any], path: pathlib.Path) -> dict[str, Any]:
    """The values with the held-out scores, which exports of earlier versions hold themselves."""
    expected, calibration = values.get("held_out_scores_sha256"), values.get("calibration")
    if expected is None or not isinstance(calibration, dict):
        return values
    beside = held_out_file(path)
    scores = _object(beside, "does not hold scores", "the scores of held-out images")
    if _digest(scores) != expected:
        raise ValueError(
            f"{beside.name} beside it is of another model, or was changed; copy both from one"
            " export."
        )
    return {**values, "calibration": {**calibration, "scores": scores}}


def _object(path: pathlib.Path, is_not: str, holds: str) -> dict[str, Any]:
    """The JSON object in a file. `is_not`, `holds`: what it does not do if it is damaged, and what
    is missed with it, in words.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise FileNotFoundError(
            f"{path} is missing: it holds {holds}. The export wrote it there; copy it too."
            f" ({error.strerror})"
        ) from error
    try:
        if len(content) > _LARGEST:
            raise ValueError(f"it is larger than {_LARGEST // 2**20} MB.")
        values = json.loads(content.decode())
        if not isinstance(values, dict):
            raise ValueError(f"it holds a {type(values).__name__}, expected an object.")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} {is_not}: {error}") from error
    return values


def _digest(values: dict[str, Any]) -> str:
    """Of JSON values, however they are laid out in a file."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
