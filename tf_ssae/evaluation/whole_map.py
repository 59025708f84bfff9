"""The anomaly map of a whole image, at its own resolution, from those of its tiles."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from tf_ssae.calibration import Description
from tf_ssae.evaluation import maps
from tf_ssae.ops.tiles import Layout

# Each tile's map is continued beyond its edges by this share of its side, so that neighbours share
# a band in which one fades into the other even where the tiles themselves only touch.
_FADE = 1 / 16


def of_outputs(
    outputs: Mapping[str, np.ndarray], description: Description, size: tuple[int, int]
) -> np.ndarray:
    """The scaled map (see `maps.scaled`) of one image, float32 `[H, W]`.

    Args:
        outputs: of a detector's networks for the image's tiles, as from `Detector.explain`:
            `location` or `squared_error`, `[T, ...]`.
        description: the detector's, with a `map_scale`.
        size: `(H, W)` of the image, upright.
    """
    of_tiles = maps.scaled(outputs, description.calibration.map_scale)
    tile_side = description.image_shape[0]
    layout = Layout.of(*size, description.crop, description.tile_size, description.roi, tile_side)
    return whole_map(maps.without_border(of_tiles, tile_side), layout)


def whole_map(tile_maps: np.ndarray, layout: Layout) -> np.ndarray:
    """One map from those of an image's tiles, without seams.

    Every tile's map is brought to the tile's own pixels, bilinearly, and neighbours fade into one
    another where they overlap. So it is nowhere larger than the maps of the tiles are: where none
    of them exceeds a level, the whole map does not. Where no tile lies (`--crop=centre`), and
    outside a region of interest, it is 0.

    Args:
        tile_maps: float `[T, t, t]`, without a border (see `maps.without_border`).
        layout: of the image's T tiles.

    Returns:
        float32 `[H, W]`.

    Raises:
        ValueError: for another number of maps than of tiles.
    """
    if len(tile_maps) != len(layout):
        raise ValueError(f"{len(tile_maps)} maps for an image of {len(layout)} tiles.")
    rows = _strips(layout.tops, layout.side, layout.height)
    columns = _strips(layout.lefts, layout.side, layout.width)
    result = np.zeros((layout.height, layout.width), np.float32)
    # How much of the weights lies on tiles that were cut, where some were not.
    total = None if all(layout.kept) else np.zeros_like(result)
    of_tiles, kept = iter(np.asarray(tile_maps, np.float32)), iter(layout.kept)
    for row in rows:
        for column in columns:
            if not next(kept):
                continue
            tile = Image.fromarray(next(of_tiles)).resize(
                (layout.side,) * 2, Image.Resampling.BILINEAR
            )
            continued = np.asarray(tile)[np.ix_(row.inside, column.inside)]
            continued *= row.weights[:, np.newaxis]
            continued *= column.weights
            result[row.start : row.stop, column.start : column.stop] += continued
            if total is not None:
                total[row.start : row.stop, column.start : column.stop] += (
                    row.weights[:, np.newaxis] * column.weights
                )
    if total is not None:
        result /= np.where(total > 0, total, 1)
    if layout.inside is not None:
        result[~layout.inside] = 0
    return result


@dataclasses.dataclass(frozen=True)
class _Strip:
    """What a tile covers along one side of the image, its continuation included: from `start` to
    `stop`. For each of these pixels, the tile's nearest one and the tile's share of the map.
    """

    start: int
    stop: int
    inside: np.ndarray
    weights: np.ndarray


def _strips(offsets: Sequence[int], side: int, length: int) -> list[_Strip]:
    """One _Strip per tile along a side of this length. Their weights sum up to 1 wherever there is
    a tile, and fall to 0 at the end of a strip that has a neighbour.
    """
    fade, last = max(1, round(_FADE * side)), len(offsets) - 1
    extents, tents, total = [], [], np.zeros(length)
    for i, offset in enumerate(offsets):
        start = max(0, offset - fade) if i > 0 else offset
        stop = min(length, offset + side + fade) if i < last else offset + side
        pixels = np.arange(start, stop) + 0.5
        to_start = pixels - start if i > 0 else np.full(len(pixels), np.inf)
        to_stop = stop - pixels if i < last else np.full(len(pixels), np.inf)
        tent = np.minimum(np.minimum(to_start, to_stop), side)
        total[start:stop] += tent
        extents.append((start, stop))
        tents.append(tent)
    return [
        _Strip(
            start,
            stop,
            np.clip(np.arange(start, stop) - offset, 0, side - 1),
            (tent / total[start:stop]).astype(np.float32),
        )
        for offset, (start, stop), tent in zip(offsets, extents, tents)
    ]
