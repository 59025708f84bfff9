"""Where an image is anomalous: the error of its reconstruction, smoothed, on one scale for all
images.
"""

import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from tf_ssae.ops.batched import batched
from tf_ssae.ops.parts import largest

# Standard deviation of the smoothing, as a share of the image's side: a pixel of an edge that is a
# little off is no defect.
_SMOOTHING = 1 / 32


def error_maps(squared_error):
    """The squared error of a reconstruction, summed over the channels and smoothed: `[B, S, S, C]
    -> [B, S, S]`.
    """
    sigma = _SMOOTHING * squared_error.shape[1]
    return gaussian_filter(squared_error.sum(axis=3), sigma=(0, sigma, sigma))


def of_batches(detector, batches):
    """The error maps of image batches `[B, S, S, C]`, unscaled: yields one array `[B, T, T]` a
    batch.
    """

    def errors(images):
        return {
            "squared_error": tf.square(detector.preprocess(images) - detector.reconstruct(images))
        }

    for batch in batched(errors, batches, detector.config.jit_compile):
        yield error_maps(batch["squared_error"])


def fit_scale(detector, peaks, pictures, rank):
    """Fits `detector.map_scale` to held-out normal images: the rank-th largest of their maps'
    largest values.

    A map divided by it exceeds 1 anywhere in about as many normal pictures as raise false alarms.
    One scale for all images: a map stretched to its own maximum makes every normal image look as if
    it had a defect.

    Args:
        peaks: `[N]`, the largest value of each image's map, unscaled.
        pictures: int `[N]`, the picture of which each image is a part, in runs.
        rank: 1 for the largest.
    """
    detector.map_scale.assign(np.sort(largest(peaks, pictures))[-rank])
