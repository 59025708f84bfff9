"""How well the regions of anomaly maps agree with masks: defects hit, and false regions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from tf_ssae.evaluation.regions import numbered

# A region hits a defect if what they share is more than this part of what they cover together: it
# is to point at the defect, not to trace it.
LEAST_IOU = 0.1


def region_metrics(
    maps: Sequence[np.ndarray], masks: Sequence[np.ndarray], source: np.ndarray, level: float
) -> dict[str, Any]:
    """The metrics of the regions of one test set, tile by tile: a defect across two tiles counts in
    each.

    Args:
        maps: one float `[H, W]` per tile.
        masks: one bool `[H, W]` per tile: True where it is anomalous.
        source: int `[N]`, the image that each tile was cut from.
        level: of the regions: see `regions.numbered`.

    Returns:
        A dict of JSON values: `defects`, how many 8-connected areas the masks have; `hit`, the
        share of them that a region overlaps with an intersection over union above 0.1, and
        `touched`, that one overlaps at all (both None if there are no defects);
        `false_regions_per_normal_image`, over the images without a defect (None if there are none).
    """
    defects = hit = touched = 0
    has_defect: dict[int, bool] = {}
    regions_in: dict[int, int] = {}
    for anomaly_map, mask, image in zip(maps, masks, source.tolist(), strict=True):
        truth, count = ndimage.label(mask, np.ones([3, 3]))
        found, regions = numbered(anomaly_map, level)
        shared = _shared(truth, count, found, regions)
        areas = np.bincount(truth.ravel(), minlength=count + 1)[1:, np.newaxis]
        together = areas + np.bincount(found.ravel(), minlength=regions + 1)[1:] - shared
        defects += count
        hit += int((shared > LEAST_IOU * together).any(axis=1).sum())
        touched += int((shared > 0).any(axis=1).sum())
        has_defect[image] = has_defect.get(image, False) or count > 0
        regions_in[image] = regions_in.get(image, 0) + regions
    normal = [image for image, defective in has_defect.items() if not defective]
    false_regions = sum(regions_in[image] for image in normal)
    return {
        "defects": defects,
        "hit": hit / defects if defects else None,
        "touched": touched / defects if defects else None,
        "false_regions_per_normal_image": false_regions / len(normal) if normal else None,
    }


def _shared(truth: np.ndarray, count: int, found: np.ndarray, regions: int) -> np.ndarray:
    """How many pixels each of `count` defects shares with each of the regions: `[count, regions]`,
    from images of their numbers, 0 where there is none.
    """
    both = truth.ravel().astype(np.int64) * (regions + 1) + found.ravel()
    counts = np.bincount(both, minlength=(count + 1) * (regions + 1))
    return counts.reshape(count + 1, regions + 1)[1:, 1:]
