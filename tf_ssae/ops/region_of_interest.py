"""The region of interest: the part of every photo of a run that counts.

Tiles say by themselves what is outside of it: there they are 0 in every channel, inside at least 1.
So it stays with the pixels, through files, batches and rotations, into whatever takes tiles.
"""

import base64
import binascii
import dataclasses
import functools
import io
from typing import Any, Self

import numpy as np
import tensorflow as tf
from PIL import Image

# A mask's longer side, in pixels; a larger one is shrunk.
LARGEST_SIDE = 4096
# Of the ratio of an image's sides and that of the mask.
_LARGEST_DIFFERENCE = 1.05


@dataclasses.dataclass(frozen=True)
class RegionOfInterest:
    """One mask for all images of a run, scaled to each, in upright coordinates.

    Attributes:
        png: the mask as a PNG file in base64, black and white; white counts.

    Raises:
        ValueError: on construction, if it is none.
    """

    png: str

    def __post_init__(self) -> None:
        if not (isinstance(self.png, str) and self.mask.any()):
            raise ValueError("roi: expected a mask in which something counts.")

    @classmethod
    def of(cls, mask: np.ndarray) -> Self:
        """The region of a mask, bool `[h, w]`."""
        file = io.BytesIO()
        Image.fromarray(mask).save(file, format="PNG")
        return cls(base64.b64encode(file.getvalue()).decode())

    @functools.cached_property
    def mask(self) -> np.ndarray:
        """bool `[h, w]`, true where it counts."""
        try:
            data = base64.b64decode(self.png, validate=True)
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                if max(image.size) > LARGEST_SIDE or image.mode != "1":
                    raise ValueError(f"{image.mode} of {image.size[0]}x{image.size[1]} pixels")
                return np.asarray(image)
        # Pillow raises many kinds of exceptions for damaged data.
        except (binascii.Error, OSError, SyntaxError, ValueError, TypeError) as error:
            raise ValueError(f"roi: expected a black and white mask: {error}") from error

    def fits(self, height: Any, width: Any) -> Any:
        """Whether an image of this size, two numbers or two tensors, has about the proportions of
        the mask.
        """
        ratio = (height / width) / (self.mask.shape[0] / self.mask.shape[1])
        return (ratio >= 1 / _LARGEST_DIFFERENCE) & (ratio <= _LARGEST_DIFFERENCE)

    def scaled(self, height: int, width: int) -> np.ndarray:
        """bool `[height, width]`, by the nearest pixel of the mask."""
        return scaled(tf.constant(self.mask), tf.constant(height), tf.constant(width)).numpy()


def scaled(mask: tf.Tensor, height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """A mask, bool `[h, w]`, brought to `[height, width]` by its nearest pixels."""
    found, sides = mask, tf.shape(mask, tf.int64)
    for axis, length in enumerate((height, width)):
        length = tf.cast(length, tf.int64)
        nearest = (2 * tf.range(length) + 1) * sides[axis] // (2 * length)
        found = tf.gather(found, nearest, axis=axis)
    return found


def marked(tiles: tf.Tensor) -> tf.Tensor:
    """Which pixels of tiles `[B, S, S, C]` are inside: float32 `[B, S, S, 1]`, 1 or 0."""
    brightest = tf.reduce_max(tf.cast(tiles, tf.float32), axis=-1, keepdims=True)
    return tf.cast(brightest > 0.0, tf.float32)


def composed(inside: tf.Tensor, x: tf.Tensor, outside: tf.Tensor) -> tf.Tensor:
    """x inside, `outside` elsewhere, both `[B, S, S, C]` or with sides of 1: `[B, S, S, C]`.

    `inside`: `[B, S, S, 1]`, 1 or 0; in between, that share of x.
    """
    return inside * x + (1.0 - inside) * outside


def filled(x: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """Images `[B, S, S, C]` with the mean of their inside, channel by channel, in place of what is
    outside: no edge is there that the image itself does not have.

    `inside`: `[B, S, S, 1]`, 1 or 0.
    """
    return composed(inside, x, mean(x, inside))


def mean(x: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """The mean of the inside: `[B, S, S, C] -> [B, 1, 1, C]`, weighted by `inside`,
    `[B, S, S, 1]`.
    """
    total = tf.reduce_sum(inside, axis=[1, 2], keepdims=True)
    return tf.reduce_sum(inside * x, axis=[1, 2], keepdims=True) / tf.maximum(total, 1e-6)
