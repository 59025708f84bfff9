"""What the figures need of a run beside its metrics. It is recorded while it trains, and chooses nothing."""

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tf_ssae import plots
from tf_ssae.experiments import results

# A hundred would do for figure 5.5; four rotations of 500 images leave an error of one point.
_WATCHED = 500

RECONSTRUCTIONS = "reconstructions_of_classes.png"


def watch(detector, split, folder):
    """The callbacks for `training.run`."""
    callbacks = []
    if detector.trained_on_rotations:
        callbacks.append(RotationAccuracy(detector, split))
    # Figure 1.1 shows MNIST.
    if detector.reconstructs and split.data.image_shape[2] == 1 and set(split.data.class_names) == set("0123456789"):
        callbacks.append(ClassReconstructions(detector, split, folder / RECONSTRUCTIONS))
    return callbacks


class RotationAccuracy(keras.callbacks.Callback):
    """After each epoch, the rotation accuracy on test images, normal and anomalous ones: figure 5.5.

    It goes to the epoch's logs as `test_rotation_accuracy_normal` and `..._anomalous`. The images are the first 500 of each
    kind in the test set's order.
    """

    def __init__(self, detector, split):
        super().__init__()
        is_anomaly = split.test_is_anomaly
        self._images = {
            kind: tf.constant(split.data.images[split.test[is_anomaly == anomalous][:_WATCHED]])
            for kind, anomalous in (("normal", False), ("anomalous", True))
        }
        self._probabilities = tf.function(lambda images: detector.primary(images)["rotation_probabilities"])

    def on_epoch_end(self, epoch, logs=None):
        for kind, images in self._images.items():
            answers = self._probabilities(images).numpy().argmax(axis=2)
            logs[results.ROTATION_ACCURACY.format(kind)] = float(np.mean(answers == np.arange(answers.shape[1])))


class ClassReconstructions(keras.callbacks.Callback):
    """After training, writes a PNG of the first test image of each class, in the test set's order, above its reconstruction."""

    def __init__(self, detector, split, path):
        super().__init__()
        self._detector, self._path = detector, path
        labels = split.data.labels[split.test]
        self._classes = len(split.data.class_names)
        # A small test set may lack a class: its place stays white.
        self._there, first = np.unique(labels, return_index=True)
        self._images = tf.constant(split.data.images[split.test[first]])

    def on_train_end(self, logs=None):
        rows = np.ones([2, self._classes, *self._detector.preprocess(self._images).shape[1:]], np.float32)
        rows[0, self._there] = self._detector.preprocess(self._images)
        rows[1, self._there] = self._detector.reconstruct(self._images)
        strip = plots.image_grid(*rows)[..., 0]
        Image.fromarray(np.round(255 * strip).astype(np.uint8)).save(self._path, optimize=True)
