"""The report of a training run, on its test images, whose truth is known."""

import itertools
import os
import pathlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ssae import report
from tf_ssae.calibration.share import Share
from tf_ssae.config import Config
from tf_ssae.data.reader import TileReader, repaired_in_words
from tf_ssae.data.split import Split, Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation.predictions import Evaluation
from tf_ssae.ops.batched import Arrays, in_batches
from tf_ssae.report import gallery, png
from tf_ssae.report.content import Photo
from tf_ssae.report.photos import LISTED, PICTURED, Suspect, link, pictured
from tf_ssae.runs import provenance
from tf_ssae.training import warm_start
from tf_ssae.training.synthetic import with_defects

_SHOWN = 12
_MISSES = 48
_EXPLAINED_AT_ONCE = 16


def write(
    path: str | os.PathLike[str],
    run_name: str,
    detector: Detector,
    split: Split,
    evaluation: Evaluation,
    metrics: Mapping[str, Any],
    history: Sequence[Mapping[str, float]],
) -> None:
    """Writes the page.

    Args:
        run_name: of the finished run's folder.
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
    if evaluation.subset.data.repaired:
        warnings.append(repaired_in_words(evaluation.subset.data.repaired))
    warnings += metrics.get("health", {}).get("warnings", [])
    named = config.dataset == "folder" and evaluation.subset.data.names is not None
    facts = [
        ("Detector", f"{config.detector}, {config.epochs} epochs"),
        ("Training images", f"{metrics['train_images']:,}"),
        ("Test images", f"{metrics['test_images']:,} ({metrics['share']:.1%} anomalies)"),
    ]
    if "health" in metrics:
        facts.append(
            (
                "Spread of the reconstructions relative to the images",
                f"{metrics['health']['reconstruction_spread']:.2f}",
            )
        )
    if "training_and_held_out" in metrics:
        facts.append(("Learning", metrics["training_and_held_out"]))
    if "saturated" in metrics:
        facts.append(("Rotations", metrics["saturated"]))
    if "warm_start" in metrics:
        facts.append(("Weights", warm_start.in_words(metrics["warm_start"])))
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
            kinds=[evaluation.subset.data.class_names[k] for k in evaluation.subset.labels],
            found_synthetic=_found_synthetic(metrics),
            anomalies=tuple(_photos(path, detector, evaluation, named, missed=False)),
            misses=tuple(_photos(path, detector, evaluation, named, missed=True)),
            unlisted=max(0, int(_above(detector, evaluation).sum()) - LISTED),
            made=provenance.made(run_name),
            metrics=metrics.get("scores"),
            pixel_metrics=metrics.get("pixels"),
            rotation_accuracy=_rotation_accuracy(metrics),
            history=tuple(
                {name: value for name, value in row.items() if name != "seconds"} for row in history
            ),
            reconstructions=tuple(_reconstructions(detector, evaluation.subset)),
            synthetic_defects=(
                _synthetic_defects(split, detector.roi is not None)
                if config.dataset == "folder"
                else None
            ),
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
            some = tf.constant(subset.of(chosen).first_tiles(_SHOWN))
            rebuilt = detector.networks(some)["reconstruction"]
            yield title, detector.preprocess(some).numpy(), rebuilt.numpy()


def _synthetic_defects(split: Split, has_region: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """The first held-out images, and with a synthetic defect in each."""
    if not len(split.calibration):
        return None
    tiles = split.calibration.first_tiles(_SHOWN)
    return tiles.astype(np.float32) / 255, with_defects(tiles, has_region).numpy()


def _found_synthetic(metrics: Mapping[str, Any]) -> Share | None:
    found = metrics.get("synthetic_defects")
    return found and Share(found["found"], found["images"], found["low"], found["high"])


def _above(detector: Detector, evaluation: Evaluation) -> np.ndarray:
    return detector.calibration.is_anomaly(evaluation.scores)


def _photos(
    page: str | os.PathLike[str],
    detector: Detector,
    evaluation: Evaluation,
    named: bool,
    missed: bool,
) -> Iterator[Photo]:
    """Yields every test image above the threshold, highest score first; or the worst misses.

    `named`: whether the images are files of `config.data_dir`.
    """
    subset, calibration = evaluation.subset, detector.calibration
    data, root = subset.data, pathlib.Path(detector.config.data_dir)
    scores, above = evaluation.scores[calibration.deciding_score], _above(detector, evaluation)
    p, why = calibration.p_values(evaluation.scores), calibration.why(evaluation.scores)
    if missed:
        order = np.argsort(scores, kind="stable")
        order = order[(subset.is_anomaly & ~above)[order]][:_MISSES]
    else:
        order = np.argsort(-scores, kind="stable")
        order = order[above[order]][:LISTED]
    bounds = subset.bounds
    config = detector.config
    reader = TileReader.of(detector.description, config.limits, config.accept_damaged)

    def photo(i: int) -> Photo:
        return Photo(
            name=subset.names[i],
            score=float(scores[i]),
            kind=data.class_names[subset.labels[i]],
            is_false=bool(subset.is_anomaly[i] != above[i]),
            p_value=None if p is None else float(p[i]),
            fired="" if missed or len(calibration.parts) < 2 else why[i],
            link=link(root / subset.names[i], page) if named else "",
        )

    waiting = iter(order)

    def suspects() -> Iterator[Suspect]:
        for i in itertools.islice(waiting, PICTURED):
            tiles = data.images[subset.index[bounds[i] : bounds[i + 1]]]

            def read(i: int = i, tiles: np.ndarray = tiles) -> np.ndarray:
                if named:
                    return reader.pixels((root / subset.names[i]).read_bytes())[0]
                return png.as_uint8(tiles[0])

            yield photo(i), tiles, read

    yield from pictured(suspects(), _explain(detector), detector.description)
    yield from map(photo, waiting)


def _galleries(
    detector: Detector, evaluation: Evaluation
) -> Iterator[tuple[str, str, tuple[report.Card, ...]]]:
    """Those of the Report: the extremes."""
    scores = evaluation.scores[detector.calibration.deciding_score]
    descending, ascending = np.argsort(-scores, kind="stable"), np.argsort(scores, kind="stable")
    most, least = descending[: gallery.SHOWN], ascending[: gallery.SHOWN]
    shown = np.unique(np.concatenate([most, least]))
    cards = dict(zip(shown, _cards(detector, evaluation, shown)))
    return gallery.extremes([cards[i] for i in most], [cards[i] for i in least])


def _cards(
    detector: Detector, evaluation: Evaluation, shown: np.ndarray
) -> tuple[report.Card, ...]:
    """One Card per image of `shown`, positions in the test set: of the tile that scores highest."""
    subset, data = evaluation.subset, evaluation.subset.data
    scores = evaluation.tile_scores[detector.calibration.deciding_score]
    bounds = subset.bounds
    best, notes = [], []
    for image in shown:
        start, count = bounds[image], bounds[image + 1] - bounds[image]
        tile = int(np.argmax(scores[start : start + count]))
        which = f", tile {tile + 1} of {count}" if count > 1 else ""
        best.append(subset.index[start + tile])
        notes.append(data.class_names[subset.labels[image]] + which)
    names = [subset.names[image] for image in shown]
    tiles = data.images[best]
    outputs = in_batches(_explain(detector), tiles, _EXPLAINED_AT_ONCE)
    return gallery.cards(outputs, tiles, names, notes, detector.calibration)


def _explain(detector: Detector) -> Callable[[np.ndarray], Arrays]:
    """`Detector.explain`, of arrays."""

    def explain(tiles: np.ndarray) -> Arrays:
        outputs = detector.explained(detector.answers(tiles))
        return {name: np.asarray(value) for name, value in outputs.items()}

    return explain
