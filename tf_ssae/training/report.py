"""The report of a run of training: its test images, of which the truth is known."""

import pathlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tf_ssae import report
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation.predictions import Evaluation
from tf_ssae.ops.batched import in_batches, padded
from tf_ssae.ops.tiles import first_tiles
from tf_ssae.report import gallery

_SHOWN = 12


def write(
    path: pathlib.Path,
    detector: Detector,
    evaluation: Evaluation,
    metrics: dict,
    history: list[dict],
) -> None:
    """Writes the page.

    Args:
        detector: calibrated.
        evaluation: of the test images.
        metrics: as in `metrics.json`.
        history: one dict per epoch.
    """
    config, calibration, data = detector.config, detector.calibration, evaluation.subset.data
    warnings = [] if calibration.guarantee_holds else [calibration.guarantee_in_words]
    if equal := metrics["test_images_equal_to_a_training_image"]:
        warnings.append(f"{equal} test images equal a training image, pixel for pixel.")
    warnings += metrics.get("health", {}).get("warnings", [])
    facts = [
        ("Detector", f"{config.detector}, {config.epochs} epochs"),
        ("Training images", f"{metrics['train_images']}"),
        ("Test images", f"{metrics['test_images']}, {metrics['share']:.1%} of them anomalies"),
    ]
    for key, label in (
        ("false_alarm_rate", "Normal test images above the threshold"),
        ("detection_rate", "Anomalies found"),
    ):
        if key in metrics["decision"]:
            facts.append((label, f"{metrics['decision'][key]:.1%}"))
    if "health" in metrics:
        spread = metrics["health"]["reconstruction_spread"]
        facts.append(("Spread of reconstructions, by that of the images", f"{spread:.2f}"))
    facts.append(("Deciding score", calibration.reason))
    facts.append(("False alarms", calibration.guarantee_in_words))
    report.write(
        path,
        report.Report(
            title=f"{config.data_dir or config.dataset}: {config.detector}",
            facts=tuple(facts),
            warnings=tuple(warnings),
            decision_score=calibration.deciding_score,
            thresholds=calibration.thresholds,
            calibration=calibration.scores if calibration.held_out else {},
            scores=evaluation.scores,
            is_anomaly=evaluation.subset.is_anomaly,
            metrics=metrics.get("scores"),
            pixel_metrics=metrics.get("pixels"),
            rotation_accuracy=_rotation_accuracy(metrics),
            history=tuple(
                {name: value for name, value in row.items() if name != "seconds"} for row in history
            ),
            pictures=tuple(_sections(detector, evaluation)),
            unreadable=data.left_out,
            settings=config.to_dict(),
        ),
    )


def _rotation_accuracy(metrics: dict) -> dict[str, float] | None:
    if "rotation_accuracy" not in metrics:
        return None
    held_out = "held-out normal" if metrics["guarantee"] else "training"
    of_test = {f"{kind} test images": value for kind, value in metrics["rotation_accuracy"].items()}
    return {f"{held_out} images": metrics["rotation_accuracy_of_calibration_images"], **of_test}


def _sections(
    detector: Detector, evaluation: Evaluation
) -> Iterator[tuple[str, str, tuple[report.Picture, ...]]]:
    explain = padded(tf.function(detector.explain), _SHOWN)
    is_anomaly = evaluation.subset.is_anomaly
    scores = evaluation.scores[detector.calibration.deciding_score]
    above = detector.calibration.is_anomaly(evaluation.scores)
    falling, rising = np.argsort(-scores, kind="stable"), np.argsort(scores, kind="stable")
    every = np.full(len(scores), True)
    for title, text, order, chosen in (
        (
            "Worst false alarms",
            "Normal images above the threshold, highest first.",
            falling,
            ~is_anomaly & above,
        ),
        (
            "Worst misses",
            "Anomalies below the threshold, lowest first.",
            rising,
            is_anomaly & ~above,
        ),
        ("Most anomalous", "The images with the highest deciding score.", falling, every),
        ("Least anomalous", "The images with the lowest deciding score.", rising, every),
    ):
        shown = order[chosen[order]][:_SHOWN]
        if len(shown):
            tiles, names, notes = _worst_tiles(detector, evaluation, shown)
            outputs = in_batches(explain, tiles, _SHOWN)
            yield title, text, gallery.pictures(outputs, detector.calibration, tiles, names, notes)


def _worst_tiles(
    detector: Detector, evaluation: Evaluation, images: np.ndarray
) -> tuple[np.ndarray, list[str], list[str]]:
    """Of each image its tile that scores highest, uint8 `[n, S, S, C]`, its name, and its class."""
    subset, data = evaluation.subset, evaluation.subset.data
    bounds = np.append(first_tiles(subset.source), len(subset.index))
    scores = evaluation.tile_scores[detector.calibration.deciding_score]
    tiles, notes = [], []
    for image in images:
        first, count = bounds[image], bounds[image + 1] - bounds[image]
        best = int(np.argmax(scores[first : first + count]))
        tiles.append(data.images[subset.index[first + best]])
        which = f", tile {best + 1} of {count}" if count > 1 else ""
        notes.append(data.class_names[subset.labels[image]] + which)
    names = subset.names
    stacked = np.stack(tiles)
    if stacked.dtype != np.uint8:
        stacked = np.round(stacked * 255).astype(np.uint8)
    return stacked, [names[image] for image in images], notes
