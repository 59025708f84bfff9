"""Pictures for a report: tiles, and what a detector says of them."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tf_ssae.calibration import Calibration
from tf_ssae.evaluation import maps
from tf_ssae.ops import preprocessing
from tf_ssae.report import Picture


def pictures(
    outputs: dict[str, np.ndarray],
    calibration: Calibration,
    tiles: np.ndarray,
    names: Sequence[str],
    notes: Sequence[str],
) -> tuple[Picture, ...]:
    """One Picture per tile.

    Args:
        outputs: what the detector says of the tiles: see `Detector.explain`; or the scores alone.
        calibration: the detector's.
        tiles: uint8 `[N, S, S, C]`.
        names, notes: N of each.
    """
    scores = {name: outputs[name] for name in calibration.thresholds}
    p = calibration.p_values(scores)
    shown, rebuilt, error_maps = tiles, None, None
    if "reconstruction" in outputs:
        # As the networks see them, so that image, reconstruction and map lie on one another.
        size = outputs["reconstruction"].shape[1]
        shown = _uint8(preprocessing.preprocess(tf.constant(tiles), size).numpy())
        rebuilt = _uint8(outputs["reconstruction"])
        error_maps = maps.error_maps(outputs["squared_error"]) / calibration.map_scale
    rotation = outputs.get("rotation_probabilities")
    is_anomaly = calibration.is_anomaly(scores)
    return tuple(
        Picture(
            name=names[i],
            note=notes[i],
            scores={name: float(values[i]) for name, values in scores.items()},
            p_value=None if p is None else float(p[i]),
            decision="anomaly" if is_anomaly[i] else "normal",
            image=shown[i],
            reconstruction=None if rebuilt is None else rebuilt[i],
            error_map=None if error_maps is None else error_maps[i],
            rotation_probabilities=None if rotation is None else rotation[i],
        )
        for i in range(len(tiles))
    )


def _uint8(images: np.ndarray) -> np.ndarray:
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
