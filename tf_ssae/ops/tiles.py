"""Tiles: what a detector takes, square, cut from an image of any size and shape inside the graph;
and the score of an image, from those of its tiles.
"""

import dataclasses
from typing import Self

import numpy as np
import tensorflow as tf

# Tiles of a set size overlap by at least one part in so many of their side.
OVERLAP = 8


def cut(images: tf.Tensor, size: int, crop: str, tile_size: int = 0) -> tf.Tensor:
    """Cuts images into tiles, resized to `size` x `size`.

    Rotation prediction forbids letterboxing and squeezing: bars, or stretched content, give away
    whether an image was rotated by 0 or 180 degrees or by 90 or 270, whatever is in it. Square
    tiles do not.

    * "tiles": as few as cover the image, evenly spaced. Their sides are the image's shorter side,
      so that a square image is one tile; or `tile_size`, and then neighbours overlap by at least
      an eighth of it, so that a small defect is whole in one of them.
    * "centre": the one in the middle.

    Resizing is bilinear with an antialiasing filter, about the centre, so that it commutes with
    rotation by 90 degrees but for the rounding to whole grey levels; what has the size already is
    returned bit for bit. (If an odd number of pixels is left over, the tile in the middle is
    off centre by half a pixel.)

    Args:
        images: uint8 `[B, H, W, C]`; H and W may be unknown until the graph runs.
        size: int.
        crop: "tiles" or "centre".
        tile_size: the side of the tiles in pixels of the image; 0, or more than the image's shorter
            side: that.

    Returns:
        uint8 `[B, T, size, size, C]`, row by row; T is 1 for "centre", else what `Layout` says.
    """
    shape = tf.shape(images)
    shorter = tf.minimum(shape[1], shape[2])
    side = tf.minimum(shorter, tile_size) if tile_size else shorter
    overlap = side // OVERLAP if tile_size else 0
    tops, lefts = (_starts(shape[axis], side, overlap, crop) for axis in (1, 2))
    corners = tf.stack(tf.meshgrid(tops, lefts, indexing="ij"), axis=-1)

    def tile(corner: tf.Tensor) -> tf.Tensor:
        top, left = corner[0], corner[1]
        whole = images[:, top : top + side, left : left + side]

        def resized() -> tf.Tensor:
            # Not cast before: that would take four bytes for each of its bytes.
            result = tf.image.resize(whole, [size, size], antialias=True)
            return tf.cast(tf.clip_by_value(tf.round(result), 0.0, 255.0), tf.uint8)

        return tf.ensure_shape(
            tf.cond(side == size, lambda: whole, resized), [None, size, size, images.shape[3]]
        )

    # One by one, so that no more than one is in memory at full size.
    found = tf.map_fn(
        tile,
        tf.reshape(corners, [-1, 2]),
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec([None, size, size, images.shape[3]], tf.uint8),
    )
    return tf.transpose(found, [1, 0, 2, 3, 4])


def _starts(length: tf.Tensor, side: tf.Tensor, overlap: tf.Tensor | int, crop: str) -> tf.Tensor:
    """Where tiles begin along one side of an image, which is `length` pixels long: int `[n]`."""
    slack = length - side
    if crop == "centre":
        return tf.reshape(slack // 2, [1])
    count = -((overlap - length) // (side - overlap))
    # The second half mirrors the first. Both are rounded towards the middle, or they would leave a
    # line of pixels out there.
    step, last = tf.range(count), tf.maximum(count - 1, 1)
    return tf.where(
        2 * step < count, -(-step * slack // last), slack + (step - last) * slack // last
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
    def of(cls, height: int, width: int, crop: str, tile_size: int = 0) -> Self:
        """The layout of an image of this size, cut with these arguments of `cut`."""
        side = min(height, width, tile_size) if tile_size else min(height, width)
        overlap = side // OVERLAP if tile_size else 0
        tops, lefts = (
            tuple(_starts(tf.constant(length), side, overlap, crop).numpy().tolist())
            for length in (height, width)
        )
        return cls(height, width, side, tops, lefts)

    def __len__(self) -> int:
        """T, how many tiles there are."""
        return len(self.tops) * len(self.lefts)


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
