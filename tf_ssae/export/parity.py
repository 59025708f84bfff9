"""Compares exported files with the trained model on the same images: scores and decisions."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from tf_ssae.evaluation.metrics import score_metrics

# The largest difference of a score, relative to the largest score. The files' own kernels add up in
# another order than TensorFlow's, which a distance over a hundred whitened features magnifies: to
# 6e-4 for the locator on photos of 288 pixels, where no decision differed.
RELATIVE_TOLERANCE = {"saved_model": 1e-4, "openvino": 1e-3, "float32": 1e-3, "float16": 1e-2}
# An int8 file is judged by its loss in average precision, or, if all images are of one kind, by
# Spearman's correlation.
AP_LOSS_TOLERANCE = {"int8": 0.01}
SPEARMAN_TOLERANCE = {"int8": 0.98}
# With fewer images of a kind, two that change places lose more than that: then by the scores.
_FEWEST_RANKED = 50
RELATIVE_TOLERANCE_OF_FEW = {"int8": 0.1}


class Parity:
    """Compares files with the trained model, one after the other.

    Attributes:
        values: a dict of JSON values. `files` holds for each file its `scores` (see `compare`),
            `bytes` and speed.
        violations: sentences about what is out of tolerance; none if all is well.
    """

    def __init__(
        self,
        name: str,
        expected: dict[str, np.ndarray],
        thresholds: Mapping[str, float],
        is_anomaly: np.ndarray,
    ):
        """Takes the trained model's scores of N test images, `{score name: [N]}`, its thresholds,
        and the truth.
        """
        self._expected, self._thresholds, self._is_anomaly = expected, thresholds, is_anomaly
        self.values: dict[str, Any] = {
            "model": name,
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
            self.values["files"][kind] = {"bytes": size, **speed, "scores": comparison}

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
            f"{name}, {said}" for said in violations(kind, comparison, self._is_anomaly)
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
            "largest_relative_difference": difference / float(np.abs(values).max()),
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


def violations(kind: str, comparison: dict[str, dict], is_anomaly: np.ndarray) -> list[str]:
    """What is out of tolerance in a comparison of a file of this kind: a list of sentences, none of
    which names the file.
    """
    sentences = []
    few = min(count for count in (is_anomaly.sum(), (~is_anomaly).sum()) if count) < _FEWEST_RANKED
    for name, row in comparison.items():
        difference, tolerated = row["largest_relative_difference"], RELATIVE_TOLERANCE.get(kind)
        if few:
            tolerated = RELATIVE_TOLERANCE_OF_FEW.get(kind, tolerated)
        if tolerated is not None and difference > tolerated:
            sentences.append(
                f"output {name}: scores differ by up to {difference:.2g} of the largest; the"
                f" tolerance is {tolerated:g}."
            )
        if few:
            continue
        if "average_precision" not in row:
            tolerated, found = SPEARMAN_TOLERANCE.get(kind), row["spearman"]
            if tolerated is not None and (found is None or found < tolerated):
                said = "none: the scores are all the same" if found is None else f"{found:.4f}"
                sentences.append(
                    f"output {name}: Spearman's correlation {said}; expected at least"
                    f" {tolerated:g}."
                )
            continue
        tolerated = AP_LOSS_TOLERANCE.get(kind)
        loss = row["average_precision_of_the_model"] - row["average_precision"]
        if tolerated is not None and loss > tolerated:
            sentences.append(
                f"output {name}: average precision falls by {loss:.4f}; the tolerance is"
                f" {tolerated:g}."
            )
    return sentences


def table(report: dict[str, Any]) -> str:
    """A report's values as text for a terminal: one row per file and score, then one per file."""
    width = max(
        [8, *(len(name) + 1 for entry in report["files"].values() for name in entry["scores"])]
    )
    lines = [
        (
            f"{report['test_images']} test images, {report['share']:.3f} of them anomalies; in"
            " brackets, the trained model."
        ),
        (
            f"{'file':12}{'score':{width}}{'largest difference':>20}{'relative':>10}"
            f"{'Spearman':>10}{'AP':>17}{'AUROC':>17}"
            f"{'decision flips':>16}"
        ),
    ]
    for kind, entry in report["files"].items():
        for name, row in entry["scores"].items():
            ap, auroc = (
                f"{row[m]:.4f} ({row[f'{m}_of_the_model']:.4f})" if m in row else "-"
                for m in ("average_precision", "auroc")
            )
            ranks = "-" if row["spearman"] is None else f"{row['spearman']:.5f}"
            lines.append(
                f"{kind:12}{name:{width}}{row['largest_difference']:20.2g}"
                f"{row['largest_relative_difference']:10.1g}"
                f"{ranks:>10}{ap:>17}{auroc:>17}{row['decisions_flipped']:16.2%}"
            )
    if not report["files"]:
        return "\n".join(lines)
    lines.append(
        f"\n{'':12}{'':>10}{'one call, one thread':>32}{'images per second, by threads':>32}"
    )
    lines.append(
        f"{'file':12}{'size':>10}{'median':>18}{'99th pct':>14}" + "".join(_threads(report))
    )
    for kind, entry in report["files"].items():
        lines.append(
            f"{kind:12}{entry['bytes'] / 1e6:7.2f} MB{entry['latency_ms']:15.2f}"
            f" ms{entry['latency_p99_ms']:11.2f} ms"
            + "".join(f"{value:16.0f}" for value in entry["images_per_second"].values())
        )
    return "\n".join(lines)


def _threads(report: dict[str, Any]) -> list[str]:
    first = next(iter(report["files"].values()))
    return [f"{threads:>16}" for threads in first["images_per_second"]]
