"""Exports of a detector of colour images."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.detectors.registry import preset
from tf_ssae.evaluation import predictions as evaluation
from tf_ssae.export import saved_model, tflite


@pytest.fixture(scope="module")
def images(digit_images):
    """Digits, each in a colour of its own."""
    colours = np.random.default_rng(0).uniform(size=[50, 1, 1, 3])
    return np.round(digit_images.images[:50] * colours).astype(np.uint8)


@pytest.fixture(scope="module")
def detector(images):
    detector = registry.make(preset("digits"), (8, 8, 3))
    for variable in detector.trainable_variables:
        if "kernel" in variable.path:
            # Untrained, its scores differ by little more than rounding, which normalisation would
            # magnify.
            variable.assign(5 * variable)
    detector.fit_normalisation(evaluation.ask(detector, [tf.constant(images)]).primary)
    detector.fit_decision({name: value.numpy() for name, value in detector(images).items()}, "a_ws")
    return detector


def test_colour_files_score_as_their_pixels(detector, images, tmp_path):
    saved_model.write(detector, tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    files = [tf.io.encode_png(image).numpy() for image in images[:5]]
    found = loaded.signatures["serving_bytes"](image_bytes=tf.constant(files))
    for name, values in detector(images[:5]).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4)


def test_colour_images_score_the_same_in_tflite(detector, images):
    found = tflite.Scorer(tflite.convert(detector, "float32", None))(images[:5])
    for name, values in detector(images[:5]).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4)
