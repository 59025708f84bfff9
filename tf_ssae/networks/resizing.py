"""From an image of any size to the square that a detector was trained on, inside the graph."""

import tensorflow as tf


def resize_square(images, size):
    """The centre square of every image, resized to `size` x `size`.

    Resizing is bilinear with an antialiasing filter, about the image's centre, so that it commutes with rotation by 90
    degrees to rounding; an image that has the size already is returned bit for bit.

    Args:
        images: `[B, H, W, C]`, uint8; H and W may be unknown until the graph runs.
        size: int.

    Returns:
        float32 `[B, size, size, C]` in 0..255.
    """
    images = tf.cast(images, tf.float32)
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    side = tf.minimum(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = images[:, top : top + side, left : left + side]
    resized = tf.cond(
        side == size,
        lambda: square,
        # The filter's weights sum to 1 but for rounding.
        lambda: tf.clip_by_value(tf.image.resize(square, [size, size], antialias=True), 0.0, 255.0),
    )
    return tf.ensure_shape(resized, [None, size, size, images.shape[3]])
