"""The anomaly scores of section 3.4, and those of the GANs. Higher means more anomalous, always."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.ops.losses import absolute_error, mean_squared_error, squared_error
from tf_ssae.ops.rotations import ROTATIONS


def a_rec(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """The reconstruction score, Eq. 3.7: `[B, S, S, C]` twice `-> [B]`, at least 0."""
    return squared_error(images, reconstructions)


def rotation_probabilities(logits: tf.Tensor) -> tf.Tensor:
    """The classifier's view of a whole rotation stack.

    Args:
        logits: `[4B, 4]`, of the images in `rotate_stack`.

    Returns:
        `[B, 4, 4]`: for every image, the rotation `d` that it was given, and the probability of
            each answer.
    """
    probabilities = tf.reshape(tf.nn.softmax(logits), [ROTATIONS, -1, ROTATIONS])
    return tf.transpose(probabilities, [1, 0, 2])


def a_cls(probabilities: tf.Tensor) -> tf.Tensor:
    """The classification score, Eq. 3.11: `[B, 4, 4] -> [B]`, minus the mean probability of the
    true rotation, in [-1, 0].
    """
    return -tf.reduce_sum(probabilities * _true(probabilities.dtype), axis=[1, 2]) / ROTATIONS


def a_log(logits: tf.Tensor) -> tf.Tensor:
    """As `a_cls`, but of log probabilities, which do not saturate where the classifier is sure:
    minus their mean, at least 0.

    `logits`: `[4B, 4]`, of the images in `rotate_stack`; the result is `[B]`.
    """
    log_probabilities = tf.reshape(tf.nn.log_softmax(logits), [ROTATIONS, -1, ROTATIONS])
    true = log_probabilities * _true(logits.dtype)[:, tf.newaxis]
    return -tf.reduce_sum(true, axis=[0, 2]) / ROTATIONS


def _true(dtype: tf.DType) -> tf.Tensor:
    """`[4, 4]`: 1 where the answer is the rotation, else 0."""
    # A constant: TFLite has no operator for a diagonal (tf.linalg.diag_part), OpenVINO none that
    # makes one (tf.eye).
    return tf.constant(np.eye(ROTATIONS), dtype)


def a_ws(normalised_a_rec: tf.Tensor, normalised_a_cls: tf.Tensor, alpha: float) -> tf.Tensor:
    """The weighted sum of the two normalised scores, Eq. 3.12: `[B]` twice `-> [B]`."""
    return alpha * normalised_a_rec + (1.0 - alpha) * normalised_a_cls


def a_max(normalised_a_rec: tf.Tensor, normalised_a_cls: tf.Tensor, alpha: float) -> tf.Tensor:
    """The larger of the two weighted, normalised scores, Eq. 3.13: `[B]` twice `-> [B]`."""
    return tf.maximum(alpha * normalised_a_rec, (1.0 - alpha) * normalised_a_cls)


def a_egbad(
    images: tf.Tensor,
    reconstructions: tf.Tensor,
    features: tf.Tensor,
    features_of_reconstructions: tf.Tensor,
) -> tf.Tensor:
    """EGBAD's score: 0.9 L_G + 0.1 L_D, the L1 error of the reconstruction and of D's features: `->
    [B]`, at least 0.

    Args:
        images, reconstructions: x and G(E(x)), `[B, S, S, C]` in [-1, 1].
        features, features_of_reconstructions: f(x, E(x)) and f(G(E(x)), E(x)), `[B, 1024]`.
    """
    l_g = absolute_error(images, reconstructions)
    l_d = absolute_error(features, features_of_reconstructions)
    return 0.9 * l_g + 0.1 * l_d


# The paper's text has the L1 norm, the authors' code the mean of squares.
LATENT_ERRORS = {"squared": mean_squared_error, "absolute": absolute_error}


def a_ganomaly(
    latents: tf.Tensor, latents_of_reconstructions: tf.Tensor, latent_error: str
) -> tf.Tensor:
    """GANomaly's score, how far z = G_E(x) is from E(G_D(z)): `[B, 1, 1, nz]` twice `-> [B]`,
    at least 0.

    Args:
        latent_error: one of `LATENT_ERRORS`.
    """
    return LATENT_ERRORS[latent_error](latents, latents_of_reconstructions)


@keras.saving.register_keras_serializable(package="tf_ssae")
class MinMax(keras.layers.Layer):
    """Min-max normalisation of one score, Eq. 3.14: `[B] -> [B]`.

    The minimum and the maximum are those of the training scores, set once by `fit` and kept as
    weights, so that every artefact of the model carries them. Nothing is clipped: a score beyond
    the training maximum maps above 1. Before `fit` both are NaN, so that a score which was never
    calibrated cannot be mistaken for one that was.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)
        self.minimum = self.add_weight(
            shape=(), initializer=unknown, trainable=False, name="minimum"
        )
        self.maximum = self.add_weight(
            shape=(), initializer=unknown, trainable=False, name="maximum"
        )

    def fit(self, minimum: float, maximum: float) -> None:
        """Sets the constants. Raises ValueError unless `minimum < maximum`, both finite."""
        if not (np.isfinite(minimum) and np.isfinite(maximum) and minimum < maximum):
            raise ValueError(
                f"{self.name}: the training scores run from {minimum} to {maximum}; expected two"
                " different, finite numbers. A score that is the same for every training image"
                " cannot be normalised: train for longer, or look at the reconstructions for a"
                " decoder that died."
            )
        self.minimum.assign(minimum)
        self.maximum.assign(maximum)

    def call(self, scores: tf.Tensor) -> tf.Tensor:
        # In two parts, the first one exact in float16, whose largest number is 65504: a float16
        # file rounds every constant, and where scores lie close together far from zero the rounding
        # of one minimum would be a percent of their range.
        high = tf.cast(tf.clip_by_value(self.minimum, -65504.0, 65504.0), tf.float16)
        high = tf.cast(high, tf.float32)
        span = self.maximum - self.minimum
        return (scores - high) / span - (self.minimum - high) / span
