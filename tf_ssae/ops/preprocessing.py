"""From the images that a user has to the images that the networks see, inside the model's graph."""

import tensorflow as tf


def check_image_shape(image_shape: tuple[int, ...], target: int) -> None:
    """Raises ValueError unless `preprocess` can bring images of this shape `(H, W, C)` to `target`
    exactly.
    """
    height, width, channels = image_shape
    if (
        height != width
        or not 0 < height <= target
        or _border(height, target) % 2
        or channels not in (1, 3)
    ):
        raise ValueError(
            f"Images of shape {list(image_shape)}; expected square images of an even size of at"
            f" most {target} pixels, with 1 or 3 channels. They are enlarged by a whole factor and"
            " padded evenly, never interpolated, since only that commutes exactly with rotation."
        )


def preprocess(images: tf.Tensor, target: int) -> tf.Tensor:
    """Scales to [0, 1], enlarges by repeating pixels, and zero-pads to the networks' size.

    For a target of 32, 28x28 images are padded and 8x8 images are enlarged four times. Rotating
    before or after gives the same images, bit for bit: an enlargement that interpolated, or padding
    on one side, would mark the rotation.

    Args:
        images: `[B, S, S, C]`, uint8 in 0..255, or float in [0, 1].
        target: T, the size that the networks take.

    Returns:
        float32 `[B, T, T, C]` in [0, 1].
    """
    size = images.shape[1]
    if images.dtype == tf.uint8:
        images = tf.cast(images, tf.float32) / 255.0
    images = tf.cast(images, tf.float32)
    factor = target // size
    if factor > 1:
        images = tf.repeat(tf.repeat(images, factor, axis=1), factor, axis=2)
    border = _border(size, target) // 2
    if border:
        images = tf.pad(images, [[0, 0], [border, border], [border, border], [0, 0]])
    return images


def _border(size: int, target: int) -> int:
    return target - size * (target // size)
