"""Replicas of a detector that train together, each on a share of every batch. Anywhere else there
is one, and nothing here adds an operator to its graph.
"""

import tensorflow as tf


def count() -> int:
    """How many train together."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def mean(x: tf.Tensor) -> tf.Tensor:
    """The mean over all replicas of a tensor that each has its own of; its gradient is the mean
    of theirs.
    """
    if count() == 1:
        return x
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, x)


def totals(*sums: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The sums over all replicas of tensors that each has its own of; a gradient is the sum of
    theirs.
    """
    if count() == 1:
        return sums
    return tuple(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums))


def rows(x: tf.Tensor, number: int, replicas: int, batch_size: int) -> tf.Tensor:
    """The rows of a batch that one replica trains on.

    Args:
        x: `[k B, ...]`, k times a batch of B images, one after the other; or a scalar, which all
            share.
        number: of the replica, 0, 1, ...
        batch_size: B, a multiple of `replicas`.

    Returns:
        `[k B / replicas, ...]`, k times its images.
    """
    if not x.shape.rank:
        return x
    blocks = tf.reshape(x, [-1, replicas, batch_size // replicas, *x.shape[1:]])
    return tf.reshape(blocks[:, number], [x.shape[0] // replicas, *x.shape[1:]])
