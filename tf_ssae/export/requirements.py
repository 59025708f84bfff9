"""What a served model demands of a request: operators that fail with a message for the client."""

import tensorflow as tf

from tf_ssae.ops import tiles


def require(condition: tf.Tensor, message: str) -> tf.Operation:
    """Fails with the message unless the condition, bool `[]`, holds."""
    return tf.debugging.Assert(condition, [message])


def require_size(name: str, height: tf.Tensor, width: tf.Tensor) -> tf.Operation:
    """Fails unless images of this height and width, int32 `[]`, are what `ops.tiles` takes. `name`:
    the input's.
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
