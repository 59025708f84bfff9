"""How far features are from a normal distribution of those of normal images."""

import dataclasses
from collections.abc import Iterable
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

# Added to the sums of squares of factors, whose variance is about 1: a few images' worth. And to
# the number of images, which may be 0.
_RIDGE = 10.0
_EPSILON = 1e-9

Fitted = tuple[np.ndarray, np.ndarray, np.ndarray]


@keras.saving.register_keras_serializable(package="tf_ssae")
class Gaussian(keras.layers.Layer):
    """The log of the squared Mahalanobis distance of features from a normal distribution, one for
    each of P places (PaDiM, Defard et al., 2021): `[B, P, D] -> [B, P]`. Before `fit` it is NaN.

    With `factors`, `[B, K]`, of the image, the distribution is the one given these: its mean moves
    with them, linearly, and its covariance is that of what they do not explain.
    """

    def __init__(self, places: int, size: int, factors: int = 0, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)

        def weight(name: str, *shape: int) -> keras.Variable:
            return self.add_weight(shape=shape, initializer=unknown, trainable=False, name=name)

        self.centre = weight("centre", places, size)
        self.slopes = weight("slopes", places, factors, size) if factors else None
        self.whitening = weight("whitening", places, size, size)

    def fit(self, batches: Iterable[np.ndarray]) -> None:
        """Fits it, without factors, to batches of features `[n, P, D]` of normal images, in one
        pass. Correlations are shrunk (see `_shrunk`), so that there may be fewer images than
        features.
        """
        sums: Sums | None = None
        for batch in batches:
            sums = sums or Sums.none(batch.mean(axis=0, dtype=np.float64))
            sums.add(batch)
        if sums is None:
            raise ValueError("No batches to fit a Gaussian to; expected at least one.")
        self.fit_to(sums)

    def fit_to(self, sums: "Sums") -> None:
        """Fits it to what was summed over images."""
        self.assign(sums.fitted())

    def assign(self, fitted: Fitted) -> None:
        """Takes what `Sums.fitted` returns."""
        centre, slopes, whitening = fitted
        self.centre.assign(centre)
        if self.slopes is not None:
            self.slopes.assign(slopes)
        self.whitening.assign(whitening)

    def call(self, features: tf.Tensor, factors: tf.Tensor | None = None) -> tf.Tensor:
        away = tf.transpose(features - self.centre, [1, 0, 2])
        if self.slopes is not None:
            assert factors is not None
            away -= tf.matmul(factors[tf.newaxis], tf.convert_to_tensor(self.slopes))
        white = tf.matmul(away, tf.convert_to_tensor(self.whitening))
        return tf.transpose(tf.math.log(tf.reduce_sum(tf.square(white), axis=2) + 1e-6))


def distances(fitted: Fitted, features: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """What a Gaussian that was assigned `fitted` answers: `[n, P, D]` and `[n, K] -> [n, P]`."""
    centre, slopes, whitening = (part.astype(np.float32) for part in fitted)
    away = np.swapaxes(features - centre, 0, 1) - factors.astype(np.float32) @ slopes
    return np.log(np.square(away @ whitening).sum(axis=2) + 1e-6).T


@dataclasses.dataclass
class Sums:
    """Sums over images with features `[P, D]` and factors `[K]`, for their mean, their covariances
    and the slopes at each place, so that several Gaussians can be fitted in one pass. Those of
    other images can be added, or taken off.

    Attributes:
        origin: `[P, D]`, near the mean: sums of squares of large numbers lose small differences.
        of_factors: `[P, 1 + K, 1 + K]`, products of the factors, the first of which is 1, with each
            other; so the number of images comes first.
        of_both: `[P, 1 + K, D]`, with the features, less `origin`.
        of_features: `[P, D, D]`, of these with each other.
    """

    origin: np.ndarray
    of_factors: np.ndarray
    of_both: np.ndarray
    of_features: np.ndarray

    @classmethod
    def none(cls, origin: np.ndarray, factors: int = 0) -> Self:
        """Those of no images yet."""
        (places, size), given = origin.shape, 1 + factors
        return cls(
            origin,
            np.zeros([places, given, given]),
            np.zeros([places, given, size]),
            np.zeros([places, size, size]),
        )

    def add(
        self,
        batch: np.ndarray,
        factors: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> None:
        """Adds images: features `[n, P, D]`, factors `[n, K]`, and `weights`, `[n, P]`, 1 or 0:
        whether a place of an image counts.
        """
        given = np.ones([len(batch), 1], np.float32)
        if factors is not None:
            given = np.concatenate([given, factors.astype(np.float32)], axis=1)
        places = np.swapaxes(batch - self.origin.astype(np.float32), 0, 1)
        at_places = np.broadcast_to(given, [len(places), *given.shape])
        if weights is not None:
            places = places * weights.T[:, :, np.newaxis]
            at_places = at_places * weights.T[:, :, np.newaxis]
        transposed = np.swapaxes(at_places, 1, 2)
        self.of_factors += transposed @ at_places
        self.of_both += transposed @ places
        self.of_features += np.swapaxes(places, 1, 2) @ places

    def __add__(self, other: "Sums") -> "Sums":
        """Both must have the same origin."""
        return Sums(
            self.origin,
            self.of_factors + other.of_factors,
            self.of_both + other.of_both,
            self.of_features + other.of_features,
        )

    @property
    def count(self) -> np.ndarray:
        """Images, at each place, `[P]`."""
        return self.of_factors[:, 0, 0]

    def fitted(self) -> Fitted:
        """The mean at factors of 0, `[P, D]`; the slopes, `[P, K, D]`; and the whitening matrices
        `[P, D, D]` of what is left.
        """
        count = np.maximum(self.count, 1)[:, np.newaxis, np.newaxis]
        # Of the slopes, not of the mean.
        ridge = np.eye(self.of_factors.shape[-1])
        ridge[0, 0] = _EPSILON
        lines = np.linalg.solve(self.of_factors + _RIDGE * ridge, self.of_both)
        explained = np.swapaxes(lines, 1, 2) @ self.of_both
        covariance = (
            self.of_features
            - explained
            - np.swapaxes(explained, 1, 2)
            + np.swapaxes(lines, 1, 2) @ self.of_factors @ lines
        ) / count
        scale = np.sqrt(np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0)) + 1e-6
        covariance /= scale[:, :, np.newaxis] * scale[:, np.newaxis]
        values, vectors = np.linalg.eigh(_shrunk(covariance, self.count))
        whitening = (
            vectors / np.sqrt(np.maximum(values, 1e-6))[:, np.newaxis] / scale[:, :, np.newaxis]
        )
        # At a place where nothing was ever seen nothing is far.
        whitening[self.count == 0] = 0
        return self.origin + lines[:, 0], lines[:, 1:], whitening


def _shrunk(covariance: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Covariances `[P, D, D]` of `[P]` images each, shrunk towards a multiple of the identity by
    the oracle approximating share (Chen et al., 2010), which asks for the covariance alone:
    scikit-learn's needs all features in memory.
    """
    size = covariance.shape[-1]
    variance = np.trace(covariance, axis1=1, axis2=2) / size
    square = np.mean(np.square(covariance), axis=(1, 2))
    share = (square + variance**2) / ((count + 1) * (square - variance**2 / size) + 1e-12)
    share = np.minimum(share, 1.0)[:, np.newaxis, np.newaxis]
    identity = variance[:, np.newaxis, np.newaxis] * np.eye(size)
    return (1 - share) * covariance + share * identity
