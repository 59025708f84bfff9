"""The report of a training run, on its test images, whose truth is known."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ssae import report
from tf_ssae.config import Config
from tf_ssae.data import pipeline
from tf_ssae.data.split import Split, Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation.predictions import Evaluation
from tf_ssae.ops.batched import batched, joined
from tf_ssae.ops.tiles import first_tiles
from tf_ssae.report import gallery
from tf_ssae.training.summary import of_synthetic_defects
from tf_ssae.training.synthetic import tampered

_SHOWN = 12
_EXPLAINED_AT_ONCE = 16


def write(
    path: str | os.PathLike[str],
    detector: Detector,
    split: Split,
    evaluation: Evaluation,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, float]],
) -> None:
    """Writes the page.

    Args:
        detector: calibrated.
        split: the images of the run.
        evaluation: of the test images.
        metrics: as in `metrics.json`.
        history: one dict per epoch.
    """
    config, calibration = detector.config, detector.calibration
    warnings = [] if calibration.guarantee_holds else [calibration.guarantee_in_words]
    duplicates = metrics["test_images_equal_to_a_training_image"]
    if duplicates:
        warnings.append(
            f"{duplicates} test images are identical to a training image, pixel for pixel."
        )
    warnings += metrics.get("health", {}).get("warnings", [])
    facts = [
        ("Detector", f"{config.detector}, {config.epochs} epochs"),
        ("Training images", f"{metrics['train_images']:,}"),
        ("Test images", f"{metrics['test_images']:,} ({metrics['share']:.1%} anomalies)"),
    ]
    for key, label in (
        ("false_alarm_rate", "False-alarm rate on test images"),
        ("detection_rate", "Detection rate on test images"),
    ):
        if key in metrics["decision"]:
            facts.append((label, f"{metrics['decision'][key]:.1%}"))
    if "synthetic_defects" in metrics:
        facts.append(("Synthetic defects", of_synthetic_defects(metrics["synthetic_defects"])))
    if "health" in metrics:
        facts.append(
            (
                "Spread of the reconstructions relative to the images",
                f"{metrics['health']['reconstruction_spread']:.2f}",
            )
        )
    facts.append(("Deciding score", calibration.reason))
    facts.append(("False alarms", calibration.guarantee_in_words))
    report.write(
        path,
        report.Report(
            title=f"{_images(config)}: {config.detector}",
            facts=tuple(facts),
            warnings=tuple(warnings),
            decision_score=calibration.deciding_score,
            thresholds=calibration.thresholds,
            held_out_scores=calibration.scores if calibration.held_out else {},
            scores=evaluation.scores,
            is_anomaly=evaluation.subset.is_anomaly,
            metrics=metrics.get("scores"),
            pixel_metrics=metrics.get("pixels"),
            rotation_accuracy=_rotation_accuracy(metrics),
            history=tuple(
                {name: value for name, value in row.items() if name != "seconds"} for row in history
            ),
            reconstructions=tuple(_reconstructions(detector, evaluation.subset)),
            synthetic_defects=_synthetic_defects(split) if config.dataset == "folder" else None,
            galleries=tuple(_galleries(detector, evaluation)),
            unreadable=evaluation.subset.data.left_out,
            settings=config.to_dict(),
        ),
    )


def _images(config: Config) -> str:
    return config.data_dir if config.dataset == "folder" else config.dataset


def _rotation_accuracy(metrics: Mapping[str, Any]) -> dict[str, float] | None:
    if "rotation_accuracy" not in metrics:
        return None
    held_out = "held-out normal" if metrics["guarantee"] else "training"
    of_test = {
        f"{group} test images": value for group, value in metrics["rotation_accuracy"].items()
    }
    return {f"{held_out} images": metrics["rotation_accuracy_of_calibration_images"], **of_test}


def _reconstructions(
    detector: Detector, subset: Subset
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yields a title, the first test images of a kind, and their reconstructions."""
    if not detector.reconstructs:
        return
    for title, chosen in (("Normal images", ~subset.is_anomaly), ("Anomalies", subset.is_anomaly)):
        if chosen.any():
            some = tf.constant(subset.of(chosen).first(_SHOWN).images[:_SHOWN])
            rebuilt = detector.networks(some)["reconstruction"]
            yield title, detector.preprocess(some).numpy(), rebuilt.numpy()


def _synthetic_defects(split: Split) -> tuple[np.ndarray, np.ndarray] | None:
    """The first held-out images, and with a synthetic defect in each."""
    some = split.calibration.first(_SHOWN)
    if not len(some):
        return None
    first = first_tiles(some.source)
    clean = some.images[first].astype(np.float32) / 255
    return clean, np.concatenate(list(tampered(some, len(some.index))))[first]


def _galleries(
    detector: Detector, evaluation: Evaluation
) -> Iterator[tuple[str, str, tuple[report.Card, ...]]]:
    """Yields galleries: errors, the worst first, then the extremes."""
    scores = evaluation.scores[detector.calibration.deciding_score]
    is_anomaly = evaluation.subset.is_anomaly
    above = detector.calibration.is_anomaly(evaluation.scores)
    descending, ascending = np.argsort(-scores, kind="stable"), np.argsort(scores, kind="stable")
    sections = [
        (
            "Worst false alarms",
            "Normal images above the threshold, highest score first.",
            descending[(~is_anomaly & above)[descending]][:_SHOWN],
        ),
        (
            "Worst misses",
            "Anomalies not above the threshold, lowest score first.",
            ascending[(is_anomaly & ~above)[ascending]][:_SHOWN],
        ),
        (
            "Most anomalous",
            "The images with the highest deciding score.",
            descending[:_SHOWN],
        ),
        (
            "Least anomalous",
            "The images with the lowest deciding score.",
            ascending[:_SHOWN],
        ),
    ]
    shown = np.unique(np.concatenate([images for *_, images in sections]))
    cards = dict(zip(shown, _cards(detector, evaluation, shown)))
    for title, text, images in sections:
        if len(images):
            yield title, text, tuple(cards[image] for image in images)


def _cards(
    detector: Detector, evaluation: Evaluation, shown: np.ndarray
) -> tuple[report.Card, ...]:
    """One Card per image of `shown`, positions in the test set: of the tile that scores highest."""
    subset, data = evaluation.subset, evaluation.subset.data
    scores = evaluation.tile_scores[detector.calibration.deciding_score]
    bounds = np.append(first_tiles(subset.source), len(subset.index))
    best, notes = [], []
    for image in shown:
        start, count = bounds[image], bounds[image + 1] - bounds[image]
        tile = int(np.argmax(scores[start : start + count]))
        which = f", tile {tile + 1} of {count}" if count > 1 else ""
        best.append(subset.index[start + tile])
        notes.append(data.class_names[subset.labels[image]] + which)
    names = [subset.names[image] for image in shown]
    batches = pipeline.scoring_batches(data.images, np.array(best), _EXPLAINED_AT_ONCE)
    outputs = joined(batched(detector.explain, batches, jit_compile=False))
    return gallery.cards(outputs, data.images[best], names, notes, detector.calibration)
