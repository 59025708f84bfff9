"""Requirements on a request to a served model: operators that fail with a message to the client."""

import tensorflow as tf

from tf_ssae.ops import tiles
from tf_ssae.ops.region_of_interest import RegionOfInterest


def require(condition: tf.Tensor, message: str) -> tf.Operation:
    """Fails with the message unless the condition, bool `[]`, holds."""
    return tf.debugging.Assert(condition, [message])


def require_size(name: str, height: tf.Tensor, width: tf.Tensor) -> tf.Operation:
    """Fails unless `ops.tiles` accepts images of this height and width, int32 `[]`. `name`: of the
    input.
    """
    shorter, longer = tf.minimum(height, width), tf.maximum(height, width)
    return tf.debugging.Assert(
        (shorter >= tiles.SMALLEST_SIDE)
        & (longer <= tiles.LARGEST_ASPECT * shorter)
        & (tf.cast(shorter, tf.int64) * tf.cast(longer, tf.int64) <= tiles.LARGEST_IMAGE),
        [
            (
                f"{name}: expected sides of at least {tiles.SMALLEST_SIDE} pixels, one at most"
                f" {tiles.LARGEST_ASPECT} times the other, and at most {tiles.LARGEST_IMAGE}"
                " pixels; got height and width"
            ),
            height,
            width,
        ],
    )


def require_proportions(
    name: str, height: tf.Tensor, width: tf.Tensor, roi: RegionOfInterest
) -> tf.Operation:
    """Fails unless an image of this height and width, int32 `[]`, has the proportions of the region
    of interest. `name`: of the input.
    """
    rows, columns = roi.mask.shape
    return tf.debugging.Assert(
        roi.fits(tf.cast(height, tf.float64), tf.cast(width, tf.float64)),
        [
            f"{name}: expected the proportions of the region of interest, {rows} to {columns}; got"
            " height and width",
            height,
            width,
        ],
    )
