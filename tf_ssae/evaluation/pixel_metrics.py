"""How well error maps find anomalous pixels: pixel AUROC and AUPRO, from one sort of all pixels.
Scikit-learn's `roc_curve`, weighted for AUPRO, gives the same in twice the time.

Anomalous pixels are the positive class; higher is more anomalous.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

MAX_FALSE_POSITIVE_RATE = 0.3


def pixel_metrics(maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> dict[str, float]:
    """The metrics of the anomaly maps of one test set, over all its pixels and exact: no thresholds
    are picked.

    Args:
        maps: one float `[H, W]` per image, finite; images may differ in size.
        masks: one bool `[H, W]` per image, of its map's shape: True where it is anomalous. All
            False for a normal image.

    Returns:
        A dict of floats: `pixel_auroc`, in which every pixel counts alike, and `aupro`, in which
        every anomalous region does (Bergmann et al., 2021: the share of a region that is found,
        averaged over the 8-connected regions of all masks, as a function of the false positive rate
        over all normal pixels, those of anomalous images too; its area from rate 0 to 0.3, divided
        by 0.3). A constant map has 0.5 and 0.15.

    Raises:
        ValueError: for a map and a mask of different shapes, a map that is not finite, or masks
            without anomalous or without normal pixels.
    """
    maps, masks = (
        [np.asarray(scores) for scores in maps],
        [np.asarray(mask, bool) for mask in masks],
    )
    if len(maps) != len(masks):
        raise ValueError(f"{len(maps)} maps and {len(masks)} masks; expected a mask for every map.")
    for i, (scores, mask) in enumerate(zip(maps, masks)):
        if scores.shape != mask.shape or scores.ndim != 2:
            raise ValueError(
                f"Map {i} has shape {scores.shape}, its mask {mask.shape}; expected the same"
                " [H, W]."
            )
        if not np.isfinite(scores).all():
            raise ValueError(
                f"{np.sum(~np.isfinite(scores))} of the {scores.size} pixels of map {i} are NaN or"
                " infinite."
            )
    anomalous = sum(int(mask.sum()) for mask in masks)
    normal = sum(mask.size for mask in masks) - anomalous
    if not anomalous or not normal:
        raise ValueError(
            f"The masks hold {anomalous} anomalous and {normal} normal pixels; expected at least"
            " one of each."
        )

    scores = np.concatenate([scores.ravel() for scores in maps])
    order = np.argsort(scores)[::-1]
    scores = scores[order]
    # Pixels of the same score are found together, so the curves have a point only after the last of
    # them.
    last = np.append(np.flatnonzero(scores[1:] != scores[:-1]), scores.size - 1)
    is_anomalous = np.concatenate([mask.ravel() for mask in masks])[order]
    found = np.cumsum(is_anomalous)[last]
    overlap = np.cumsum(np.concatenate([_region_shares(mask).ravel() for mask in masks])[order])[
        last
    ]
    false_positive_rate = np.append(0.0, (last + 1 - found) / normal)
    return {
        "pixel_auroc": float(np.trapezoid(np.append(0.0, found / anomalous), false_positive_rate)),
        "aupro": float(
            _area_to(
                MAX_FALSE_POSITIVE_RATE, false_positive_rate, np.append(0.0, overlap / overlap[-1])
            )
        ),
    }


def _region_shares(mask: np.ndarray) -> np.ndarray:
    """What finding each pixel adds to the sum of the regions' overlaps: 1 / its region's size, 0
    for a normal pixel.
    """
    regions, _ = ndimage.label(mask, np.ones([3, 3]))
    return np.where(mask, 1.0 / np.bincount(regions.ravel(), minlength=1)[regions], 0.0)


def _area_to(limit: float, x: np.ndarray, y: np.ndarray) -> float:
    """The area under the polyline `x`, `y` from `x = 0` to `limit`, divided by `limit`; `x` rises
    from 0 to 1.
    """
    beyond = np.searchsorted(x, limit, side="right")
    share = (limit - x[beyond - 1]) / (x[beyond] - x[beyond - 1])
    at_limit = y[beyond - 1] + share * (y[beyond] - y[beyond - 1])
    return np.trapezoid(np.append(y[:beyond], at_limit), np.append(x[:beyond], limit)) / limit
