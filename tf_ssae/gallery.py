"""Pictures for a report: squares, and what a detector says of them."""

import numpy as np
import tensorflow as tf

from tf_ssae import calibration, maps
from tf_ssae.networks import preprocessing
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
    p = p_values(description, scores)
    shown, rebuilt, error_maps = squares, None, None
    if "reconstruction" in outputs:
        # As the networks see them, so that picture, reconstruction and map lie on one another.
        shown = _uint8(preprocessing.preprocess(tf.constant(squares), outputs["reconstruction"].shape[1]).numpy())
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


def p_values(description, scores):
    """The p-values of the deciding score, `{score name: [N]} -> [N]`, by a `Detector.description`; None if it held none out."""
    if not description["held_out"]:
        return None
    decision = description["decision"]
    held_out = np.array(description["held_out_scores"][decision])
    return calibration.p_values(scores[decision], held_out, description["held_out_images"])


def held_out_scores(description):
    """The scores of the held-out images, `{score name: [n]}`; empty if there are none."""
    if not description["held_out"]:
        return {}
    return {name: np.array(values) for name, values in description["held_out_scores"].items()}


def promise_is_kept(description):
    """Whether images were held out, and enough of them for `target_fpr`."""
    return description["held_out"] and calibration.promise(description["held_out_images"], description["target_fpr"]).kept


def promise(description):
    """What the threshold promises about false alarms, as text, by a `Detector.description`."""
    if not description["held_out"]:
        return "No image was held out in training: the threshold, set on the training images, promises nothing."
    return str(calibration.promise(description["held_out_images"], description["target_fpr"]))


def _uint8(images):
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
