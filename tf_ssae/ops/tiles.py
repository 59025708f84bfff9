"""Tiles: what a detector takes, square, cut from an image of any size and shape inside the graph;
and the score of an image, from those of its tiles.
"""

import dataclasses
from typing import Self

import numpy as np
import tensorflow as tf

# What is accepted as an image. Sides in pixels; the aspect ratio says into how many tiles an image
# is cut.
SMALLEST_SIDE = 8
LARGEST_ASPECT = 16
LARGEST_IMAGE = 100_000_000  # pixels; resizing takes about 20 bytes for each


def cut(images: tf.Tensor, size: int, crop: str) -> tf.Tensor:
    """Cuts images into tiles, resized to `size` x `size`.

    Rotation prediction forbids letterboxing and squeezing: bars, or stretched content, give away
    whether an image was rotated by 0 or 180 degrees or by 90 or 270, whatever is in it. Square
    tiles, whose sides are the image's shorter side, do not.

    * "tiles": as few as cover the image, evenly spaced along its longer side; just the image if it
      is square.
    * "centre": the one in the middle.

    Resizing is bilinear with an antialiasing filter, about the centre, so that it commutes with
    rotation by 90 degrees but for the rounding to whole grey levels; what has the size already is
    returned bit for bit. (If an odd number of pixels is left over, the tile in the middle is
    off centre by half a pixel.)

    Args:
        images: uint8 `[B, H, W, C]`; H and W may be unknown until the graph runs.
        size: int.
        crop: "tiles" or "centre".

    Returns:
        uint8 `[B, T, size, size, C]`; T is the longer side over the shorter one, rounded up, or 1
        for "centre".
    """
    shape = tf.shape(images)
    height, width, side = shape[1], shape[2], tf.minimum(shape[1], shape[2])
    slack_down, slack_right = height - side, width - side
    if crop == "centre":
        cut_out = tf.reshape(
            images[:, slack_down // 2 :, slack_right // 2 :][:, :side, :side],
            [-1, side, side, shape[3]],
        )
        count = 1
    else:
        count = (height + width - 1) // side
        # One row or column of tiles: one of the slacks is 0. The second half mirrors the first.
        # Both are rounded towards the middle, or they would leave a line of pixels out there.
        step, last = tf.range(count)[:, tf.newaxis], tf.maximum(count - 1, 1)
        slack = tf.stack([slack_down, slack_right])
        offsets = tf.where(
            2 * step < count, -(-step * slack // last), slack + (step - last) * slack // last
        )

        def tile(offset: tf.Tensor) -> tf.Tensor:
            return images[:, offset[0] : offset[0] + side, offset[1] : offset[1] + side]

        cut_out = tf.map_fn(
            tile,
            offsets,
            fn_output_signature=tf.TensorSpec([None, None, None, images.shape[3]], tf.uint8),
        )
        cut_out = tf.reshape(tf.transpose(cut_out, [1, 0, 2, 3, 4]), [-1, side, side, shape[3]])

    def resized() -> tf.Tensor:
        # Not cast before: that would take four bytes for each of its bytes.
        result = tf.image.resize(cut_out, [size, size], antialias=True)
        return tf.cast(tf.clip_by_value(tf.round(result), 0.0, 255.0), tf.uint8)

    cut_out = tf.cond(side == size, lambda: cut_out, resized)
    return tf.ensure_shape(
        tf.reshape(cut_out, [shape[0], count, size, size, shape[3]]),
        [None, None, size, size, images.shape[3]],
    )


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where `cut` cuts the tiles of an image, in its pixels: row by row.

    Attributes:
        height, width: of the image.
        side: of every tile.
        tops, lefts: the first row of each row of tiles, the first column of each column of them;
            ascending.
    """

    height: int
    width: int
    side: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]

    @classmethod
    def of(cls, height: int, width: int, crop: str) -> Self:
        """The layout of an image of this size, cut with this `crop`."""
        side = min(height, width)
        tops, lefts = (_offsets(length, side, crop) for length in (height, width))
        return cls(height, width, side, tops, lefts)

    def __len__(self) -> int:
        """T, how many tiles there are."""
        return len(self.tops) * len(self.lefts)


def _offsets(length: int, side: int, crop: str) -> tuple[int, ...]:
    """Where tiles begin along one side of an image: what `cut` does in the graph."""
    slack = length - side
    if crop == "centre":
        return (slack // 2,)
    count = -(-length // side)
    last = max(count - 1, 1)
    return tuple(
        -(-i * slack // last) if 2 * i < count else slack + (i - last) * slack // last
        for i in range(count)
    )


def first_tiles(source: np.ndarray) -> np.ndarray:
    """The index of the first tile of each image, `[M]`.

    Args:
        source: int `[N]` in runs, the image that each tile was cut from.
    """
    return np.flatnonzero(np.diff(source, prepend=source[:1] - 1))


def largest(values: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The largest value among the tiles of each image: an image is as anomalous as its most
    anomalous tile.

    Args:
        values: `[N]`, one per tile.
        source: int `[N]` in runs, the image that each tile was cut from.

    Returns:
        `[M]`, one per image.
    """
    return np.maximum.reduceat(values, first_tiles(source))
