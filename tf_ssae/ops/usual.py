"""What score is usual for an image of its kind, where normal images are of several kinds."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Normal images that are remembered, how many of them an image is compared with, and by how many
# features.
_KNOWN, _ALIKE, _FEATURES = 500, 100, 3


@keras.saving.register_keras_serializable(package="tf_ssae")
class Usual(keras.layers.Layer):
    """The mean score of the normal images that look most like an image: descriptors `[B, D] ->
    [B]`. Before `fit` it is NaN.

    Where the normal images are of several kinds, a plain one and a patterned one, a score is higher
    for all images of one kind than for those of the other, and a defect on a plain image scores no
    higher than a patterned image without. What is above the usual score of the kind is comparable.
    Alike are the images nearest in the first principal components of their standardised
    descriptors: few components, since what a defect changes should not choose what the image is
    compared with.
    """

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)

        def weight(name: str, *shape: int) -> keras.Variable:
            return self.add_weight(shape=shape, initializer=unknown, trainable=False, name=name)

        self.centre = weight("centre", size)
        self.axes = weight("axes", size, min(size, _FEATURES))
        self.known = weight("known", _KNOWN, min(size, _FEATURES))
        self.scores = weight("scores", _KNOWN)

    @property
    def wanted(self) -> int:
        """How many images `fit` makes use of."""
        return _KNOWN

    def fit(self, descriptors: np.ndarray, scores: np.ndarray) -> None:
        """Remembers normal images, descriptors `[n, D]` and scores `[n]`: the first ones; fewer
        are remembered several times.
        """
        descriptors = np.asarray(descriptors[:_KNOWN], np.float64)
        centre, scale = descriptors.mean(axis=0), descriptors.std(axis=0) + 1e-6
        standard = (descriptors - centre) / scale
        _, vectors = np.linalg.eigh(standard.T @ standard)
        axes = vectors[:, ::-1][:, : self.axes.shape[1]] / scale[:, np.newaxis]
        self.centre.assign(centre)
        self.axes.assign(axes)
        known = (descriptors - centre) @ axes
        self.known.assign(np.resize(known, self.known.shape))
        self.scores.assign(np.resize(scores[:_KNOWN], _KNOWN))

    def call(self, descriptors: tf.Tensor) -> tf.Tensor:
        place = tf.matmul(descriptors - self.centre, tf.convert_to_tensor(self.axes))
        away = tf.reduce_sum(tf.square(place[:, tf.newaxis] - self.known), axis=2)
        nearest = tf.math.top_k(-away, _ALIKE).indices
        return tf.reduce_mean(tf.gather(tf.convert_to_tensor(self.scores), nearest), axis=1)
