"""What a run leaves on disk, and where it came from; `load` gives a finished run's detector."""

import os
import pathlib
from typing import TYPE_CHECKING

from tf_ssae.runs import run_folder

if TYPE_CHECKING:
    from tf_ssae.detectors.base import Detector


def load(folder: str | os.PathLike[str]) -> "Detector":
    """The trained detector of a finished run.

    Raises:
        FileNotFoundError: `folder` is no run folder, or the run is not finished.
        ValueError: the folder is corrupt.
    """
    run_folder.read_config(folder)
    path = pathlib.Path(folder) / run_folder.MODEL
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is an unfinished run: it has no {run_folder.MODEL}. Train it to the end."
        )
    # Imported here: who only reads settings or takes the lock of a run needs no TensorFlow.
    import keras

    import tf_ssae.detectors  # noqa: F401  (Keras must know the classes in the file)

    return keras.saving.load_model(path)
