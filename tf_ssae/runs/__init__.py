"""What a run leaves on disk, and where it came from; `load` gives a finished run's detector."""

import os
import pathlib
from typing import TYPE_CHECKING

from tf_ssae.runs import run_folder

if TYPE_CHECKING:
    from tf_ssae.detectors.base import Detector


def load(folder: str | os.PathLike[str]) -> "Detector":
    """The trained, calibrated detector of a finished run.

    Raises:
        FileNotFoundError: `folder` is no run folder, or the run is not finished.
        ValueError: the folder is corrupt, or its detector is unknown here.
    """
    config = run_folder.read_config(folder)
    path = pathlib.Path(folder) / run_folder.MODEL
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is an unfinished run: it has no {run_folder.MODEL}. Train it to the end."
        )
    # Imported here: who only reads settings or takes the lock of a run needs no TensorFlow.
    import keras

    from tf_ssae.detectors import registry

    # Keras must know the class that is in the file.
    registry.find(config.detector)
    detector = keras.saving.load_model(path)
    if not detector.is_calibrated:
        raise ValueError(f"The detector in {path} was never calibrated: train it to its end.")
    return detector
