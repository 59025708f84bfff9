"""How unusual the windows of an image are, each at its place."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.ops.gaussian import Fitted, Gaussian, Sums, distances

# Normal images are dealt to so many parts, each of which is judged by a Gaussian of the others.
_PARTS = 3
# The least deviation of log distances, which is about a tenth for a hundred features.
_LEAST = 2.0**-5


@keras.saving.register_keras_serializable(package="tf_ssae")
class Windows(keras.layers.Layer):
    """How far windows are from normal: features `[B, P, D]`, and the image's factors `[B, K]` if K
    is not 0, to `[B, P]`. Before `fit` it is NaN.

    It is the log distance from the Gaussian of a place, less its mean and over its deviation among
    normal images that the Gaussian does not know: where these differ much, as at the edge of a
    print that is not always in the same place, it takes more to be unusual.
    """

    def __init__(self, places: int, size: int, factors: int, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)
        self.gaussian = Gaussian(places, size, factors)
        self.mean, self.deviation = (
            self.add_weight(shape=[places], initializer=unknown, trainable=False, name=name)
            for name in ("mean", "deviation")
        )

    def call(self, features: tf.Tensor, factors: tf.Tensor | None = None) -> tf.Tensor:
        return self.standard(self.gaussian(features, factors))

    def standard(self, distances: tf.Tensor) -> tf.Tensor:
        """Log distances `[B, P]`, less the usual ones, over their deviation."""
        return (distances - self.mean) / self.deviation


class Fit:
    """Fits a Windows in two passes over the same normal images: `add` all, then `judge` all."""

    def __init__(self, windows: Windows):
        self._windows = windows
        self._sums: list[Sums] = []
        self._of_others: list[Fitted] = []
        self._moments = np.zeros([3, windows.mean.shape[0]])

    def add(
        self, first: int, features: np.ndarray, factors: np.ndarray, counts: np.ndarray | None
    ) -> None:
        """The first pass. `first`: the number of the first image, counted from 0; `counts`:
        `[n, P]`, 1 or 0, whether a window counts; None: all do.
        """
        if not self._sums:
            origin = features.mean(axis=0, dtype=np.float64)
            self._sums = [Sums.none(origin, factors.shape[1]) for _ in range(_PARTS)]
        for part, sums in enumerate(self._sums):
            chosen = _part(first, len(features), part)
            if len(features[chosen]):
                given = None if counts is None else counts[chosen]
                sums.add(features[chosen], factors[chosen], given)

    def judge(
        self, first: int, features: np.ndarray, factors: np.ndarray, counts: np.ndarray | None
    ) -> np.ndarray:
        """The second pass; returns log distances, `[n, P]`, from Gaussians that do not know the
        images.
        """
        if not self._of_others:
            self._windows.gaussian.assign(_added(self._sums).fitted())
            self._of_others = [
                _added(self._sums[:part] + self._sums[part + 1 :]).fitted()
                for part in range(_PARTS)
            ]
        found = np.zeros(features.shape[:2], np.float32)
        for part, fitted in enumerate(self._of_others):
            chosen = _part(first, len(features), part)
            found[chosen] = distances(fitted, features[chosen], factors[chosen])
        weights = np.ones_like(found) if counts is None else counts
        powers = np.stack([np.ones_like(found), found, np.square(found)])
        self._moments += (weights * powers).sum(axis=1, dtype=np.float64)
        return found

    def finish(self) -> None:
        """After both passes."""
        count, total, squares = self._moments
        mean = total / np.maximum(count, 1)
        variance = np.maximum(squares / np.maximum(count, 1) - mean**2, 0)
        self._windows.mean.assign(mean)
        self._windows.deviation.assign(np.maximum(np.sqrt(variance), _LEAST))


def _part(first: int, count: int, part: int) -> slice:
    return slice((part - first) % _PARTS, count, _PARTS)


def _added(sums: list[Sums]) -> Sums:
    total, *others = sums
    for other in others:
        total = total + other
    return total
