"""What a run leaves on disk, and where it came from; `load` gives a finished run's detector."""

import os
import pathlib
from typing import TYPE_CHECKING

from tf_ssae.runs import model_file, run_folder
from tf_ssae.system.text import first_line

if TYPE_CHECKING:
    from tf_ssae.detectors.base import Detector


def load(folder: str | os.PathLike[str]) -> "Detector":
    """The trained detector of a finished run, with its current calibration.

    Raises:
        FileNotFoundError: `folder` is not a run folder, or the run is not finished.
        OSError: the folder cannot be read.
        ValueError: the folder or its current calibration is corrupt, its files are not of one run,
            or its detector is unknown here.
    """
    run_folder.require_finished(folder)
    config, path = run_folder.read_config(folder), pathlib.Path(folder) / run_folder.MODEL
    # Imported here: reading settings or taking the lock of a run needs no TensorFlow.
    import keras

    from tf_ssae.detectors import registry
    from tf_ssae.runs import calibrations

    number = calibrations.current(folder)
    version = calibrations.read(folder, number) if number else None

    # Registers the class with Keras, which looks it up by the name in the file.
    known = registry.find(config.detector)
    model_file.check(path, config, keras.saving.get_registered_name(known))
    try:
        detector = keras.saving.load_model(path, compile=False, safe_mode=True)
    # Keras, h5py and TensorFlow raise many kinds of exceptions for what is damaged.
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(f"{path} is damaged: {first_line(error)}") from error
    if not detector.is_calibrated:
        raise ValueError(
            f"The detector in {path} was never calibrated: run its training command again to finish"
            " it."
        )
    if version is not None:
        detector.calibration = version.calibration
    # A file holds no mark of it; where it was folded before it was saved, nothing changes.
    detector.fold()
    return detector
