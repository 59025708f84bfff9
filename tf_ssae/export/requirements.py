"""Requirements on a request to a served model: operators that fail with a message to the client."""

import tensorflow as tf

from tf_ssae.ops import tiles

# What `is_size` accepts, in words.
SIZES = (
    f"sides of at least {tiles.SMALLEST_SIDE} pixels, one at most {tiles.LARGEST_ASPECT} times the"
    f" other, and at most {tiles.LARGEST_IMAGE} pixels"
)


def require(condition: tf.Tensor, message: str) -> tf.Operation:
    """Fails with the message unless the condition, bool `[]`, holds."""
    return tf.debugging.Assert(condition, [message])


def require_size(name: str, height: tf.Tensor, width: tf.Tensor) -> tf.Operation:
    """Fails unless `ops.tiles` accepts images of this height and width, int32 `[]`. `name`: of the
    input.
    """
    message = f"{name}: expected {SIZES}; got height and width"
    return tf.debugging.Assert(is_size(height, width), [message, height, width])


def is_size(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """Whether `ops.tiles` accepts images of this height and width, int32 `[] -> bool []`."""
    shorter, longer = tf.minimum(height, width), tf.maximum(height, width)
    return (
        (shorter >= tiles.SMALLEST_SIDE)
        & (longer <= tiles.LARGEST_ASPECT * shorter)
        & (tf.cast(shorter, tf.int64) * tf.cast(longer, tf.int64) <= tiles.LARGEST_IMAGE)
    )
