import types

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.protocols import Split
from thesis.watching import Reconstructions, RotationAccuracy


def always_right_on_black(images):
    """On white images the likeliest answer is always 0."""
    is_white = tf.cast(tf.reduce_max(images, [1, 2, 3]) > 0, tf.float32)[:, None, None]
    right, none = tf.eye(4), tf.one_hot([0] * 4, 4)
    return {"rotation_probabilities": right + is_white * 0.6 * (none - right)}


def test_rotation_accuracy_is_told_by_kind():
    labels = np.array([0, 0, 1, 0, 1, 1])
    images = np.where(labels[:, None, None, None], np.uint8(255), np.uint8(0)) * np.ones(
        [1, 8, 8, 1], np.uint8
    )
    data = LabelledImages(images, labels, ("good", "scratch"))
    split = Split(data, np.array([False, True]), np.arange(1), np.arange(0), np.arange(1, 6))
    logs = {}
    RotationAccuracy(types.SimpleNamespace(primary=always_right_on_black), split).on_epoch_end(
        0, logs
    )
    assert logs == {"test_rotation_accuracy_normal": 1.0, "test_rotation_accuracy_anomalous": 0.25}


def test_a_strip_holds_images_above_their_reconstructions_each_in_its_place(tmp_path):
    detector = types.SimpleNamespace(
        preprocess=lambda images: images / 255, reconstruct=lambda images: 1 - images / 255
    )
    images = np.float32([60, 200])[:, None, None, None] * np.ones([1, 8, 8, 1], np.float32)
    Reconstructions(detector, images, [0, 7], tmp_path / "strip.png").on_train_end()
    strip = np.asarray(Image.open(tmp_path / "strip.png"))
    height, width = strip.shape[0] // 2, strip.shape[1] // 10
    upper, lower = (
        strip[height // 2, width // 2 :: width],
        strip[-(height // 2), width // 2 :: width],
    )
    assert upper.tolist() == [60, 255, 255, 255, 255, 255, 255, 200, 255, 255]
    assert lower.tolist() == [195, 255, 255, 255, 255, 255, 255, 55, 255, 255]
