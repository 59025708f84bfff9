"""How many defects are found at how many false alarms, with intervals, and by kind of defect."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score

from tf_ssae.calibration.share import CONFIDENCE, Share

# Shares of the normal images that may raise a false alarm.
RATES = (0.005, 0.01, 0.02, 0.05, 0.1)

_RESAMPLES = 1000
# One score finds far more than another: by so large a share of the defects, and not by chance.
_FAR_MORE, _SIGNIFICANCE = 0.1, 0.01

Scores = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of defect: how many are found, and the AUROC against all normal images (None if
    there are none).
    """

    name: str
    found: Share
    auroc: float | None


def allowed(rate: float, normal: int) -> int:
    """How many of so many normal images may be above a threshold at this rate of false alarms."""
    return int(np.floor(round(rate * normal, 9)))


def found_at(is_anomaly: np.ndarray, scores: np.ndarray, rate: float) -> Share:
    """The anomalies above the lowest threshold that at most this share of the normal images exceed.

    The threshold is set on these very images, so their number counts in the interval: it spans what
    1,000 resamples of the test images give (the same ones in every call), and the binomial interval
    at the threshold.

    Args:
        is_anomaly: bool `[N]`, with at least one of each.
        scores: float `[N]`.
    """
    normal, anomalous = np.sort(scores[~is_anomaly]), np.sort(scores[is_anomaly])
    rank = len(normal) - 1 - allowed(rate, len(normal))
    found = Share.among(anomalous > normal[rank])
    random = np.random.default_rng(0)
    shares = []
    for _ in range(_RESAMPLES):
        # Ranks in a resample are those of the sorted positions drawn.
        drawn = np.sort(random.integers(0, len(normal), len(normal)))
        above = len(anomalous) - np.searchsorted(anomalous, normal[drawn[rank]], side="right")
        shares.append(random.binomial(len(anomalous), above / len(anomalous)) / len(anomalous))
    low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return dataclasses.replace(
        found, low=min(found.low, float(low)), high=max(found.high, float(high))
    )


def best_other(is_anomaly: np.ndarray, scores: Scores, deciding: str) -> str | None:
    """The score other than the deciding one that finds most, on average over `RATES`; None if there
    is no other.
    """
    normal = int(np.sum(~is_anomaly))

    def found(name: str) -> float:
        values = scores[name]
        limits = np.sort(values[~is_anomaly])[[normal - 1 - allowed(r, normal) for r in RATES]]
        return float(np.mean(values[is_anomaly][:, np.newaxis] > limits))

    return max((name for name in scores if name != deciding), key=found, default=None)


def finds_far_more(
    is_anomaly: np.ndarray, scores: Scores, deciding: str, other: str, threshold: float
) -> tuple[Share, Share] | None:
    """Whether another score finds far more at as many false alarms as the deciding one raises at
    its threshold: at least 10% of the defects more, by the exact test of McNemar (p < 0.01, divided
    by the number of other scores, since the best of them is compared).

    Both at the lowest threshold that raises so few here: a threshold that is too high is no fault
    of its score.

    Returns:
        What each finds, the deciding score first; None if the other does not find far more.
    """
    alarms = int(np.sum(scores[deciding][~is_anomaly] > threshold))
    rank = max(0, int(np.sum(~is_anomaly)) - 1 - alarms)

    def found(name: str) -> np.ndarray:
        values = scores[name]
        return values[is_anomaly] > np.sort(values[~is_anomaly])[rank]

    ours, theirs = found(deciding), found(other)
    gained, lost = int(np.sum(theirs & ~ours)), int(np.sum(ours & ~theirs))
    if gained - lost < _FAR_MORE * len(ours):
        return None
    p = stats.binomtest(gained, gained + lost, alternative="greater").pvalue
    if p >= _SIGNIFICANCE / (len(scores) - 1):
        return None
    return Share.among(ours), Share.among(theirs)


def by_kind(
    is_anomaly: np.ndarray, kinds: Sequence[str], scores: np.ndarray, threshold: float
) -> list[Kind]:
    """One Kind for each kind of defect, sorted by name.

    Args:
        kinds: of each image, `[N]`.
        scores, threshold: of the deciding score.
    """
    names, result = np.asarray(kinds, object), []
    for name in sorted(set(names[is_anomaly])):
        these = is_anomaly & (names == name)
        auroc = None
        if not is_anomaly.all():
            chosen = these | ~is_anomaly
            auroc = float(roc_auc_score(these[chosen], scores[chosen]))
        result.append(Kind(name, Share.among(scores[these] > threshold), auroc))
    return result
