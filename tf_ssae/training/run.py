"""One run from its settings to a finished run folder: load, train, calibrate, evaluate, save."""

import csv
import dataclasses
import pathlib
import shutil
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.data import pipeline, protocols, sources
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.masks import masks
from tf_ssae.data.split import Split
from tf_ssae.detectors import registry
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation import maps, predictions
from tf_ssae.evaluation.pixel_metrics import pixel_metrics
from tf_ssae.runs import provenance, run_folder
from tf_ssae.training import checkpoints, report, summary
from tf_ssae.training.calibrate import SCORING_BATCH_SIZE, ask, calibrate
from tf_ssae.training.watch import FiniteLosses, Reconstructions

_CACHE = "images.cache"

# From the detector, the Split and the folder being written to Keras callbacks.
Watch = Callable[[Detector, Split, pathlib.Path], list[keras.callbacks.Callback]]


def default_model_dir(config: Config) -> pathlib.Path:
    """`runs/DATASET-anomaly-K-DETECTOR-seed-S`; for a folder of images
    `runs/NAME-DETECTOR-seed-S`.
    """
    if config.dataset == "folder":
        images = pathlib.Path(config.data_dir).resolve().name
    else:
        images = f"{config.dataset}-anomaly-{config.anomaly}"
    return pathlib.Path("runs") / f"{images}-{config.detector}-seed-{config.seed}"


def train(
    config: Config,
    model_dir: str | pathlib.Path,
    data: LabelledImages | None = None,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Trains a detector and writes its run folder; resumes a run that an earlier process with the
    same settings started.

    The folder holds `config.json`, `model.keras` (see `runs.load`), `metrics.json`, `scores.csv`,
    `history.csv`, `environment.json`, `report.html` and `logs/` (TensorBoard).

    Args:
        model_dir: the folder to write. It gets this name when the run is finished; until then
            `.partial` is appended.
        data: images to use in place of those of `config.dataset`.
        watch: a function of the detector, the Split and the folder being written that returns Keras
            callbacks. What they add to an epoch's logs goes to `history.csv`. They must not
            influence the training.

    Returns:
        The metrics, as in `metrics.json`.

    Raises:
        ValueError, OSError: before any training, for settings, data or a run folder that cannot
            work; after it, for scores that are all the same or not finite, or a full disk.
        TrainingFailed: a loss became NaN, or the decoder died.
    """
    folder = run_folder.RunFolder(model_dir, config)
    folder.open()
    try:
        return _run(config, folder, data, watch)
    finally:
        folder.release()


def _run(
    config: Config,
    folder: run_folder.RunFolder,
    data: LabelledImages | None,
    watch: Watch | None,
) -> dict[str, Any]:
    try:
        data = data or sources.load(config, folder.partial / _CACHE)
        split = protocols.split(data, config)
        steps = pipeline.steps_per_epoch(len(split.train.index), config)
        if config.steps:
            config = dataclasses.replace(config, epochs=max(1, round(config.steps / steps)))
        detector = registry.make(config, data.image_shape)
        environment = {**provenance.environment(), "split_fingerprint": split.fingerprint()}
        folder.require_same_images(environment["split_fingerprint"])
        where = f"{'resumed' if folder.resumed else 'new run'} in {folder.partial}"
        print(summary.beginning(config, split, where), flush=True)
    except BaseException:
        folder.abandon()
        raise
    folder.write_environment(environment)

    state = checkpoints.Checkpoints(detector, folder.partial)
    callbacks = watch(detector, split, folder.partial) if watch else []
    health = _fit(detector, split, steps, state, folder.partial, callbacks)

    print("Calibrating, then scoring the test images ...", flush=True)
    detector.calibration = calibrate(detector, split)
    evaluation = predictions.evaluate(detector, ask(detector, split.test), split.test)
    metrics = {
        **evaluation.metrics(detector.calibration),
        **_pixel_metrics(detector, split),
        **({"health": health} if health else {}),
        **_facts(detector, split, state.history, steps),
    }

    _write_scores(folder.partial / "scores.csv", evaluation)
    report.write(folder.partial / "report.html", detector, evaluation, metrics, state.history)
    detector.save(folder.partial / run_folder.MODEL)
    run_folder.write_json(folder.partial / run_folder.METRICS, metrics)
    folder.finish()
    # Only now: if a process dies before the folder has its name, the next one needs them.
    shutil.rmtree(folder.path / checkpoints.FOLDER)
    (folder.path / _CACHE).unlink(missing_ok=True)
    calibration = detector.calibration
    print(f"\n{summary.table(metrics)}\n{calibration.reason}\n{calibration.guarantee_in_words}")
    print(f"\nEverything about this run is in {folder.path}.")
    return metrics


def _fit(
    detector: Detector,
    split: Split,
    steps: int,
    state: checkpoints.Checkpoints,
    folder: pathlib.Path,
    callbacks: list[keras.callbacks.Callback],
) -> dict[str, Any]:
    """Trains from where `state` is to the last epoch; returns what `check_trained` does."""
    config, logs = detector.config, folder / "logs"
    watched = Reconstructions(detector, split.train, logs) if detector.reconstructs else None
    batches = pipeline.training_batches(
        split.data.images, split.train.index, config, state.first_epoch
    )
    batches = detector.prepare(batches, steps * config.epochs)
    detector.fit(
        batches.prefetch(tf.data.AUTOTUNE),
        epochs=config.epochs,
        initial_epoch=state.first_epoch,
        steps_per_epoch=steps,
        shuffle=False,
        # A progress bar redraws its line, which fills a log file with control characters.
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            FiniteLosses(),
            *callbacks,
            keras.callbacks.TensorBoard(logs, write_graph=False),
            *([watched] if watched else []),
            # Last: an epoch counts as done when everything else of it is.
            state,
        ],
    )
    detector.finish_training()
    if watched is None:
        return {}
    return detector.check_trained(watched.reconstruct(), watched.originals, state.history)


def _pixel_metrics(detector: Detector, split: Split) -> dict[str, Any]:
    """The pixel metrics of the error maps of test images, if there are masks: of all normal images,
    and of anomalies that have a mask.
    """
    if detector.config.dataset != "folder" or not detector.reconstructs:
        return {}
    known = masks(detector.config, split.test)
    if known is None or not known[1].any():
        return {}
    subset, truth = known
    found = np.concatenate(list(maps.of_batches(detector, subset.batches(SCORING_BATCH_SIZE))))
    # Small images were enlarged and padded (see `preprocessing`): the truth is enlarged too, the
    # border of the maps left out.
    factor = found.shape[1] // truth.shape[1]
    truth = truth.repeat(factor, axis=1).repeat(factor, axis=2)
    border, side = (found.shape[1] - truth.shape[1]) // 2, truth.shape[1]
    found = found[:, border : border + side, border : border + side]
    return {"pixels": pixel_metrics(list(found), list(truth))}


def _facts(detector: Detector, split: Split, history: list[dict], steps: int) -> dict[str, Any]:
    """The other values of `metrics.json`."""
    config, calibration = detector.config, detector.calibration
    guarantee, accuracy = calibration.guarantee, calibration.rotation_accuracy
    seconds = sum(row["seconds"] for row in history)
    images = steps * config.batch_size * config.epochs
    return {
        **({} if accuracy is None else {"rotation_accuracy_of_calibration_images": accuracy}),
        "guarantee": dataclasses.asdict(guarantee) if guarantee else None,
        "train_images": len(split.train),
        "test_images_equal_to_a_training_image": split.duplicates(),
        "training_seconds": round(seconds, 1),
        "training_images_per_second": round(images / seconds, 1),
    }


def _write_scores(path: pathlib.Path, evaluation: predictions.Evaluation) -> None:
    subset = evaluation.subset
    ids = subset.names if subset.data.names else subset.ids.tolist()
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "is_anomaly", *evaluation.scores])
        columns = [subset.labels, subset.is_anomaly.astype(int), *evaluation.scores.values()]
        writer.writerows(zip(ids, *(column.tolist() for column in columns)))
