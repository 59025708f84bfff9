"""Cards and galleries for a report: tiles of images with a detector's outputs."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from tf_ssae.calibration import Calibration
from tf_ssae.evaluation import maps
from tf_ssae.ops import preprocessing
from tf_ssae.report import png
from tf_ssae.report.content import Card

# The most images in a gallery.
SHOWN = 12


def extremes(
    most: Sequence[Card], least: Sequence[Card]
) -> Iterator[tuple[str, str, tuple[Card, ...]]]:
    """Yields the galleries of a Report that hold a Card: of the images with the highest deciding
    score, in descending order, and of those with the lowest, in ascending order.
    """
    for title, text, found in (
        ("Most anomalous", "The images with the highest deciding score.", most),
        ("Least anomalous", "The images with the lowest deciding score.", least),
    ):
        if found:
            yield title, text, tuple(found)


def cards(
    outputs: Mapping[str, np.ndarray],
    tiles: np.ndarray,
    names: Sequence[str],
    notes: Sequence[str],
    calibration: Calibration,
) -> tuple[Card, ...]:
    """One Card per tile.

    Args:
        outputs: of a detector for the tiles: every score, `[N]`; perhaps `reconstruction` and
            `squared_error`, `[N, T, T, C]`, and `rotation_probabilities`, `[N, 4]`, of the true
            rotations.
        tiles: `[N, S, S, C]`, uint8, or float in [0, 1].
        names, notes: N of each.
        calibration: the detector's.
    """
    scores = {name: outputs[name] for name in calibration.thresholds}
    decisions = calibration.decisions(scores)
    shown = tiles
    drawn = {"rotation_probabilities": outputs.get("rotation_probabilities")}
    if "reconstruction" in outputs:
        reconstruction = outputs["reconstruction"]
        # As the networks see them, so that tile, reconstruction and map have the same pixels.
        shown = preprocessing.preprocess(tf.constant(tiles), reconstruction.shape[1]).numpy()
        drawn["reconstruction"] = png.as_uint8(reconstruction)
        drawn["error_map"] = maps.scaled(outputs, calibration.map_scale)
    drawn["tile"] = png.as_uint8(shown)
    drawn["p_value"] = calibration.p_values(scores)
    return tuple(
        Card(
            name=names[i],
            note=notes[i],
            scores={name: float(values[i]) for name, values in scores.items()},
            decision=decisions[i],
            **{part: values[i] for part, values in drawn.items() if values is not None},
        )
        for i in range(len(tiles))
    )
