import types

import numpy as np
import tensorflow as tf

from tf_ssae.datasets.images import LabelledImages
from tf_ssae.datasets.protocols import Split
from tf_ssae.experiments.watching import RotationAccuracy


def always_right_on_black(images):
    """On white images the likeliest answer is always 0."""
    is_white = tf.cast(tf.reduce_max(images, [1, 2, 3]) > 0, tf.float32)[:, None, None]
    right, none = tf.eye(4), tf.one_hot([0] * 4, 4)
    return {"rotation_probabilities": right + is_white * 0.6 * (none - right)}


def test_rotation_accuracy_is_told_by_kind():
    labels = np.array([0, 0, 1, 0, 1, 1])
    images = np.where(labels[:, None, None, None], np.uint8(255), np.uint8(0)) * np.ones([1, 8, 8, 1], np.uint8)
    data = LabelledImages(images, labels, ("good", "scratch"))
    split = Split(data, np.array([False, True]), np.arange(1), np.arange(0), np.arange(1, 6))
    logs = {}
    RotationAccuracy(types.SimpleNamespace(primary=always_right_on_black), split).on_epoch_end(0, logs)
    assert logs == {"test_rotation_accuracy_normal": 1.0, "test_rotation_accuracy_anomalous": 0.25}
