"""Scores of different kinds on one scale: how rarely a normal image scores as high, as layers whose
weights are fitted to normal images, so that every artefact of a model carries them.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Tail probabilities at whose quantiles the curve has a knot. Beyond the last it continues as the
# tail of an exponential distribution, so that scores beyond the largest known do not tie.
_PROBABILITIES = (0.9, 0.75, 0.6, 0.45, 0.35, 0.25, 0.17, 0.1)


@keras.saving.register_keras_serializable(package="tf_ssae")
class TailLog(keras.layers.Layer):
    """Minus the log of the share of normal images that score at least as high: `[B] -> [B]`, at
    least 0; a curve of straight lines through quantiles of their scores.

    The sum of several is Fisher's method of combining p-values (1925). Before `fit` it is NaN.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)
        shape = [len(_PROBABILITIES)]
        self.knots = self.add_weight(
            shape=shape, initializer=unknown, trainable=False, name="knots"
        )
        self.bends = self.add_weight(
            shape=shape, initializer=unknown, trainable=False, name="bends"
        )

    def fit(self, scores: np.ndarray) -> None:
        """Fits the curve to scores `[n]` of normal images.

        Raises:
            ValueError: they are not finite, or all the same.
        """
        scores = np.asarray(scores, np.float64)
        spread = np.ptp(scores)
        if not np.isfinite(scores).all() or not spread > 0:
            raise ValueError(
                f"{self.name}: scores from {scores.min()} to {scores.max()}; expected finite ones "
                "that differ. A score that is the same for every normal image says nothing: train "
                "for longer."
            )
        knots = np.quantile(scores, 1 - np.array(_PROBABILITIES))
        # Knots at the same score would be a step; a curve rises steadily.
        knots = np.maximum.accumulate(knots + 1e-6 * spread * np.arange(len(knots)))
        beyond = scores[scores > knots[-1]]
        excess = max(float(np.mean(beyond - knots[-1])) if len(beyond) else 0.0, 1e-3 * spread)
        slopes = np.append(np.diff(-np.log(_PROBABILITIES)) / np.diff(knots), 1 / excess)
        self.knots.assign(knots)
        self.bends.assign(np.diff(slopes, prepend=0.0))

    def call(self, scores: tf.Tensor) -> tf.Tensor:
        above = tf.maximum(scores[:, tf.newaxis] - self.knots, 0.0)
        return tf.reduce_sum(above * self.bends, axis=1)
