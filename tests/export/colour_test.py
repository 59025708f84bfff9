"""Exports of a detector of colour images."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_ssae.calibration import Calibration
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.evaluation import predictions
from tf_ssae.export import models, saved_model, tflite
from tf_ssae.ops.limits import Limits
from tf_ssae.scoring.tflite import TFLiteModel


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
    detector.fit_normalisation(predictions.ask(detector, [tf.constant(images)]).scores)
    detector.calibration = Calibration.fit(
        {name: value.numpy() for name, value in detector(images).items()},
        target_fpr=0.05,
        deciding_score="a_ws",
        parts=("a_rec", "a_cls"),
        reason="a_ws decides, as set.",
        held_out=True,
        rotation_accuracy=None,
    )
    return detector


@pytest.fixture(scope="module")
def loaded(detector, tmp_path_factory):
    """Its export, told to take little."""
    folder = tmp_path_factory.mktemp("export")
    saved_model.write(detector, folder, Limits(largest_image=0.01, largest_file=0.1, most_scans=9))
    return tf.saved_model.load(str(folder))


def test_colour_files_score_as_their_pixels(loaded, detector, images):
    files = [tf.io.encode_png(image).numpy() for image in images[:5]]
    found = loaded.signatures["serving_bytes"](image_bytes=tf.constant(files))
    for name, values in detector(images[:5]).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4)


def test_what_a_server_refuses_is_what_its_export_was_told(loaded, detector):
    large, small = np.zeros([101, 100, 3], np.uint8), np.zeros([100, 100, 3], np.uint8)
    progressive = io.BytesIO()
    Image.fromarray(small).save(progressive, "JPEG", progressive=True)
    png = tf.io.encode_png(small).numpy()
    for data, reason in (
        (tf.io.encode_png(large).numpy(), "largest_image=0.01 megapixels"),
        (png + bytes(100_000), "largest_file=0.1 megabytes"),
        (progressive.getvalue(), "most_scans=9 scans"),
    ):
        found = loaded.signatures["decide"](image_bytes=tf.constant([data, png]))
        assert found["decision"].numpy()[0] == b"unreadable"
        refused, taken = found["error"].numpy()
        assert reason in refused.decode() and taken == b""
    with pytest.raises(tf.errors.InvalidArgumentError, match="(?s)largest_image=0.01 megapixels"):
        loaded.signatures["decide_images"](images=tf.constant(large[np.newaxis]))
    with pytest.raises(ValueError, match="would refuse the detector's own tiles of 8x8 pixels"):
        models.check_limits(Limits(largest_image=0.00006), detector.image_shape)


def test_colour_images_score_the_same_in_tflite(detector, images):
    found = TFLiteModel(tflite.convert(detector, "float32", None))(images[:5])
    for name, values in detector(images[:5]).items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-4)
