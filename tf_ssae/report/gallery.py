"""Pictures for a report: squares, and what a detector says of them."""

import numpy as np
import tensorflow as tf

from tf_ssae.calibration import descriptions
from tf_ssae.evaluation import maps
from tf_ssae.ops import preprocessing
from tf_ssae.report import Picture


def pictures(scorer, squares, names, notes):
    """One Picture a square.

    Args:
        scorer: a scorers.Scorer.
        squares: uint8 `[N, S, S, C]`, N at most `scorers.BATCH_SIZE`.
        names, notes: N of each.
    """
    description = scorer.description
    outputs = scorer.explain(squares) if scorer.explains else scorer.score(squares)
    scores = {name: outputs[name] for name in description["scores"]}
    p = descriptions.p_values(description, scores)
    shown, rebuilt, error_maps = squares, None, None
    if "reconstruction" in outputs:
        # As the networks see them, so that picture, reconstruction and map lie on one another.
        shown = _uint8(
            preprocessing.preprocess(
                tf.constant(squares), outputs["reconstruction"].shape[1]
            ).numpy()
        )
        rebuilt = _uint8(outputs["reconstruction"])
        error_maps = maps.error_maps(outputs["squared_error"]) / description["map_scale"]
    rotation = outputs.get("rotation_probabilities")
    decision = scores[description["decision"]] > description["thresholds"][description["decision"]]
    return tuple(
        Picture(
            name=names[i],
            note=notes[i],
            scores={name: float(values[i]) for name, values in scores.items()},
            p_value=None if p is None else float(p[i]),
            decision="anomaly" if decision[i] else "normal",
            image=shown[i],
            reconstruction=None if rebuilt is None else rebuilt[i],
            error_map=None if error_maps is None else error_maps[i],
            rotation_probabilities=None if rotation is None else rotation[i],
        )
        for i in range(len(squares))
    )


def _uint8(images):
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
