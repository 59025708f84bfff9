"""Normal images as they would be if each part lay a little otherwise before the camera: still
normal, and more of what a few hundred images show of that.
"""

import math

import tensorflow as tf

from tf_ssae.data.draws import Draws
from tf_ssae.ops import region_of_interest

# Deviations: of the turn, in radians; of the log of the size; and of the shifts, as shares of the
# side.
_TURN, _SIZE, _SHIFT = math.radians(1.0), 0.015, 0.012


def moved(
    images: tf.Tensor, seed: tf.Tensor, inside: tf.Tensor | None = None
) -> tuple[tf.Tensor, ...]:
    """Images `[B, S, S, C]` in 0..1, each turned, enlarged and shifted a little; what lies beyond
    the border is its mirror image.

    Args:
        seed: `[2]` of ints; the same seed moves in the same way.
        inside: `[B, S, S, 1]`, 1 or 0: the region of interest, which stays where it is. What moves
            in from outside of it is blanked, and is not in the region any more.

    Returns:
        The images and, if it is given, the `inside` that is left.
    """
    draws, count, size = Draws(seed), tf.shape(images)[0], images.shape[1]
    turn = _TURN * draws.normal([count])
    scale = tf.exp(_SIZE * draws.normal([count]))
    across, down = scale * tf.cos(turn), scale * tf.sin(turn)
    middle = (size - 1) / 2
    x, y = (
        _SHIFT * size * draws.normal([count]) + middle - middle * moved_middle
        for moved_middle in (across - down, across + down)
    )
    zero = tf.zeros_like(turn)
    # From a place in the new image to the one in the old.
    transforms = tf.stack([across, -down, x, down, across, y, zero, zero], axis=1)

    def transformed(values: tf.Tensor) -> tf.Tensor:
        found = tf.raw_ops.ImageProjectiveTransformV3(
            images=values,
            transforms=transforms,
            output_shape=[size, size],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="REFLECT",
        )
        return tf.ensure_shape(found, values.shape)

    if inside is None:
        return (transformed(images),)
    left = inside * tf.floor(transformed(inside) + 1e-3)
    return region_of_interest.filled(transformed(images), left), left
