"""Whether the images of a scoring still score as the held-out ones did, and what that may mean."""

import dataclasses

import numpy as np

from tf_ssae.calibration import Calibration
from tf_ssae.calibration.conformal import DRIFT_SIGNIFICANCE


@dataclasses.dataclass(frozen=True)
class Drift:
    """Images below the threshold that do not score as the held-out ones did.

    Attributes:
        sentence: both of its causes, and what to do.
        new, held_out: the deciding scores up to the threshold.
    """

    sentence: str
    new: np.ndarray
    held_out: np.ndarray


def drift(calibration: Calibration, scores: np.ndarray, are_good: bool) -> Drift | None:
    """The Drift of images; None if they score as the held-out ones did, or none were held out.

    Args:
        scores: `[N]`, the deciding ones.
        are_good: whether the images are known to be good. Otherwise missed defects, which score
            higher than good parts but below the threshold, look like drift.
    """
    name = calibration.deciding_score
    statistic, p = calibration.drift({name: scores})
    if not calibration.held_out or p >= DRIFT_SIGNIFICANCE:
        return None
    new, held_out = (
        values[values <= calibration.threshold] for values in (scores, calibration.scores[name])
    )
    beginning = (
        f"Drift: the {len(new):,}{' good' if are_good else ''} images below the threshold do not"
        " score as the held-out normal images did (Kolmogorov-Smirnov statistic"
        f" {statistic:.3f}, p = {p:.1g})."
    )
    if are_good:
        causes = (
            " Camera, light or parts changed. The guarantee on false alarms does not hold for such"
            " images: if they are as they should be, train on some of them too."
        )
    else:
        causes = (
            " Either camera, light or parts changed, and then the guarantee on false alarms does"
            " not hold; or many of these are defects that are missed. Look at some of them before"
            " any are trained on: a detector that learns from defects misses them."
        )
    return Drift(beginning + causes, new, held_out)
