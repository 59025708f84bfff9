"""The report of a run of training: its test images, of which the truth is known."""

import numpy as np

from tf_ssae import report
from tf_ssae.calibration import descriptions
from tf_ssae.ops.parts import first_parts
from tf_ssae.report import gallery
from tf_ssae.scoring import scorers

_PICTURED = 12


def write(path, detector, split, evaluation, metrics, history, reason):
    """Writes the page.

    Args:
        detector: calibrated.
        split: the Split of the run.
        evaluation: of the test images.
        metrics: as in `metrics.json`.
        history: one dict an epoch.
        reason: the sentence on which score decides.
    """
    data, config, description = split.data, detector.config, detector.description()
    decision = description["decision"]
    warnings = (
        [] if descriptions.promise_is_kept(description) else [descriptions.promise(description)]
    )
    if metrics["test_images_equal_to_a_training_image"]:
        warnings.append(
            f"{metrics['test_images_equal_to_a_training_image']} test images equal a training"
            " image, pixel for pixel."
        )
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
        facts.append(
            (
                "Spread of reconstructions, by that of the images",
                f"{metrics['health']['reconstruction_spread']:.2f}",
            )
        )
    facts += [("Deciding score", reason), ("False alarms", descriptions.promise(description))]
    report.write(
        path,
        report.Report(
            title=(
                f"{config.dataset if config.dataset != 'folder' else config.data_dir}:"
                f" {config.detector}"
            ),
            facts=tuple(facts),
            warnings=tuple(warnings),
            decision_score=decision,
            thresholds=description["thresholds"],
            calibration=descriptions.held_out_scores(description),
            scores=evaluation.scores,
            is_anomaly=evaluation.is_anomaly,
            metrics=metrics.get("scores"),
            pixel_metrics=metrics.get("pixels"),
            rotation_accuracy=_rotation_accuracy(metrics),
            history=tuple(
                {name: value for name, value in row.items() if name != "seconds"} for row in history
            ),
            pictures=tuple(_sections(scorers.of_detector(detector), split, evaluation)),
            unreadable=data.left_out,
            settings=config.to_dict(),
        ),
    )


def _rotation_accuracy(metrics):
    if "rotation_accuracy" not in metrics:
        return None
    held_out = "held-out normal" if metrics["promise"] else "training"
    of_test = {
        f"{group} test images": value for group, value in metrics["rotation_accuracy"].items()
    }
    return {f"{held_out} images": metrics["rotation_accuracy_of_calibration_images"], **of_test}


def _sections(scorer, split, evaluation):
    description, data = scorer.description, split.data
    decision = description["decision"]
    parts = data.pictures(split.test)
    starts = first_parts(parts)
    scores, is_anomaly = evaluation.scores[decision], evaluation.is_anomaly
    above = scores > description["thresholds"][decision]
    descending, ascending = np.argsort(-scores, kind="stable"), np.argsort(scores, kind="stable")
    for title, text, order, chosen in (
        (
            "Worst false alarms",
            "Normal images above the threshold, highest first.",
            descending,
            ~is_anomaly & above,
        ),
        (
            "Worst misses",
            "Anomalies below the threshold, lowest first.",
            ascending,
            is_anomaly & ~above,
        ),
        (
            "Most anomalous",
            "The images with the highest deciding score.",
            descending,
            np.full(len(scores), True),
        ),
        (
            "Least anomalous",
            "The images with the lowest deciding score.",
            ascending,
            np.full(len(scores), True),
        ),
    ):
        order = order[chosen[order]][:_PICTURED]
        if not len(order):
            continue
        squares, names, notes = [], [], []
        for i in order:
            end = starts[i + 1] if i + 1 < len(starts) else len(parts)
            # Of a picture of several squares, the one that scores highest.
            best = starts[i] + int(np.argmax(evaluation.part_scores[decision][starts[i] : end]))
            squares.append(_uint8(data.images[split.test[best]]))
            names.append(data.names[parts[best]] if data.names else f"image {parts[best]}")
            square = (
                f", square {best - starts[i] + 1} of {end - starts[i]}"
                if end - starts[i] > 1
                else ""
            )
            notes.append(data.class_names[data.labels[split.test[best]]] + square)
        yield title, text, gallery.pictures(scorer, np.stack(squares), names, notes)


def _uint8(image):
    return image if image.dtype == np.uint8 else np.round(image * 255).astype(np.uint8)
