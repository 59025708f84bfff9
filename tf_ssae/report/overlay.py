"""A photo with what is anomalous in it: the map over it in colour, its contour, and boxes."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tf_ssae.evaluation.regions import Region, numbered
from tf_ssae.report.png import YELLOW_TO_RED

_CONTOUR = (227, 26, 28)
_BOX = (255, 255, 255)
_BOX_EDGE = (0, 0, 0)
# Lines are as wide as can be seen when the whole photo is: this share of its longer side.
_LINE = 1 / 500
# Between these values of the map, colour rises from nothing to its full opacity: the photo is to be
# seen through it.
_FAINTEST, _FULL = 0.5, 2.0
_OPACITY = 0.45
_ROWS_AT_ONCE = 256


def overlay(
    photo: np.ndarray, anomaly_map: np.ndarray, found: Sequence[Region] = (), level: float = 1.0
) -> np.ndarray:
    """The photo, tinted where its map is above half the level, with a red line around each region,
    and a box.

    The line runs outside of what it surrounds, and so does the box.

    Args:
        photo: uint8 `[H, W, C]`, C 1 or 3.
        anomaly_map: float `[H, W]`, scaled.
        found: its regions.
        level: of the regions.

    Returns:
        uint8 `[H, W, 3]`.
    """
    height, width = photo.shape[:2]
    result = np.broadcast_to(photo, (height, width, 3)).copy()
    for top in range(0, height, _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        result[rows] = _tinted(result[rows], anomaly_map[rows] / level)
    line = max(1, round(_LINE * max(height, width)))
    if found:
        inside = numbered(anomaly_map, level)[0] > 0
        for region in found:
            _draw_contour(result, inside, region, line)
    image = Image.fromarray(result)
    draw = ImageDraw.Draw(image)
    for region in found:
        x, y, w, h = region.box
        for colour, away in ((_BOX_EDGE, 4 * line), (_BOX, 3 * line)):
            box = (x - away, y - away, x + w - 1 + away, y + h - 1 + away)
            draw.rectangle(box, outline=colour, width=line)
    return np.asarray(image)


def layer(anomaly_map: np.ndarray) -> np.ndarray:
    """The tint of `overlay` by itself, to be laid over a photo by whoever shows it.

    Args:
        anomaly_map: float `[H, W]`, scaled.

    Returns:
        uint8 `[H, W, 4]`: a colour and its opacity.
    """
    colour, opacity = _tint(anomaly_map)
    return np.round(np.concatenate([colour, 255 * opacity], axis=-1)).astype(np.uint8)


def _tinted(photo: np.ndarray, anomaly_map: np.ndarray) -> np.ndarray:
    """uint8 `[h, W, 3]`, float `[h, W]` -> uint8 `[h, W, 3]`."""
    if not (anomaly_map > _FAINTEST).any():
        return photo
    colour, opacity = _tint(anomaly_map)
    return np.round(opacity * colour + (1 - opacity) * photo).astype(np.uint8)


def _tint(anomaly_map: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of float `[H, W]`: a colour, `[H, W, 3]`, 0..255, and its opacity, `[H, W, 1]`, 0..1."""
    strength = np.clip((anomaly_map - _FAINTEST) / (_FULL - _FAINTEST), 0, 1)
    along = strength * (len(YELLOW_TO_RED) - 1)
    knots = np.arange(len(YELLOW_TO_RED))
    colour = np.stack([np.interp(along, knots, channel) for channel in YELLOW_TO_RED.T], axis=-1)
    return colour, _OPACITY * strength[..., np.newaxis]


def _draw_contour(image: np.ndarray, inside: np.ndarray, region: Region, line: int) -> None:
    """Draws, in place, a line around regions, bool `[H, W]`, in and about the box of one."""
    x, y, w, h = region.box
    where = np.s_[max(0, y - line) : y + h + line, max(0, x - line) : x + w + line]
    here = inside[where]
    grown = Image.fromarray(here).convert("L").filter(ImageFilter.MaxFilter(2 * line + 1))
    image[where][(np.asarray(grown) > 0) & ~here] = _CONTOUR
