"""A run's weights as its training left them. Those in `model.keras` have BatchNorm folded into
them, which scores the same but cannot be trained further: another run begins with these.
"""

import os
import pathlib
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from tf_ssae.system.files import replacing

if TYPE_CHECKING:
    from tf_ssae.detectors.base import Detector

FILE = "trained_weights.npz"


def write(run: str | os.PathLike[str], detector: "Detector") -> None:
    """Stores the `network_variables` of a detector that was not folded."""
    arrays = {str(i): np.asarray(v) for i, v in enumerate(detector.network_variables)}
    with replacing(pathlib.Path(run) / FILE) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read(run: str | os.PathLike[str]) -> list[np.ndarray]:
    """What `write` stored, in its order.

    Raises:
        FileNotFoundError: nothing was stored, by an earlier version.
        ValueError: the file is damaged.
    """
    path = pathlib.Path(run) / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{run} has no {FILE}, from which another run could begin: it is of an earlier version"
            " of tf_ssae. Train it again first."
        )
    try:
        with np.load(path) as stored:
            return [stored[str(i)] for i in range(len(stored.files))]
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
