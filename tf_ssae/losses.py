"""Per-example losses, `[B]`: a loss and the score that is made of it share one formula. No reduction over the batch."""

import tensorflow as tf


def squared_error(images, reconstructions):
    """Eq. 3.7, `||x - D(E1(x))||_2^2` of every image: `[B, S, S, C]` twice `-> [B]`, summed over pixels and channels."""
    return tf.reduce_sum(tf.square(images - reconstructions), axis=[1, 2, 3])


def mean_squared_error(images, reconstructions):
    """Eq. 3.7 with the mean over pixels and channels in place of the sum: `[B, S, S, C]` twice `-> [B]`."""
    return tf.reduce_mean(tf.square(images - reconstructions), axis=[1, 2, 3])


RECONSTRUCTION_LOSSES = {"sum": squared_error, "mean": mean_squared_error}


def rotation_cross_entropy(labels, logits):
    """The term of Eq. 3.8, `-log softmax_c C(...)`: labels `[B]`, logits `[B, 4]` `-> [B]`, in nats."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
