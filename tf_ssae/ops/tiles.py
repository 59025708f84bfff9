"""Tiles: what a detector takes, square, cut from an image of any size and shape inside the graph;
and the score of an image, from those of its tiles.
"""

import dataclasses
import functools
from typing import Self

import numpy as np
import tensorflow as tf

from tf_ssae.ops.region_of_interest import RegionOfInterest, scaled

# Tiles of a set size overlap by at least one part in so many of their side.
OVERLAP = 8


def cut(
    images: tf.Tensor, size: int, crop: str, tile_size: int = 0, region: tf.Tensor | None = None
) -> tf.Tensor:
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
        region: bool `[h, w]`, the mask of a region of interest. The smallest upright rectangle
            that holds it is cut in place of the image, without tiles that hold nothing of it. What
            is outside is 0, and inside every value at least 1 (see `ops.region_of_interest`); a
            pixel of a tile is inside if all is that it was made of, so nothing outside has any
            influence.

    Returns:
        uint8 `[B, T, size, size, C]`, row by row; T is 1 for "centre", else what `Layout` says. It
        is 0 for a region of which nothing is left at this size.
    """
    shape = tf.shape(images)
    inside = None if region is None else scaled(region, shape[1], shape[2])
    tops, lefts, side = _placed(shape[1], shape[2], crop, tile_size, inside)
    corners = tf.reshape(tf.stack(tf.meshgrid(tops, lefts, indexing="ij"), axis=-1), [-1, 2])
    count = None
    if inside is not None:
        kept = tf.boolean_mask(corners, _kept(inside, corners, side, size))
        count = tf.shape(kept)[0]
        # Of no tile at all `map_fn` would not know the shape: then it maps one, which is dropped.
        corners = tf.cond(count > 0, lambda: kept, lambda: corners[:1])

    def tile(corner: tf.Tensor) -> tf.Tensor:
        top, left = corner[0], corner[1]
        whole = images[:, top : top + side, left : left + side]
        if inside is not None:
            seen = inside[top : top + side, left : left + side]
            # Before it is resized: no filter reaches what is outside.
            whole = tf.where(seen[tf.newaxis, ..., tf.newaxis], whole, tf.zeros_like(whole))

        def resized() -> tf.Tensor:
            # Not cast before: that would take four bytes for each of its bytes.
            result = tf.image.resize(whole, [size, size], antialias=True)
            return tf.cast(tf.clip_by_value(tf.round(result), 0.0, 255.0), tf.uint8)

        result = tf.ensure_shape(
            tf.cond(side == size, lambda: whole, resized), [None, size, size, images.shape[3]]
        )
        if inside is None:
            return result
        return tf.where(_covered(seen, size), tf.maximum(result, 1), tf.zeros_like(result))

    # One by one, so that no more than one is in memory at full size.
    found = tf.map_fn(
        tile,
        corners,
        parallel_iterations=1,
        fn_output_signature=tf.TensorSpec([None, size, size, images.shape[3]], tf.uint8),
    )
    return tf.transpose(found[:count], [1, 0, 2, 3, 4])


def _placed(
    height: tf.Tensor, width: tf.Tensor, crop: str, tile_size: int, inside: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Where tiles begin, int `[rows]` and `[columns]`, and their side, in pixels of an image of
    this size. `inside`: of a region of interest, bool `[height, width]`.
    """
    first, lengths = [0, 0], [height, width]
    if inside is not None:
        for axis in (0, 1):
            some = tf.cast(tf.reduce_any(inside, axis=1 - axis), tf.int32)
            first[axis] = tf.argmax(some, output_type=tf.int32)
            after = lengths[axis] - tf.argmax(some[::-1], output_type=tf.int32)
            lengths[axis] = after - first[axis]
    shorter = tf.minimum(*lengths)
    side = tf.minimum(shorter, tile_size) if tile_size else shorter
    overlap = side // OVERLAP if tile_size else 0
    tops, lefts = (
        start + _starts(length, side, overlap, crop) for start, length in zip(first, lengths)
    )
    return tops, lefts, side


def _kept(inside: tf.Tensor, corners: tf.Tensor, side: tf.Tensor, size: int) -> tf.Tensor:
    """Which tiles hold something of the region: bool `[T]`."""

    def holds_some(corner: tf.Tensor) -> tf.Tensor:
        top, left = corner[0], corner[1]
        return tf.reduce_any(_covered(inside[top : top + side, left : left + side], size))

    return tf.map_fn(holds_some, corners, fn_output_signature=tf.bool, parallel_iterations=1)


def _covered(seen: tf.Tensor, size: int) -> tf.Tensor:
    """Which pixels of a resized tile are made of nothing that is outside: bool `[side, side] ->
    [size, size, 1]`.
    """
    whole = tf.cast(seen[..., tf.newaxis], tf.float32)
    resized = tf.image.resize(whole, [size, size], antialias=True)
    # But for rounding: a thousandth of black is less than a grey level.
    return tf.ensure_shape(resized, [size, size, 1]) > 0.999


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
        inside: bool `[height, width]`, the region of interest; None if there is none.
        kept: which of the tiles are cut, bool: those that hold something of the region.
    """

    height: int
    width: int
    side: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]
    inside: np.ndarray | None
    kept: tuple[bool, ...]

    # Takes 10 ms, and 75 with a region; most photos of a folder have one size.
    @classmethod
    @functools.lru_cache(maxsize=1)
    def of(
        cls,
        height: int,
        width: int,
        crop: str,
        tile_size: int = 0,
        region: RegionOfInterest | None = None,
        size: int = 0,
    ) -> Self:
        """The layout of an image of this size, cut with these arguments of `cut`. `size`: needed
        with a region.
        """
        inside = None if region is None else tf.constant(region.scaled(height, width))
        tops, lefts, side = _placed(
            tf.constant(height), tf.constant(width), crop, tile_size, inside
        )
        corners = tf.reshape(tf.stack(tf.meshgrid(tops, lefts, indexing="ij"), axis=-1), [-1, 2])
        kept = np.ones(len(corners), bool)
        if inside is not None:
            kept = _kept(inside, corners, side, size).numpy()
        return cls(
            height,
            width,
            int(side),
            tuple(tops.numpy().tolist()),
            tuple(lefts.numpy().tolist()),
            None if inside is None else inside.numpy(),
            tuple(kept.tolist()),
        )

    def __len__(self) -> int:
        """T, how many tiles are cut."""
        return sum(self.kept)


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
