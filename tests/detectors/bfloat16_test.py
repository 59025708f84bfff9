"""What every detector is in bfloat16."""

import dataclasses

import numpy as np
import own_detector  # noqa: F401  (it registers itself)
import pytest
from trained_detector import Trained

from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset

# Of wavelets.
WITHOUT_NETWORKS = ("a_tex", "a_win")


@pytest.mark.parametrize("name", registry.names())
def test_it_computes_in_bfloat16_or_refuses_to(name, digit_images):
    detector_class = registry.find(name)
    if not detector_class.computes_in_bfloat16:
        with pytest.raises(ValueError, match=f"{name} computes in float32 alone"):
            preset("digits", detector=name, precision="bfloat16")
        config = preset("digits", detector=name, precision="auto")
        assert registry.make(config, digit_images.image_shape).config.precision == "float32"
        return
    trained = Trained(name, digit_images, steps=3, precision="bfloat16")
    detector = trained.detector
    assert detector.calibration.precision == "bfloat16"
    assert {v.dtype for v in detector.trainable_variables} == {"float32"}
    assert all(np.isfinite(values).all() for values in trained.scores.values())
    config = dataclasses.replace(detector.config, precision="float32")
    exact = detector_class.from_config({**detector.get_config(), "config": config.to_dict()})
    exact.set_weights(detector.get_weights())
    for score, values in exact(trained.images).items():
        found = trained.scores[score]
        assert found.dtype == np.float32 and np.corrcoef(found, values)[0, 1] > 0.98, score
        assert np.array_equal(found, values) == (score in WITHOUT_NETWORKS), score
