"""Compares exported files with the trained model on the same images: decisions and ranks of the
score that decides first, then every score.

What a difference of scores means depends on how firm the scores are: where all images are easy, or
a training was short, a score spans little more than rounding, which normalisation magnifies. So the
trained model is also compared with itself on the same images, changed by at most one grey level: a
file that differs less than that differs less than two photos of one part do.
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from tf_ssae.calibration import Calibration
from tf_ssae.evaluation.metrics import score_metrics

# The largest difference of a score, relative to the largest score. The files' own kernels add up in
# another order than TensorFlow's, which a distance over a hundred whitened features magnifies: to
# 6e-4 for the locator on photos of 288 pixels, where no decision differed.
RELATIVE_TOLERANCE = {"saved_model": 1e-4, "openvino": 1e-3, "float32": 1e-3, "float16": 1e-2}
# An int8 file is judged by the score that decides alone: its decisions first, then its loss in
# average precision or, if all images are of one kind, Spearman's correlation. So is, in float32, a
# detector that was trained in bfloat16, whose numbers have three digits.
AP_LOSS_TOLERANCE = {"int8": 0.01, "bfloat16": 0.01}
SPEARMAN_TOLERANCE = {"int8": 0.98, "bfloat16": 0.98}
# With fewer images of a kind, two that change places lose more than that: then by the scores.
_FEWEST_RANKED = 50
RELATIVE_TOLERANCE_OF_FEW = {"int8": 0.1, "bfloat16": 0.1}
# Of the score that decides: the share of decisions that may differ, for images at the threshold
# (but one image always may); and Spearman's correlation.
FLIPS_TOLERANCE = {"saved_model": 0.002, "openvino": 0.002, "float32": 0.002, "float16": 0.005}
FLIPS_TOLERANCE_ELSE = 0.02
DECIDING_SPEARMAN = {"saved_model": 0.999, "openvino": 0.999, "float32": 0.999, "float16": 0.999}


class Parity:
    """Compares files with the trained model, one after the other.

    Attributes:
        values: a dict of JSON values. `files` holds for each file its `decisions` (by the score
            that decides: the share that differs, and the limit), its `scores` (see `compare`),
            `bytes` and speed. Of a detector trained in bfloat16, `trained` holds the first two for
            the detector itself: all else is compared with it in float32.
        violations: sentences about what is out of tolerance; none if all is well.
    """

    def __init__(
        self,
        name: str,
        expected: dict[str, np.ndarray],
        nudged: dict[str, np.ndarray],
        calibration: Calibration,
        is_anomaly: np.ndarray,
    ):
        """Takes the trained model's scores of N test images, `{score name: [N]}`, those of the same
        images `nudged`, its Calibration, and the truth.
        """
        self._expected, self._is_anomaly = expected, is_anomaly
        self._thresholds, self._deciding = calibration.thresholds, calibration.deciding_score
        self._noise = compare(expected, nudged, self._thresholds, self._thresholds, is_anomaly)
        self.values: dict[str, Any] = {
            "model": name,
            "deciding_score": self._deciding,
            "test_images": len(is_anomaly),
            "share": float(is_anomaly.mean()),
            "cores": os.cpu_count(),
            "files": {},
        }
        self.violations: list[str] = []

    def add(
        self,
        kind: str,
        found: dict[str, np.ndarray],
        thresholds: Mapping[str, float],
        size: int,
        speed: dict[str, Any],
    ) -> None:
        """Adds a file: its kind, its scores of the same images, its thresholds, its size in bytes
        and its speed.
        """
        comparison = self._compared(kind, kind, found, thresholds)
        if comparison:
            self.values["files"][kind] = {
                "decisions": self._decisions(kind, comparison),
                "bytes": size,
                **speed,
                "scores": comparison,
            }

    def add_trained(
        self, precision: str, expected: dict[str, np.ndarray], thresholds: Mapping[str, float]
    ) -> None:
        """Adds the trained model in the precision it was trained in, where the files are in
        float32: what it scores for the same images, and its thresholds.
        """
        own, truth = self._thresholds, self._is_anomaly
        comparison = compare(expected, self._expected, thresholds, own, truth)
        said = violations(precision, comparison, self._noise, self._deciding, truth)
        self.violations += [f"float32, trained in {precision}, {sentence}" for sentence in said]
        self.values["trained"] = {
            "precision": precision,
            "decisions": self._decisions(precision, comparison),
            "scores": comparison,
        }

    def _decisions(self, kind: str, comparison: dict[str, dict]) -> dict[str, float]:
        return {
            "differ": comparison[self._deciding]["decisions_flipped"],
            "limit": _flips(kind, self._noise[self._deciding], self._is_anomaly),
        }

    def require(self, output: str, found: dict[str, np.ndarray]) -> None:
        """Requires that another output of the SavedModel, with its scores of the same images, is in
        tolerance too.
        """
        self._compared(f"{output} of saved_model", "saved_model", found, self._thresholds)

    def _compared(
        self, name: str, kind: str, found: dict[str, np.ndarray], thresholds: Mapping[str, float]
    ) -> dict[str, dict] | None:
        """The result of `compare`, or None for scores that are not finite. Adds what is out of
        tolerance to the violations.
        """
        broken = [output for output, values in found.items() if not np.isfinite(values).all()]
        if broken:
            self.violations += [
                f"{name}, output {output}: scores that are NaN or infinite." for output in broken
            ]
            return None
        comparison = compare(self._expected, found, self._thresholds, thresholds, self._is_anomaly)
        self.violations += [
            f"{name}, {said}"
            for said in violations(kind, comparison, self._noise, self._deciding, self._is_anomaly)
        ]
        return comparison


def compare(
    expected: dict[str, np.ndarray],
    found: dict[str, np.ndarray],
    thresholds: Mapping[str, float],
    found_thresholds: Mapping[str, float],
    is_anomaly: np.ndarray,
) -> dict[str, dict]:
    """Compares two sets of scores of the same N images.

    Args:
        expected, found: `{score name: [N]}`, of the trained model and of the file.
        thresholds, found_thresholds: `{score name: float}`, likewise.
        is_anomaly: bool `[N]`.

    Returns:
        `{score name: dict}`: the largest difference, absolute and relative to the largest expected
        score; Spearman's correlation; the share of images whose decision differs; AP and AUROC of
        both, if there are images of both kinds.
    """
    result = {}
    for name, values in expected.items():
        difference = float(np.abs(found[name] - values).max())
        result[name] = {
            "largest_difference": difference,
            "largest_relative_difference": difference / (float(np.abs(values).max()) or 1.0),
            "spearman": _spearman(values, found[name]),
            "decisions_flipped": float(
                ((values > thresholds[name]) != (found[name] > found_thresholds[name])).mean()
            ),
        }
        # Neither is defined for images of one kind, as in a folder without anomalies.
        if 0 < is_anomaly.mean() < 1:
            before, after = (
                score_metrics(is_anomaly, values),
                score_metrics(is_anomaly, found[name]),
            )
            for metric in ("average_precision", "auroc"):
                result[name] |= {metric: after[metric], f"{metric}_of_the_model": before[metric]}
    return result


def _spearman(values: np.ndarray, found: np.ndarray) -> float | None:
    """None where it is not defined: for one image, or for scores that are all the same."""
    if np.ptp(values) == 0 or np.ptp(found) == 0:
        return None
    return float(spearmanr(values, found).statistic)


def nudged(images: np.ndarray, has_region: bool = False) -> np.ndarray:
    """Images, uint8, each value of which is changed by -1, 0 or 1 grey level, by chance: less than
    a camera's noise. `has_region`: pixels that are 0 stay so, and no others become it.
    """
    steps = np.random.default_rng(0).integers(-1, 2, images.shape, np.int16)
    found = np.clip(images + steps, 0, 255).astype(np.uint8)
    if not has_region:
        return found
    return np.where(images.max(axis=-1, keepdims=True) > 0, np.maximum(found, 1), 0)


def violations(
    kind: str,
    comparison: dict[str, dict],
    noise: dict[str, dict],
    deciding: str,
    is_anomaly: np.ndarray,
) -> list[str]:
    """What is out of tolerance in a comparison of a file of this kind: a list of sentences, none of
    which names the file.

    Args:
        noise: the comparison of the trained model with itself on nudged images: what differs less
            is in tolerance.
        deciding: the name of the score that decides.
    """
    few = min(count for count in (is_anomaly.sum(), (~is_anomaly).sum()) if count) < _FEWEST_RANKED
    sentences = _of_decisions(kind, comparison[deciding], noise[deciding], deciding, is_anomaly)
    for name, row in comparison.items():
        if kind in AP_LOSS_TOLERANCE and name != deciding:
            continue
        difference, tolerated = row["largest_relative_difference"], RELATIVE_TOLERANCE.get(kind)
        if few:
            tolerated = RELATIVE_TOLERANCE_OF_FEW.get(kind, tolerated)
        if tolerated is not None:
            tolerated = max(tolerated, noise[name]["largest_relative_difference"])
            if difference > tolerated:
                sentences.append(
                    f"output {name}: scores differ by up to {difference:.2g} of the largest; the"
                    f" tolerance is {tolerated:.2g}."
                )
        if few:
            continue
        if "average_precision" not in row:
            sentences += _of_ranks(name, row, noise[name], SPEARMAN_TOLERANCE.get(kind))
        elif kind in AP_LOSS_TOLERANCE:
            tolerated = max(AP_LOSS_TOLERANCE[kind], abs(_ap_loss(noise[name])))
            loss = _ap_loss(row)
            if loss > tolerated:
                sentences.append(
                    f"output {name}: average precision falls by {loss:.4f}; the tolerance is"
                    f" {tolerated:.2g}."
                )
    return sentences


def _of_decisions(
    kind: str, row: dict, noise: dict, name: str, is_anomaly: np.ndarray
) -> list[str]:
    """What is out of tolerance in the decisions, and in the ranks of the score that decides."""
    flips, sentences = _flips(kind, noise, is_anomaly), []
    if row["decisions_flipped"] > flips:
        sentences.append(
            f"output {name}, which decides: {row['decisions_flipped']:.2%} of the decisions differ;"
            f" the tolerance is {flips:.2%}."
        )
    return sentences + _of_ranks(name, row, noise, DECIDING_SPEARMAN.get(kind))


def _flips(kind: str, noise: dict, is_anomaly: np.ndarray) -> float:
    """The share of decisions that may differ."""
    tolerated = FLIPS_TOLERANCE.get(kind, FLIPS_TOLERANCE_ELSE)
    return max(tolerated, 1 / len(is_anomaly), noise["decisions_flipped"])


def _of_ranks(name: str, row: dict, noise: dict, tolerated: float | None) -> list[str]:
    found, own = row["spearman"], noise["spearman"]
    # The trained model's own ranks mean nothing: its scores are all the same.
    if tolerated is None or own is None:
        return []
    tolerated = min(tolerated, own)
    if found is not None and found >= tolerated:
        return []
    said = "none: the scores are all the same" if found is None else f"{found:.4f}"
    return [f"output {name}: Spearman's correlation {said}; expected at least {tolerated:.3g}."]


def _ap_loss(row: dict) -> float:
    return row["average_precision_of_the_model"] - row["average_precision"]
