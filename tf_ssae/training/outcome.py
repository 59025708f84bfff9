"""The outcome of a training: the scores of the test images, and the metrics of a run."""

import csv
import dataclasses
import pathlib
from typing import Any

import numpy as np

from tf_ssae.data.masks import masks
from tf_ssae.data.split import Split
from tf_ssae.detectors.base import Detector
from tf_ssae.detectors.health import saturated
from tf_ssae.evaluation import maps, predictions
from tf_ssae.evaluation.pixel_metrics import pixel_metrics
from tf_ssae.evaluation.region_metrics import region_metrics
from tf_ssae.ops.batched import at_once
from tf_ssae.system.text import csv_cell
from tf_ssae.training.calibrate import ask
from tf_ssae.training.held_out import parting
from tf_ssae.training.synthetic import synthetic_defects


def look(
    detector: Detector, split: Split, history: list[dict], steps: int, health: dict[str, Any]
) -> tuple[predictions.Evaluation, dict[str, Any]]:
    """The Evaluation of the test images by a calibrated detector, and what `metrics.json` holds.

    Args:
        history: one dict per epoch.
        steps: per epoch.
        health: of `Detector.check_trained`.
    """
    evaluation = predictions.evaluate(detector, ask(detector, split.test), split.test)
    return evaluation, {
        **evaluation.metrics(detector.calibration),
        **_pixel_metrics(detector, split),
        **(synthetic_defects(detector, split) if detector.config.dataset == "folder" else {}),
        **({"health": health} if health else {}),
        **_facts(detector, split, history, steps),
    }


def _pixel_metrics(detector: Detector, split: Split) -> dict[str, Any]:
    """The metrics of the maps of test images and of their regions, if there are masks: of all
    normal images, and of anomalies that have a mask.
    """
    level = detector.calibration.map_scale
    if detector.config.dataset != "folder" or not split.data.masks:
        return {}
    if level is None:
        return {"no_pixels": f"{detector.config.detector} makes no maps to compare the masks with"}
    known = masks(detector.config, split.test)
    if known is None or not known[1].any():
        return {"no_pixels": "no mask marks a pixel of a test image"}
    subset, truth = known
    batches = subset.batches(at_once(detector.config.image_size))
    found = np.concatenate(list(maps.of_batches(detector, batches)))
    found = maps.without_border(found, truth.shape[1])
    # Small images were enlarged (see `preprocessing`): the truth is enlarged too.
    factor = found.shape[1] // truth.shape[1]
    truth = truth.repeat(factor, axis=1).repeat(factor, axis=2)
    return {
        "pixels": pixel_metrics(list(found), list(truth)),
        "regions": region_metrics(list(found), list(truth), subset.source, level),
    }


def _facts(detector: Detector, split: Split, history: list[dict], steps: int) -> dict[str, Any]:
    """The other values of `metrics.json`."""
    config, calibration = detector.config, detector.calibration
    guarantee, accuracy = calibration.guarantee, calibration.rotation_accuracy
    seconds = sum(row["seconds"] for row in history)
    images, parts = steps * config.batch_size * config.epochs, parting(history)
    flat = saturated(calibration.scores, "held-out" if calibration.held_out else "training")
    return {
        **({"training_and_held_out": parts} if parts else {}),
        **({"saturated": flat} if flat else {}),
        **({} if accuracy is None else {"rotation_accuracy_of_calibration_images": accuracy}),
        "guarantee": dataclasses.asdict(guarantee) if guarantee else None,
        "train_images": len(split.train),
        "test_images_equal_to_a_training_image": split.duplicates(),
        "training_seconds": round(seconds, 1),
        "training_images_per_second": round(images / seconds, 1),
    }


def write_scores(path: pathlib.Path, evaluation: predictions.Evaluation) -> None:
    """Writes a row per test image: its id, its class, whether it is an anomaly, every score."""
    subset = evaluation.subset
    ids = subset.names if subset.data.names else subset.ids.tolist()
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "is_anomaly", *evaluation.scores])
        columns = [subset.labels, subset.is_anomaly.astype(int), *evaluation.scores.values()]
        cells = (csv_cell(name) if isinstance(name, str) else name for name in ids)
        writer.writerows(zip(cells, *(column.tolist() for column in columns)))
