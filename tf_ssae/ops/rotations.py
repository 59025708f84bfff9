"""The self-labelled data set of Eq. 3.5: every image under the four rotations by multiples of 90
degrees.

Everything here only moves pixels, so it is exact and works on uint8 images as well as on floats.
"""

import tensorflow as tf

ROTATIONS = 4


def rotate(images: tf.Tensor, d: int) -> tf.Tensor:
    """`x^{90 d}`: square images `[B, S, S, C]` turned by `90 d` degrees counter-clockwise, `d` in
    0..3.
    """
    if d == 0:
        return images
    if d == 1:
        return _upside_down(_transposed(images))
    if d == 2:
        return rotate(rotate(images, 3), 3)
    if d == 3:
        return _transposed(_upside_down(images))
    raise ValueError(f"d={d!r}: expected 0, 1, 2 or 3 (quarter turns, counter-clockwise).")


def _transposed(images: tf.Tensor) -> tf.Tensor:
    return tf.transpose(images, [0, 2, 1, 3])


def _upside_down(images: tf.Tensor) -> tf.Tensor:
    # Whole rows are moved: faster than tf.reverse, which OpenVINO converts wrongly.
    return tf.gather(images, tf.range(images.shape[1] - 1, -1, -1), axis=1)


def rotate_stack(images: tf.Tensor) -> tf.Tensor:
    """`[B, S, S, C] -> [4B, S, S, C]`: all images by 0 degrees, then all by 90, 180 and 270.

    The first `B` images of the stack are the images themselves.
    """
    return tf.concat([rotate(images, d) for d in range(ROTATIONS)], axis=0)


def rotation_labels(batch_size: int) -> tf.Tensor:
    """`[4B]` int32: the `d` of every image in `rotate_stack`."""
    return tf.repeat(tf.range(ROTATIONS), batch_size)


def rotate_sampled(images: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """One rotation per image, drawn as `c ~ U{0..3}` (section 3.2.2).

    Args:
        images: `[B, S, S, C]`.
        seed: int `[2]`; the same seed draws the same rotations.

    Returns:
        The rotated images `[B, S, S, C]` and their `c`, `[B]` int32.
    """
    batch_size = tf.shape(images)[0]
    c = tf.random.stateless_uniform([batch_size], seed, maxval=ROTATIONS, dtype=tf.int32)
    chosen = c * batch_size + tf.range(batch_size)
    return tf.gather(rotate_stack(images), chosen), c


def rotate_sampled_others(images: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Turns all images `[B, S, S, C]` but the first, `c ~ U{1..3}`. Returns them and their `c`,
    `[B]` int32. The same seed draws the same rotations.
    """
    count = images.shape[0]
    drawn = tf.random.stateless_uniform([count - 1], seed, 1, ROTATIONS, tf.int32)
    c = tf.concat([[0], drawn], axis=0)
    return tf.gather(rotate_stack(images), c * count + tf.range(count)), c
