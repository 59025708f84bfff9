"""A detector trained in bfloat16 as it is exported: in float32, which every runtime has."""

import dataclasses

from tf_ssae.data.split import Split
from tf_ssae.detectors.base import Detector
from tf_ssae.training.calibrate import calibrate_scores


def in_float32(detector: Detector, split: Split | None) -> Detector:
    """A copy of a calibrated detector with networks that compute in float32.

    `split`: the Split that calibrated it, by which normalisation and Calibration are fitted again,
    since its scores are a little different; None: other images did, and they are kept as they are.
    """
    config = dataclasses.replace(detector.config, precision="float32")
    copy = type(detector).from_config({**detector.get_config(), "config": config.to_dict()})
    copy.set_weights(detector.get_weights())
    copy.fold()
    if split is not None:
        copy.calibration = calibrate_scores(copy, split)
    return copy
