"""Per-example losses, `[B]`, not reduced over the batch: a loss and the score made of it share one
formula.
"""

import tensorflow as tf

from tf_ssae.ops import replicas


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
    # One term, so one gradient. TensorFlow's own has four terms, and it sums more than two
    # gradients in the order in which their buffers happen to be free: steps would round differently
    # from run to run, and a GAN amplifies that.
    return tf.nn.softplus(-logits if label else logits)


def location_loss(change: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """How badly defects are located: the focal loss (Lin et al., 2017; gamma = 2) and the Dice loss
    (Milletari et al., 2016), over all pixels of a batch, in all replicas.

    Args:
        change: `[B, S, S, 1]` in 0..1: how visibly each pixel changed. At 1 it is a defect, up to
            0.2 it is not; pixels in between are ignored.
        logits: `[B, S/2, S/2, 1]`.
    """
    target = tf.nn.max_pool2d(change, 2, 2, "VALID")
    y = tf.cast(target >= 1.0, tf.float32)
    weight = tf.cast((target <= 0.2) | (target >= 1.0), tf.float32)
    # Each tensor is used at most twice, so that gradients are summed two by two: see
    # `binary_cross_entropy`.
    p = tf.sigmoid(logits)
    p_focal, p_dice = tf.identity(p), tf.identity(p)
    cross_entropy = tf.nn.softplus((1.0 - 2.0 * y) * logits)
    wrong = y + (1.0 - 2.0 * y) * p_focal
    focal, count, overlap, both = replicas.totals(
        tf.reduce_sum(weight * tf.square(wrong) * cross_entropy),
        tf.reduce_sum(weight),
        tf.reduce_sum(weight * y * p_dice),
        tf.reduce_sum(weight * y) + tf.reduce_sum(weight * p_dice),
    )
    return focal / count, 1.0 - (2.0 * overlap + 1.0) / (both + 1.0)
