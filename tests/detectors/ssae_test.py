"""The losses of one step by hand: Eq. 3.7, 3.8 and 3.10."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset


def made(digit_images, **settings):
    config = preset("digits", batch_size=8, rotations="sampled", **settings)
    return registry.make(config, digit_images.image_shape), tf.constant(digit_images.images[:8])


def step(detector, *batch):
    return {name: float(value) for name, value in detector.train_step(batch).items()}


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_losses_are_the_thesis(reduction, digit_images):
    detector, images = made(digit_images, w_cls=2.0, w_rec=3.0, reconstruction_reduction=reduction)
    # Every pixel is reconstructed as 0.25; the four answers have these probabilities, whatever the
    # image.
    for layer, bias in (
        (detector.decoder.layers[-2], [0.25]),
        (detector.classifier.layers[-2], np.log([0.1, 0.2, 0.3, 0.4])),
    ):
        layer.set_weights([0 * layer.kernel.numpy(), np.array(bias)])
    logs = step(detector, images, images, tf.range(8) % 4)
    error = np.square(images / 255 - 0.25)
    # The networks see every pixel of the digits four times in each direction.
    expected = {"sum": (16 * error.sum((1, 2, 3))).mean(), "mean": error.mean()}
    assert logs["l_rec"] == pytest.approx(expected[reduction], rel=1e-5)
    # -(ln 0.1 + ln 0.2 + ln 0.3 + ln 0.4) / 4
    assert logs["l_cls"] == pytest.approx(1.508072, rel=1e-5)
    assert logs["loss"] == pytest.approx(2 * logs["l_cls"] + 3 * logs["l_rec"], rel=1e-5)


def test_sampled_rotations_reconstruct_the_images_that_are_not_rotated(digit_images):
    detector, images = made(digit_images)
    for variable in detector.trainable_variables:
        if "kernel" in variable.path:
            # So that reconstructions differ from image to image.
            variable.assign(5 * variable)
    rotated = tf.image.rot90(images)
    both = tf.concat([detector.preprocess(images), detector.preprocess(rotated)], axis=0)
    rebuilt = detector.decoder(detector.encoder(both, training=True)[:8])
    logs = step(detector, images, rotated, tf.ones([8], tf.int32))
    assert logs["l_rec"] == pytest.approx(np.square(both[:8] - rebuilt).mean(), rel=1e-4)
