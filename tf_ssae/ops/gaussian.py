"""How far features are from a normal distribution of those of normal images."""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_ssae")
class Gaussian(keras.layers.Layer):
    """The log of the squared Mahalanobis distance of features from a normal distribution, one for
    each of P places (PaDiM, Defard et al., 2021): `[B, P, D] -> [B, P]`. Before `fit` it is NaN.
    """

    def __init__(self, places: int, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)
        self.centre = self.add_weight(
            shape=[places, size], initializer=unknown, trainable=False, name="centre"
        )
        self.whitening = self.add_weight(
            shape=[places, size, size], initializer=unknown, trainable=False, name="whitening"
        )

    def fit(self, batches: Iterable[np.ndarray]) -> None:
        """Fits it to batches of features `[n, P, D]` of normal images, in one pass. Correlations
        are shrunk (see `_shrunk`), so that there may be fewer images than features.
        """
        sums = Sums()
        for batch in batches:
            sums.add(batch)
        self.fit_to(sums)

    def fit_to(self, sums: "Sums") -> None:
        """Fits it to what was summed over batches of features."""
        mean, covariance = sums.mean, sums.covariance
        scale = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0)) + 1e-6
        covariance /= scale[:, :, np.newaxis] * scale[:, np.newaxis]
        values, vectors = np.linalg.eigh(_shrunk(covariance, sums.count))
        whitening = (
            vectors / np.sqrt(np.maximum(values, 1e-6))[:, np.newaxis] / scale[:, :, np.newaxis]
        )
        # At a place where nothing was ever seen nothing is far.
        whitening[np.broadcast_to(sums.count, len(whitening)) == 0] = 0
        self.centre.assign(mean)
        self.whitening.assign(whitening)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        away = tf.transpose(features - self.centre, [1, 0, 2])
        white = tf.matmul(away, tf.convert_to_tensor(self.whitening))
        return tf.transpose(tf.math.log(tf.reduce_sum(tf.square(white), axis=2) + 1e-6))


class Sums:
    """Sums over batches of features `[n, P, D]`, for their mean and covariances at each place, so
    that several Gaussians can be fitted in one pass.

    Attributes:
        count: images so far; with weights, at each place, `[P]`.
    """

    def __init__(self) -> None:
        self.count: int | np.ndarray = 0
        self._first: np.ndarray | None = None

    def add(self, batch: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Adds features `[n, P, D]`. `weights`: `[n, P]`, 1 or 0: whether they count."""
        if self._first is None:
            # About a mean, since sums of squares of large numbers lose the small differences.
            self._first = batch.mean(axis=0, dtype=np.float64)
            self._total, self._products = np.zeros(1), np.zeros(1)
        places = np.swapaxes(batch - self._first, 0, 1)
        if weights is None:
            self.count = self.count + len(batch)
        else:
            self.count = self.count + weights.sum(axis=0)
            places = places * weights.T[:, :, np.newaxis]
        self._total = self._total + places.sum(axis=1)
        self._products = self._products + np.swapaxes(places, 1, 2) @ places

    @property
    def mean(self) -> np.ndarray:
        """`[P, D]`."""
        assert self._first is not None
        return self._first + self._mean_of_differences

    @property
    def covariance(self) -> np.ndarray:
        """`[P, D, D]`."""
        mean, count = self._mean_of_differences, np.maximum(self.count, 1)
        products = self._products / np.reshape(count, [-1, 1, 1])
        return products - mean[:, :, np.newaxis] * mean[:, np.newaxis]

    @property
    def _mean_of_differences(self) -> np.ndarray:
        return self._total / np.reshape(np.maximum(self.count, 1), [-1, 1])


def _shrunk(covariance: np.ndarray, count: int | np.ndarray) -> np.ndarray:
    """Covariances `[P, D, D]` of `count` images each, or `[P]`, shrunk towards a multiple of the
    identity by the oracle approximating share (Chen et al., 2010), which asks for the covariance
    alone: scikit-learn's needs all features in memory.
    """
    size = covariance.shape[-1]
    variance = np.trace(covariance, axis1=1, axis2=2) / size
    square = np.mean(np.square(covariance), axis=(1, 2))
    share = (square + variance**2) / ((count + 1) * (square - variance**2 / size) + 1e-12)
    share = np.minimum(share, 1.0)[:, np.newaxis, np.newaxis]
    identity = variance[:, np.newaxis, np.newaxis] * np.eye(size)
    return (1 - share) * covariance + share * identity
