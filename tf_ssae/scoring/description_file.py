"""The JSON file beside an exported model: its Description, tied to the model by hashes."""

import hashlib
import json
import pathlib
from typing import Any

from tf_ssae.calibration import Description
from tf_ssae.runs.run_folder import write_json

_LARGEST = 64 * 2**20  # bytes; a thousand held-out scores of each name take a few hundred thousand


def write(path: pathlib.Path, description: Description, sha256: str, **more: Any) -> None:
    """Writes the Description of a model, JSON values that other programs may want, and two hashes.

    `sha256`: of the model's own files, as hexadecimal digits.
    """
    values = {"sha256": sha256, **more, **description.to_dict()}
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
        FileNotFoundError: there is no such file.
        ValueError: it does not describe a model, or another one, or was changed.
    """
    try:
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise FileNotFoundError(
            f"{path} is missing: it holds the model's thresholds. The export wrote it there; copy"
            f" both. ({error.strerror})"
        ) from error
    try:
        values = _object(content)
        description = Description.from_dict(values)
    except (ValueError, RecursionError, OverflowError) as error:
        raise ValueError(f"{path} does not describe a model: {error}") from error
    found = values.get("sha256")
    if found != sha256 and (required or found is not None):
        raise ValueError(
            f"{path} does not belong to {model}: it holds the thresholds of another model, or that"
            " one is damaged or was changed. Copy both from one export."
        )
    # Earlier versions did not write it.
    sealed = values.pop("description_sha256", None)
    if sealed is not None and sealed != _digest(values):
        raise ValueError(
            f"{path} was changed since it was exported. A threshold is set by training with another"
            " --target_fpr, and exporting again; or copy the file from the export again."
        )
    return description


def _object(content: bytes) -> dict[str, Any]:
    if len(content) > _LARGEST:
        raise ValueError(f"it is larger than {_LARGEST // 2**20} MB.")
    values = json.loads(content.decode())
    if not isinstance(values, dict):
        raise ValueError(f"it holds a {type(values).__name__}, expected an object.")
    return values


def _digest(values: dict[str, Any]) -> str:
    """Of JSON values, however they are laid out in a file."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
