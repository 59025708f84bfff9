"""From an image of any size to the squares that a detector takes, inside the graph."""

import tensorflow as tf

# What is taken for an image. Sides in pixels; an image is cut into as many squares as its aspect
# ratio says.
SMALLEST_SIDE = 8
LARGEST_ASPECT = 16
LARGEST_IMAGE = 100_000_000  # pixels; resizing takes about 20 bytes for each


def squares(images, size, crop):
    """Square parts of images, resized to `size` x `size`.

    Rotation prediction forbids letterboxing and squeezing: bars, or the stretch of everything seen,
    tell 0 and 180 degrees from 90 and 270 without a look at the part. Only squares cut from the
    image, whose sides are its shorter side, don't.

    * "tiles": as few as cover the image, evenly spaced along its longer side; just the image if it
      is square.
    * "centre": the one in the middle.

    Resizing is bilinear with an antialiasing filter, about the centre, so that it commutes with
    rotation by 90 degrees but for the rounding to whole grey levels; what has the size already is
    returned bit for bit. (If an odd number of pixels is left over, the square in the middle lies a
    pixel off it.)

    Args:
        images: uint8 `[B, H, W, C]`; H and W may be unknown until the graph runs.
        size: int.
        crop: one of `config.CROPS`.

    Returns:
        uint8 `[B, T, size, size, C]`; T is the longer side over the shorter one, rounded up, or 1
        for "centre".
    """
    shape = tf.shape(images)
    height, width, side = shape[1], shape[2], tf.minimum(shape[1], shape[2])
    slack_down, slack_right = height - side, width - side
    if crop == "centre":
        parts = tf.reshape(
            images[:, slack_down // 2 :, slack_right // 2 :][:, :side, :side],
            [-1, side, side, shape[3]],
        )
        tiles = 1
    else:
        tiles = (height + width - 1) // side
        # One row or column of tiles: one of the slacks is 0. The second half mirrors the first.
        # Both are rounded towards the middle, or they would leave a line of pixels out there.
        step, last = tf.range(tiles)[:, tf.newaxis], tf.maximum(tiles - 1, 1)
        slack = tf.stack([slack_down, slack_right])
        offsets = tf.where(
            2 * step < tiles, -(-step * slack // last), slack + (step - last) * slack // last
        )

        def tile(offset):
            return images[:, offset[0] : offset[0] + side, offset[1] : offset[1] + side]

        parts = tf.map_fn(
            tile,
            offsets,
            fn_output_signature=tf.TensorSpec([None, None, None, images.shape[3]], tf.uint8),
        )
        parts = tf.reshape(tf.transpose(parts, [1, 0, 2, 3, 4]), [-1, side, side, shape[3]])

    def resized():
        result = tf.image.resize(tf.cast(parts, tf.float32), [size, size], antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(result), 0.0, 255.0), tf.uint8)

    parts = tf.cond(side == size, lambda: parts, resized)
    return tf.ensure_shape(
        tf.reshape(parts, [shape[0], tiles, size, size, shape[3]]),
        [None, None, size, size, images.shape[3]],
    )
