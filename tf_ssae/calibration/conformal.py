"""From the scores of held-out normal images to a threshold, p-values and a test for drift.

If new normal images are drawn like the n held-out ones, the rank of a new score among theirs is
uniform. So at the k-th largest of the n as threshold, the chance of a false alarm on a new normal
image is k / (n + 1), and, given these n, it follows Beta(k, n + 1 - k): split conformal prediction
(Vovk et al., 2005; Vovk, 2012).
"""

import math

import numpy as np
from scipy import stats

# At most this many held-out scores are kept; where there are more, this many quantiles of them.
KEPT = 1000

# Below this p-value drift is reported: a thousand tests in a row without drift raise one alarm.
DRIFT_SIGNIFICANCE = 1e-3


def rank(images: int, target_fpr: float) -> int:
    """k: the threshold is the k-th largest of the scores of this many held-out images."""
    # The product is rounded first: 0.07 * 100 is 7.000000000000001, 0.29 * 100 is
    # 28.999999999999996.
    return max(1, int(np.floor(round(target_fpr * (images + 1), 9))))


def exact(images: int, target_fpr: float) -> int:
    """The number of held-out images nearest to this one at which the chance of a false alarm is as
    near the target as can be; too few for the target stay as they are.

    Between two such numbers more images only make the threshold higher than asked for.
    """
    wanted = round(target_fpr * (images + 1), 9)
    return math.ceil(round(round(wanted) / target_fpr, 9)) - 1 if wanted >= 1 else images


def threshold(scores: np.ndarray, target_fpr: float) -> float:
    """The threshold for held-out scores `[n]`: a score above it is an anomaly."""
    return float(np.sort(scores)[-rank(len(scores), target_fpr)])


def kept(scores: np.ndarray) -> np.ndarray:
    """What is kept of held-out scores `[n]`, ascending: all of them, or `KEPT` quantiles."""
    if len(scores) > KEPT:
        return np.quantile(scores, (np.arange(KEPT) + 1) / KEPT, method="inverted_cdf")
    return np.sort(scores)


def p_values(scores: np.ndarray, kept_scores: np.ndarray, images: int) -> np.ndarray:
    """How often a normal image scores at least as high: `[N]` scores `-> [N]` in (0, 1].

    Args:
        kept_scores: from `kept`, for the held-out scores.
        images: n, how many there were.
    """
    as_high = 1 - np.searchsorted(kept_scores, scores, side="left") / len(kept_scores)
    return (1 + images * as_high) / (images + 1)


def drift(
    new_scores: np.ndarray, kept_scores: np.ndarray, images: int, threshold: float
) -> tuple[float, float]:
    """Whether new images that look normal still score as the held-out ones did.

    Scores up to the threshold are compared with held-out scores up to it, by the test of Kolmogorov
    and Smirnov; those above are left out, since anomalies are not drift.

    Args:
        new_scores: `[N]` of the deciding score.
        kept_scores: from `kept`, for the held-out scores.
        images: n, how many were held out.
        threshold: of the deciding score.

    Returns:
        The largest difference of the two distributions, and its p-value: `(0.0, 1.0)` if no new
        score is below the threshold.
    """
    below, new = kept_scores[kept_scores <= threshold], new_scores[new_scores <= threshold]
    if not len(new):
        return 0.0, 1.0
    statistic = stats.ks_2samp(new, below, method="asymp").statistic
    # The kept scores may be quantiles: they stand for all held-out ones.
    held_out = images * len(below) / len(kept_scores)
    effective = len(new) * held_out / (len(new) + held_out)
    return float(statistic), float(stats.kstwobign.sf(statistic * np.sqrt(effective)))
