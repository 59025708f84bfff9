"""Requirements on a request to a served model: operators that fail with a message to the client."""

import tensorflow as tf

from tf_ssae.ops.limits import LARGEST_ASPECT, SMALLEST_SIDE, Limits
from tf_ssae.ops.region_of_interest import RegionOfInterest

NOTHING_LEFT = "the region of interest leaves nothing of an image of this size"


def require(condition: tf.Tensor, message: str) -> tf.Operation:
    """Fails with the message unless the condition, bool `[]`, holds."""
    return tf.debugging.Assert(condition, [message])


def require_size(name: str, height: tf.Tensor, width: tf.Tensor, limits: Limits) -> tf.Operation:
    """Fails unless images of this height and width, int32 `[]`, are accepted. `name`: of the
    input.
    """
    message = f"{name}: expected {sizes(limits)}; got height and width"
    return tf.debugging.Assert(is_size(height, width, limits), [message, height, width])


def is_size(height: tf.Tensor, width: tf.Tensor, limits: Limits) -> tf.Tensor:
    """Whether images of this height and width, int32 `[]`, are accepted: bool `[]`."""
    shorter, longer = tf.minimum(height, width), tf.maximum(height, width)
    return (
        (shorter >= SMALLEST_SIDE)
        & (longer <= LARGEST_ASPECT * shorter)
        & (tf.cast(shorter, tf.int64) * tf.cast(longer, tf.int64) <= limits.pixels)
    )


def sizes(limits: Limits) -> str:
    """What `is_size` accepts, in words."""
    return (
        f"sides of at least {SMALLEST_SIDE} pixels, one at most {LARGEST_ASPECT} times the other,"
        f" and at most largest_image={limits.largest_image:g} megapixels"
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
