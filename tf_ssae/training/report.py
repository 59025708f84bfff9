"""The report of a training run: its test images, of which the truth is known."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ssae import report
from tf_ssae.calibration import descriptions
from tf_ssae.data import pipeline
from tf_ssae.data.protocols import Split
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation.predictions import Evaluation
from tf_ssae.ops.batched import batched
from tf_ssae.ops.parts import first_parts
from tf_ssae.report import gallery

_SHOWN = 12
_EXPLAINED_AT_ONCE = 16


def write(
    path: str | os.PathLike[str],
    detector: Detector,
    split: Split,
    evaluation: Evaluation,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, float]],
    reason: str,
) -> None:
    """Writes the page.

    Args:
        detector: calibrated.
        split: the Split of the run.
        evaluation: of the test images.
        metrics: as in `metrics.json`.
        history: one dict per epoch.
        reason: the sentence on which score decides.
    """
    data, config, description = split.data, detector.config, detector.description()
    guarantee = descriptions.promise(description)
    warnings = [] if descriptions.promise_is_kept(description) else [guarantee]
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
    if "health" in metrics:
        facts.append(
            (
                "Spread of the reconstructions relative to the images",
                f"{metrics['health']['reconstruction_spread']:.2f}",
            )
        )
    facts += [("Deciding score", reason), ("False alarms", guarantee)]
    report.write(
        path,
        report.Report(
            title=(
                f"{config.dataset if config.dataset != 'folder' else config.data_dir}:"
                f" {config.detector}"
            ),
            facts=tuple(facts),
            warnings=tuple(warnings),
            decision_score=description["decision"],
            thresholds=description["thresholds"],
            held_out_scores=descriptions.held_out_scores(description),
            scores=evaluation.scores,
            is_anomaly=evaluation.is_anomaly,
            metrics=metrics.get("scores"),
            pixel_metrics=metrics.get("pixels"),
            rotation_accuracy=_rotation_accuracy(metrics),
            history=tuple(
                {name: value for name, value in row.items() if name != "seconds"} for row in history
            ),
            reconstructions=tuple(_reconstructions(detector, split)),
            galleries=tuple(_galleries(detector, split, evaluation)),
            unreadable=data.left_out,
            settings=config.to_dict(),
        ),
    )


def _rotation_accuracy(metrics: Mapping[str, Any]) -> dict[str, float] | None:
    if "rotation_accuracy" not in metrics:
        return None
    held_out = "held-out normal" if metrics["promise"] else "training"
    of_test = {
        f"{group} test images": value for group, value in metrics["rotation_accuracy"].items()
    }
    return {f"{held_out} images": metrics["rotation_accuracy_of_calibration_images"], **of_test}


def _reconstructions(
    detector: Detector, split: Split
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The first test images of each kind, and what the decoder makes of them."""
    if not detector.reconstructs:
        return
    for title, chosen in (
        ("Normal images", ~split.test_is_anomaly),
        ("Anomalies", split.test_is_anomaly),
    ):
        if chosen.any():
            some = tf.constant(split.data.images[split.test[chosen][:_SHOWN]])
            yield title, detector.preprocess(some).numpy(), detector.reconstruct(some).numpy()


def _galleries(
    detector: Detector, split: Split, evaluation: Evaluation
) -> Iterator[tuple[str, str, tuple[report.Card, ...]]]:
    """What went wrong, worst first, then the extremes."""
    scores, is_anomaly = evaluation.scores[detector.decision_score], evaluation.is_anomaly
    above = scores > detector.description()["thresholds"][detector.decision_score]
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
    cards = dict(zip(shown, _cards(detector, split, evaluation, shown)))
    for title, text, images in sections:
        if len(images):
            yield title, text, tuple(cards[image] for image in images)


def _cards(
    detector: Detector, split: Split, evaluation: Evaluation, shown: np.ndarray
) -> tuple[report.Card, ...]:
    """One per image of `shown`, positions in the test set: of an image of several tiles, the one
    that scores highest.
    """
    data, image_of_tile = split.data, split.data.pictures(split.test)
    scores = evaluation.part_scores[detector.decision_score]
    starts = first_parts(image_of_tile)
    ends = np.append(starts[1:], len(image_of_tile))
    best, names, notes = [], [], []
    for start, end in zip(starts[shown], ends[shown]):
        tile = start + int(np.argmax(scores[start:end]))
        image = image_of_tile[tile]
        which = f", tile {tile - start + 1} of {end - start}" if end - start > 1 else ""
        best.append(split.test[tile])
        names.append(data.names[image] if data.names else f"image {image}")
        notes.append(data.class_names[data.labels[split.test[tile]]] + which)
    batches = pipeline.scoring_batches(data.images, np.array(best), _EXPLAINED_AT_ONCE)
    found = list(batched(detector.explain, batches, jit_compile=False))
    outputs = {name: np.concatenate([batch[name] for batch in found]) for name in found[0]}
    return gallery.cards(outputs, data.images[best], names, notes, detector.description())
