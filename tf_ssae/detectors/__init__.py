"""The methods compared in table 5.1, one a file, behind the interface of `base.Detector`."""

from tf_ssae.detectors.autoencoder import Autoencoder
from tf_ssae.detectors.egbad import EGBAD
from tf_ssae.detectors.ensemble import Ensemble
from tf_ssae.detectors.ganomaly import GANomaly
from tf_ssae.detectors.rotation import Rotation
from tf_ssae.detectors.ssae import SSAE
from tf_ssae.runs import load  # noqa: F401  (its home now; callers still ask here)

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
