"""What images differ by as a whole, such as light, focus and where a part lies."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

# At most so many factors, and one for so many features and so many images: few, so that they do not
# explain what a single place shows, a defect included.
_MOST, _FEATURES, _IMAGES = 40, 200, 6


@keras.saving.register_keras_serializable(package="tf_ssae")
class Factors(keras.layers.Layer):
    """The first principal components of standardised features: `[B, N] -> [B, K]`, each of mean 0
    and variance 1 among normal images; those that few images do not tell are 0. Before `fit` they
    are NaN.
    """

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)
        self.centre = self.add_weight(
            shape=[size], initializer=unknown, trainable=False, name="centre"
        )
        self.axes = self.add_weight(
            shape=[size, count(size)], initializer=unknown, trainable=False, name="axes"
        )

    def fit(self, features: np.ndarray) -> None:
        """Fits it to features `[n, N]` of normal images."""
        features = np.asarray(features, np.float64)
        centre, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        standard = (features - centre) / scale
        # Of the images, which are fewer than the features.
        values, vectors = np.linalg.eigh(standard @ standard.T)
        kept = min(self.axes.shape[1], len(features) // _IMAGES)
        axes = np.zeros(self.axes.shape)
        if kept:
            values, vectors = values[-kept:], vectors[:, -kept:]
            alike = np.sqrt(len(features)) * standard.T @ vectors / np.maximum(values, 1e-6)
            axes[:, :kept] = alike / scale[:, np.newaxis]
        self.centre.assign(centre)
        self.axes.assign(axes)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        return tf.matmul(features - self.centre, tf.convert_to_tensor(self.axes))


def count(size: int) -> int:
    """K for N features; 0 if they are too few."""
    return min(_MOST, size // _FEATURES)
