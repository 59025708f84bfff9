"""Where something is anomalous: the connected areas of an image's anomaly map above a level.

A map is blurred, by its cells and windows, so what a strong defect lifts above the level is far
larger than the defect. An area is cut down to where the map is at least half of its peak, as the
width of a line in a spectrum is measured.
"""

import dataclasses
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage


@dataclasses.dataclass(frozen=True)
class Region:
    """One connected area, in pixels of the image; (0, 0) is its upper left corner.

    Attributes:
        box: `(x, y, width, height)`: the smallest that holds it.
        area: how many pixels it has.
        peak: the largest value of the map in it; of a scaled map in multiples of the level.
        centre: `(x, y)`, the mean of its pixels' centres. That of a box is x + width / 2.
    """

    box: tuple[int, int, int, int]
    area: int
    peak: float
    centre: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values."""
        return {
            "box": list(self.box),
            "area": self.area,
            "peak": float(f"{self.peak:.4g}"),
            "centre": [round(value, 1) for value in self.centre],
        }


def regions(
    anomaly_map: np.ndarray, size: tuple[int, int] | None = None, level: float = 1.0
) -> list[Region]:
    """The 8-connected areas in which an anomaly map is above a level (see `numbered`), that with
    the highest peak first.

    Args:
        anomaly_map: float `[h, w]`, such as from `maps.scaled` or `whole_map`.
        size: `(H, W)` of the image, if the map is of another: it is resized, bilinearly.
        level: 1 for a scaled map: at most `target_fpr` of normal images are expected to show any
            region.
    """
    if size is not None and anomaly_map.shape != tuple(size):
        image = Image.fromarray(np.asarray(anomaly_map, np.float32))
        anomaly_map = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))
    # Most images have none, and a large one costs a while to label.
    if not anomaly_map.size or anomaly_map.max() <= level:
        return []
    labels, _ = numbered(anomaly_map, level)
    found = [
        _region(labels[where] == i + 1, anomaly_map[where], where[1].start, where[0].start)
        for i, where in enumerate(ndimage.find_objects(labels))
    ]
    return sorted(found, key=lambda region: -region.peak)


def numbered(anomaly_map: np.ndarray, level: float = 1.0) -> tuple[np.ndarray, int]:
    """The regions of a map as an image: int `[h, w]`, 0 where there is none, and how many there
    are.

    Each is an 8-connected area above the level; and of that, the part around its peak in which the
    map is at least half the peak.
    """
    labels, count = ndimage.label(anomaly_map > level, np.ones([3, 3]))
    for i, where in enumerate(ndimage.find_objects(labels)):
        here, values = labels[where] == i + 1, anomaly_map[where]
        peak = np.unravel_index(np.argmax(np.where(here, values, -np.inf)), here.shape)
        if values[peak] > 2 * level:
            parts, _ = ndimage.label(here & (values >= values[peak] / 2), np.ones([3, 3]))
            labels[where][here & (parts != parts[peak])] = 0
    return labels, count


def _region(mask: np.ndarray, anomaly_map: np.ndarray, left: int, top: int) -> Region:
    """The Region of a mask `[h, w]` whose upper left corner is at `left`, `top`."""
    y, x = np.nonzero(mask)
    return Region(
        box=(left, top, mask.shape[1], mask.shape[0]),
        area=len(x),
        peak=float(anomaly_map[mask].max()),
        centre=(float(left + x.mean() + 0.5), float(top + y.mean() + 0.5)),
    )
