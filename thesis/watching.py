"""What the figures need of a run beside its metrics. It is recorded while it trains, and chooses
nothing.
"""

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tf_ssae.report import png
from thesis import results

# A hundred would do for figure 5.5; four rotations of 500 images leave an error of one point.
_WATCHED = 500

# Two strips of ten originals above their reconstructions: the first test image of each class, and
# the first anomalous ones.
OF_CLASSES, OF_ANOMALIES = "reconstructions_of_classes.png", "reconstructions_of_anomalies.png"
_PICTURED = 10


def watch(detector, split, folder):
    """The callbacks for `training.run`."""
    callbacks = []
    if detector.trained_on_rotations:
        callbacks.append(RotationAccuracy(detector, split))
    # Figure 1.1 shows MNIST.
    if (
        detector.reconstructs
        and split.data.image_shape[2] == 1
        and set(split.data.class_names) == set("0123456789")
    ):
        classes, first = np.unique(split.data.labels[split.test], return_index=True)
        callbacks.append(
            Reconstructions(
                detector, split.data.images[split.test[first]], classes, folder / OF_CLASSES
            )
        )
        anomalies = split.test[split.test_is_anomaly][:_PICTURED]
        callbacks.append(
            Reconstructions(
                detector, split.data.images[anomalies], range(len(anomalies)), folder / OF_ANOMALIES
            )
        )
    return callbacks


class RotationAccuracy(keras.callbacks.Callback):
    """After each epoch, the rotation accuracy on test images, normal and anomalous ones: figure
    5.5.

    It goes to the epoch's logs as `test_rotation_accuracy_normal` and `..._anomalous`. The images
    are the first 500 of each kind in the test set's order.
    """

    def __init__(self, detector, split):
        super().__init__()
        is_anomaly = split.test_is_anomaly
        self._images = {
            kind: tf.constant(split.data.images[split.test[is_anomaly == anomalous][:_WATCHED]])
            for kind, anomalous in (("normal", False), ("anomalous", True))
        }
        self._probabilities = tf.function(
            lambda images: detector.primary(images)["rotation_probabilities"]
        )

    def on_epoch_end(self, epoch, logs=None):
        for kind, images in self._images.items():
            answers = self._probabilities(images).numpy().argmax(axis=2)
            logs[results.ROTATION_ACCURACY.format(kind)] = float(
                np.mean(answers == np.arange(answers.shape[1]))
            )


class Reconstructions(keras.callbacks.Callback):
    """After training, writes a PNG of images above their reconstructions, ten places wide."""

    def __init__(self, detector, images, places, path):
        """`images`: `[N, S, S, 1]`. `places`: `[N]` of 0 to 9; a place without an image, of a small
        test set, stays white.
        """
        super().__init__()
        self._detector, self._images, self._places, self._path = (
            detector,
            tf.constant(images),
            list(places),
            path,
        )

    def on_train_end(self, logs=None):
        rows = np.ones(
            [2, _PICTURED, *self._detector.preprocess(self._images).shape[1:]], np.float32
        )
        rows[0, self._places] = self._detector.preprocess(self._images)
        rows[1, self._places] = self._detector.reconstruct(self._images)
        strip = png.image_grid(*rows)[..., 0]
        Image.fromarray(np.round(255 * strip).astype(np.uint8)).save(self._path, optimize=True)
