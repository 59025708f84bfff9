"""What follows from a detector's description, the dict of `Detector.description`, wherever it was
read from.
"""

import numpy as np

from tf_ssae.calibration import conformal as calibration


def p_values(description, scores):
    """The p-values of the deciding score, `{score name: [N]} -> [N]`; None if it held none out."""
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
    return (
        description["held_out"]
        and calibration.promise(description["held_out_images"], description["target_fpr"]).kept
    )


def promise(description):
    """What the threshold promises about false alarms, as text."""
    if not description["held_out"]:
        return (
            "No image was held out in training: the threshold, set on the training images, promises"
            " nothing."
        )
    return str(calibration.promise(description["held_out_images"], description["target_fpr"]))
