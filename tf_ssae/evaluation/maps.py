"""Where an image is anomalous: the error of its reconstruction, smoothed; or what the detector
located.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from tf_ssae.ops.batched import batched

if TYPE_CHECKING:
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


def of_outputs(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """The anomaly maps `[B, T, T]`, unscaled, from a detector's outputs: its `location`, if it has
    one, else its error maps.
    """
    if "location" in outputs:
        return np.asarray(outputs["location"])
    return error_maps(outputs["squared_error"])


def of_batches(detector: "Detector", batches: Iterable[tf.Tensor]) -> Iterator[np.ndarray]:
    """Yields the anomaly maps `[B, T, T]`, unscaled, of each batch of tiles `[B, S, S, C]`."""

    def mapped(tiles: tf.Tensor) -> dict[str, tf.Tensor]:
        return detector.mapped(tiles, detector.networks(tiles))

    for batch in batched(mapped, batches, detector.config.jit_compile):
        yield of_outputs(batch)
