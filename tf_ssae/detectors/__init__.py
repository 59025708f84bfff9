"""The methods compared in table 5.1, one a file, behind the interface of `base.Detector`."""

import pathlib

import keras

from tf_ssae.detectors.autoencoder import Autoencoder
from tf_ssae.detectors.egbad import EGBAD
from tf_ssae.detectors.ensemble import Ensemble
from tf_ssae.detectors.ganomaly import GANomaly
from tf_ssae.detectors.rotation import Rotation
from tf_ssae.detectors.ssae import SSAE
from tf_ssae.runs import run_folder

DETECTORS = {
    "ssae": SSAE,
    "autoencoder": Autoencoder,
    "rotation": Rotation,
    "ensemble": Ensemble,
    "egbad": EGBAD,
    "ganomaly": GANomaly,
}


def make(config, image_shape):
    """The untrained detector of `config.detector` for images of `image_shape` `(S, S, C)`, ready
    for training.
    """
    detector = DETECTORS[config.detector](config, image_shape)
    detector.compile_from_settings()
    return detector


def load(model_dir):
    """The trained detector of a finished run.

    Raises:
        FileNotFoundError: `model_dir` is no run folder, or the run is not finished.
        ValueError: the folder is corrupt.
    """
    run_folder.read_config(model_dir)
    path = pathlib.Path(model_dir) / run_folder.MODEL
    if not path.is_file():
        raise FileNotFoundError(
            f"{model_dir} is an unfinished run: it has no {run_folder.MODEL}. Train it to the end."
        )
    return keras.saving.load_model(path)
