"""Where an image is anomalous: the error of its reconstruction, smoothed; or what the detector
located.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    import tensorflow as tf

    from tf_ssae.detectors.base import Detector

# Standard deviation of the smoothing, as a share of the image's side: an edge that is reconstructed
# a pixel off is not a defect.
_SMOOTHING = 1 / 32


def error_maps(squared_error: np.ndarray) -> np.ndarray:
    """The squared error of a reconstruction, summed over the channels and smoothed:
    `[B, S, S, C] -> [B, S, S]`.
    """
    sigma = _SMOOTHING * squared_error.shape[1]
    return gaussian_filter(squared_error.sum(axis=3), sigma=(0, sigma, sigma))


def made_of(outputs: Mapping[str, np.ndarray]) -> str:
    """The name of what maps are made of: `location`, if a detector has it, else `squared_error`."""
    return "location" if "location" in outputs else "squared_error"


def of_outputs(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The anomaly maps `[B, T, T]`, unscaled, from a detector's outputs: its `location`, if it has
    one, else its error maps.
    """
    name = made_of(outputs)
    return np.asarray(outputs[name]) if name == "location" else error_maps(outputs[name])


def scaled(outputs: Mapping[str, np.ndarray], map_scale: float | None) -> np.ndarray:
    """The anomaly maps `[B, T, T]` of a detector's outputs on one scale for all images: 0 is
    normal, and more than 1 is found somewhere in as many normal images as raise false alarms.

    A `location`, a probability, counts as -log(1 - p): what is nearly certain differs by more than
    its last digits.

    Args:
        map_scale: of the detector's Calibration.

    Raises:
        ValueError: it is None: the detector has no maps.
    """
    if map_scale is None:
        raise ValueError("This detector has no maps, and so its calibration has no scale of them.")
    maps = of_outputs(outputs)
    if made_of(outputs) != "location":
        return maps / map_scale
    return (_surprise(maps) / _surprise(np.asarray(map_scale))).astype(np.float32)


def _surprise(p: np.ndarray) -> np.ndarray:
    """-log(1 - p); of the largest p below 1 in float32 where p has been rounded to 1."""
    return -np.log(np.maximum(1.0 - p, np.float32(2.0**-24)))


def without_border(maps: np.ndarray, tile_size: int) -> np.ndarray:
    """Maps `[B, T, T]` without the border, if any, that `ops.preprocessing` padded tiles of
    `[B, S, S, C]` with. `tile_size`: S.
    """
    factor = maps.shape[1] // tile_size
    border, side = (maps.shape[1] - factor * tile_size) // 2, factor * tile_size
    return maps[:, border : border + side, border : border + side]


def of_batches(detector: "Detector", batches: Iterable["tf.Tensor"]) -> Iterator[np.ndarray]:
    """Yields the anomaly maps `[B, T, T]`, unscaled, of each batch of tiles `[B, S, S, C]`."""
    return map(of_outputs, map(detector.answers, batches))
