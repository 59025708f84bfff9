"""From the scores of held-out normal images to a threshold, p-values and a test for drift, with
what they promise.

If new normal images are drawn like the n held-out ones, the rank of a new score among theirs is
uniform. So at the k-th largest of the n as threshold, the chance of a false alarm on a new normal
image is k / (n + 1), and, given these n, it follows Beta(k, n + 1 - k): split conformal prediction
(Vovk et al., 2005; Vovk, 2012).
"""

import dataclasses

import numpy as np
from scipy import stats

# What is kept of the held-out scores, whatever their number: all of them up to so many, and so many
# quantiles beyond.
KEPT = 1000

_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Promise:
    """What a threshold promises about false alarms on normal images like the held-out ones.

    Attributes:
        target_fpr: the share that was asked for.
        images: n, the held-out images.
        expected_fpr: k / (n + 1).
        low, high: the bounds of the 95% interval of the share of false alarms.
        kept: whether `expected_fpr` is at most `target_fpr`.
    """

    target_fpr: float
    images: int
    expected_fpr: float
    low: float
    high: float
    kept: bool

    def __str__(self):
        text = (
            f"{self.expected_fpr:.2%} of normal images are expected above the threshold "
            f"(95% interval {self.low:.2%} to {self.high:.2%}, from {self.images} held-out images)"
        )
        if self.kept:
            return f"{text}."
        needed = int(np.ceil(1 / self.target_fpr)) - 1
        return (
            f"{text}: MORE THAN THE {self.target_fpr:.2%} ASKED FOR. The threshold is the largest"
            f" held-out score; to promise {self.target_fpr:.2%}, at least {needed} held-out images"
            " are needed."
        )


def rank(images, target_fpr):
    """k: the threshold is the k-th largest of the held-out scores."""
    # The product is rounded first: 0.07 * 100 is 7.000000000000001, 0.29 * 100 is
    # 28.999999999999996.
    return max(1, int(np.floor(round(target_fpr * (images + 1), 9))))


def promise(images, target_fpr):
    """The Promise of the threshold from so many held-out images."""
    k = rank(images, target_fpr)
    tail = (1 - _CONFIDENCE) / 2
    low, high = stats.beta.ppf([tail, 1 - tail], k, images + 1 - k)
    expected = k / (images + 1)
    return Promise(
        target_fpr, images, expected, float(low), float(high), expected <= target_fpr * (1 + 1e-9)
    )


def threshold(scores, target_fpr):
    """The threshold for held-out scores `[n]`: a score above it is an anomaly."""
    return float(np.sort(scores)[-rank(len(scores), target_fpr)])


def kept(scores):
    """What is kept of held-out scores `[n]`: `[KEPT]`, ascending; NaN after the last where n is
    smaller.
    """
    if len(scores) > KEPT:
        return np.quantile(scores, (np.arange(KEPT) + 1) / KEPT, method="inverted_cdf")
    return np.concatenate([np.sort(scores), np.full(KEPT - len(scores), np.nan)])


def p_values(scores, kept_scores, images):
    """How often a normal image scores as high: `[N]` scores `-> [N]` in (0, 1].

    Args:
        kept_scores: what `kept` made of the held-out scores.
        images: n, how many there were.
    """
    kept_scores = kept_scores[np.isfinite(kept_scores)]
    as_high = 1 - np.searchsorted(kept_scores, scores, side="left") / len(kept_scores)
    return (1 + images * as_high) / (images + 1)


# Below this p-value images are said to have drifted: a thousand tests in a row without drift raise
# one alarm.
DRIFT_SIGNIFICANCE = 1e-3


def drift(new_scores, kept_scores, images, threshold):
    """Whether new images that look normal still score as the held-out ones did.

    Scores up to the threshold are compared with held-out scores up to it, by the test of Kolmogorov
    and Smirnov; those above are left out, since anomalies are no drift.

    Args:
        new_scores: `[N]` of the deciding score.
        kept_scores: what `kept` made of the held-out ones; NaN is left out.
        images: n, how many were held out.
        threshold: of the deciding score.

    Returns:
        The largest difference of the two distributions, and its p-value: `(0.0, 1.0)` if no new
        score is below the threshold.
    """
    kept_scores = kept_scores[np.isfinite(kept_scores)]
    below, new = kept_scores[kept_scores <= threshold], new_scores[new_scores <= threshold]
    if not len(new):
        return 0.0, 1.0
    statistic = stats.ks_2samp(new, below, method="asymp").statistic
    # Of more than KEPT held-out scores, quantiles stand for all.
    held_out = images * len(below) / len(kept_scores)
    effective = len(new) * held_out / (len(new) + held_out)
    return float(statistic), float(stats.kstwobign.sf(statistic * np.sqrt(effective)))
