import numpy as np
import pytest
import tensorflow as tf
from plain_keras import make_plain

from tf_ssae.data import pipeline
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset


@pytest.mark.parametrize("name", ["ssae", "ensemble"])
def test_what_is_fast_trains_as_plain_keras_does(name, digit_images):
    config = preset("digits", detector=name, batch_size=32)
    batches = pipeline.with_rotations(
        pipeline.training_batches(digit_images.images, np.arange(640), config), config
    )
    losses = []
    for make in (registry.make, make_plain):
        detector = make(config, digit_images.image_shape)
        step = tf.function(detector.train_step)
        losses.append([float(step(batch)["loss"]) for batch in batches.take(5)])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
