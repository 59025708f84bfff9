"""Per-example losses, `[B]`: a loss and the score that is made of it share one formula. No
reduction over the batch.
"""

import tensorflow as tf


def squared_error(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Eq. 3.7, `||x - D(E1(x))||_2^2` of every image: `[B, S, S, C]` twice `-> [B]`, summed over
    pixels and channels.
    """
    return tf.reduce_sum(tf.square(images - reconstructions), axis=[1, 2, 3])


def mean_squared_error(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """Eq. 3.7 with the mean over positions and channels in place of the sum: `[B, H, W, C]` twice
    `-> [B]`.
    """
    return tf.reduce_mean(tf.square(images - reconstructions), axis=[1, 2, 3])


RECONSTRUCTION_LOSSES = {"sum": squared_error, "mean": mean_squared_error}


def rotation_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The term of Eq. 3.8, `-log softmax_c C(...)`: labels `[B]`, logits `[B, 4]` `-> [B]`, in
    nats.
    """
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def absolute_error(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """The L1 norm of the difference, `[B, ...]` twice `-> [B]`."""
    return tf.reduce_sum(tf.abs(a - b), axis=list(range(1, len(a.shape))))


def mean_absolute_error(images: tf.Tensor, reconstructions: tf.Tensor) -> tf.Tensor:
    """The L1 norm with the mean over positions and channels in place of the sum: `[B, H, W, C]`
    twice `-> [B]`.
    """
    return tf.reduce_mean(tf.abs(images - reconstructions), axis=[1, 2, 3])


def binary_cross_entropy(logits: tf.Tensor, label: int) -> tf.Tensor:
    """`-log D` for label 1, `-log (1 - D)` for label 0, where D is the sigmoid of the logits: `[B]
    -> [B]`, in nats.
    """
    # One term, so one gradient. TensorFlow's own has four, and its sum of more than two takes them
    # in the order in which their buffers happen to be free: steps would round differently from run
    # to run, and what a GAN learns with them.
    return tf.nn.softplus(-logits if label else logits)
