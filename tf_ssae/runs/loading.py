"""The trained detector of a finished run."""

import pathlib

import keras

from tf_ssae.detectors import registry
from tf_ssae.detectors.base import Detector
from tf_ssae.runs import run_folder


def load(model_dir: str | pathlib.Path) -> Detector:
    """The trained, calibrated detector of a finished run.

    Raises:
        FileNotFoundError: `model_dir` is no run folder, or the run is not finished.
        ValueError: the folder is corrupt, or its detector is unknown here.
    """
    registry.find(run_folder.read_config(model_dir).detector)
    path = pathlib.Path(model_dir) / run_folder.MODEL
    if not path.is_file():
        raise FileNotFoundError(
            f"{model_dir} is an unfinished run: it has no {run_folder.MODEL}. Train it to the end."
        )
    detector = keras.saving.load_model(path)
    if not detector.is_calibrated:
        raise ValueError(f"The detector in {path} was never calibrated: train it to its end.")
    return detector
