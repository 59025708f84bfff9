"""Thresholds to choose from with the help of a few known defects: how many of them each finds, at
how many false alarms.
"""

import dataclasses

import numpy as np

from tf_ssae.calibration.share import Share

CHOICES = ("zero_miss", "zero_false_alarm", "min_cost")

_ROWS = 12


@dataclasses.dataclass(frozen=True)
class OperatingPoint:
    """A threshold, the held-out normal images above it, and the known defects above it."""

    threshold: float
    false_alarms: Share
    detections: Share

    @classmethod
    def at(cls, threshold: float, normal: np.ndarray, defects: np.ndarray) -> "OperatingPoint":
        """What a threshold does to scores `[n]` and `[m]`."""
        return cls(threshold, Share.among(normal > threshold), Share.among(defects > threshold))


def points(normal: np.ndarray, defects: np.ndarray) -> list[OperatingPoint]:
    """The table of false alarms against detections: for some numbers of defects found, from all to
    none, the highest threshold that finds as many.

    Args:
        normal, defects: scores `[n]` and `[m]`, each at least one.
    """
    lowest = np.unique(defects)
    if len(lowest) > _ROWS:
        lowest = lowest[np.linspace(0, len(lowest) - 1, _ROWS).round().astype(int)]
    thresholds = [_below(score, normal, defects) for score in lowest] + [float(defects.max())]
    return [OperatingPoint.at(threshold, normal, defects) for threshold in thresholds]


def choose(
    choice: str,
    normal: np.ndarray,
    defects: np.ndarray,
    cost_miss: float = 1.0,
    cost_false_alarm: float = 1.0,
) -> float:
    """A threshold for scores `[n]` and `[m]`.

    * "zero_miss": the highest at which every known defect is found.
    * "zero_false_alarm": the lowest at which no held-out normal image is an anomaly.
    * "min_cost": the least of `cost_miss` times the share of defects missed plus `cost_false_alarm`
      times the share of normal images called anomalies; of several, that which misses least.

    Raises:
        ValueError: for a choice or costs that there cannot be.
    """
    if choice not in CHOICES:
        raise ValueError(f"choose={choice!r}: expected one of {', '.join(CHOICES)}.")
    if choice == "zero_miss":
        return _below(defects.min(), normal, defects)
    if choice == "zero_false_alarm":
        return float(normal.max())
    if not (cost_miss > 0 and cost_false_alarm > 0):
        raise ValueError(
            f"cost_miss={cost_miss}, cost_false_alarm={cost_false_alarm}: expected more than 0."
        )
    candidates = [_below(score, normal, defects) for score in np.unique(defects)]
    candidates.append(float(max(normal.max(), defects.max())))
    costs = [
        cost_miss * np.mean(defects <= threshold) + cost_false_alarm * np.mean(normal > threshold)
        for threshold in candidates
    ]
    return candidates[int(np.argmin(costs))]


def _below(score: float, normal: np.ndarray, defects: np.ndarray) -> float:
    """A threshold that this score is just above: half-way to the next lower one of all, so that the
    last digits, which differ between a model and its exports, decide nothing.
    """
    every = np.concatenate([normal, defects])
    lower = every[every < score]
    if not len(lower):
        return float(score - max(abs(score), 1.0) * 1e-3)
    return float((score + lower.max()) / 2)
