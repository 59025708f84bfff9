"""What a run without known defects can say of itself: how many synthetic ones it finds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ssae.calibration.share import Share
from tf_ssae.data import defects
from tf_ssae.data.split import Split, Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation import predictions
from tf_ssae.ops import region_of_interest
from tf_ssae.ops.batched import at_once
from tf_ssae.ops.graph import graph
from tf_ssae.ops.tiles import first_tiles

_IMAGES = 100
# Draws of each defect: the first that is visible counts. Most are; see `defects.tamper`.
_DRAWS = 3
# Another stream than those that train.
_STREAM = 7


def synthetic_defects(detector: Detector, split: Split) -> dict[str, Any]:
    """How many held-out normal images a calibrated detector calls anomalies once one synthetic
    visible defect is pasted into each; JSON values, none if nothing was held out.

    The defects are drawn with another seed and in another mix than those that train, if any do.
    """
    held_out = split.calibration.first(_IMAGES)
    if not len(held_out):
        return {}
    batches = tampered(held_out, at_once(detector.config.image_size), detector.roi is not None)
    evaluation = predictions.evaluate(detector, predictions.ask(detector, batches), held_out)
    found = Share.among(detector.calibration.is_anomaly(evaluation.scores))
    return {
        "synthetic_defects": {
            "images": found.of,
            "found": found.count,
            "low": found.low,
            "high": found.high,
        }
    }


def tampered(subset: Subset, batch_size: int, has_region: bool = False) -> Iterator[tf.Tensor]:
    """Yields batches of the tiles of images, uint8 `[B, S, S, C]`, with a defect in the first tile
    of each image; the same ones in every run.

    `has_region`: whether tiles are 0 outside of a region of interest, where none is pasted.
    """
    firsts = np.isin(np.arange(len(subset.source)), first_tiles(subset.source))
    # The others are not drawn for: an image of 24 megapixels may have hundreds of tiles. Always for
    # as many, so that it is traced once.
    most = max(firsts[i : i + batch_size].sum() for i in range(0, len(firsts), batch_size))
    drawn = graph(with_defects)
    for number, tiles in enumerate(subset.batches(batch_size)):
        (here,) = np.nonzero(firsts[number * batch_size :][:batch_size])
        if len(here):
            chosen = tf.gather(tiles, np.resize(here, most))
            pasted = drawn(chosen, has_region, tf.constant(number, tf.int64))[: len(here)]
            pasted = tf.cast(tf.round(255.0 * pasted), tf.uint8)
            tiles = tf.tensor_scatter_nd_update(tiles, here[:, np.newaxis], pasted)
        yield tiles


def with_defects(
    tiles: tf.Tensor, has_region: bool = False, number: tf.Tensor | int = 0
) -> tf.Tensor:
    """uint8 tiles `[B, S, S, C]` with a defect in each, float in 0..1. `number`: other defects for
    another one. `has_region`: see `tampered`.
    """
    seed = tf.stack([tf.constant(_STREAM, tf.int64), tf.cast(number, tf.int64)])
    clean = _in_range(tiles)
    inside = region_of_interest.marked(clean) if has_region else None
    if inside is not None:
        clean = region_of_interest.filled(clean, inside)
    found, is_visible = clean, tf.zeros([tf.shape(clean)[0], 1, 1, 1], tf.bool)
    for draw in range(_DRAWS):
        seed_of_draw = tf.random.experimental.stateless_fold_in(seed, draw)
        changed, change = defects.tamper(
            clean, seed_of_draw, most=1, mix=defects.EQUAL, inside=inside
        )
        found = tf.where(is_visible, found, changed)
        is_visible |= tf.reduce_max(change, [1, 2, 3], keepdims=True) >= 1.0
    # A defect may be black; only what is outside is 0.
    return found if inside is None else inside * tf.maximum(found, 1.0 / 255.0)


def _in_range(tiles: tf.Tensor) -> tf.Tensor:
    return tf.cast(tiles, tf.float32) / 255.0
