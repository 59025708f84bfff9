"""One run from its settings to a finished run folder: load, train, calibrate, evaluate, save."""

import csv
import dataclasses
import pathlib
import shutil
import sys

import keras
import numpy as np
import tensorflow as tf

from tf_ssae import data as datasets
from tf_ssae import detectors
from tf_ssae.calibration import conformal as calibration
from tf_ssae.calibration import descriptions
from tf_ssae.data import files, pipeline, protocols
from tf_ssae.data import folder as image_folder
from tf_ssae.evaluation import maps
from tf_ssae.evaluation import predictions as evaluation
from tf_ssae.evaluation.pixel_metrics import pixel_metrics
from tf_ssae.ops.parts import first_parts
from tf_ssae.report import png
from tf_ssae.runs import provenance, run_folder
from tf_ssae.training import checkpoints, health
from tf_ssae.training import report as of_run

SCORING_BATCH_SIZE = 256
_PICTURED = 12
_CACHE = "images.cache"
_LISTED = 10


def default_model_dir(config):
    """`runs/DATASET-anomaly-K-DETECTOR-seed-S`; for a folder of images
    `runs/NAME-DETECTOR-seed-S`.
    """
    if config.dataset == "folder":
        return (
            pathlib.Path("runs")
            / f"{pathlib.Path(config.data_dir).resolve().name}-{config.detector}-seed-{config.seed}"
        )
    return (
        pathlib.Path("runs")
        / f"{config.dataset}-anomaly-{config.anomaly}-{config.detector}-seed-{config.seed}"
    )


def run(config, model_dir, data=None, watch=None):
    """Trains a detector and writes its run folder; goes on where an earlier process with the same
    settings stopped.

    The folder holds `config.json`, `model.keras` (see `detectors.load`), `metrics.json`,
    `scores.csv`, `history.csv`, `environment.json`, `report.html` and `logs/` (TensorBoard).

    Args:
        config: a Config.
        model_dir: the folder to write. It gets this name when the run is finished; until then
            `.partial` is appended.
        data: LabelledImages to use in place of those of `config.dataset`.
        watch: a function of the detector, the Split and the folder being written that returns Keras
            callbacks. What they add to an epoch's logs goes to `history.csv`. They look on: nothing
            they see chooses anything.

    Returns:
        The metrics, as in `metrics.json`.

    Raises:
        ValueError, OSError: before any training, for settings, data or a run folder that cannot
            work; after it, for scores that are all the same or not finite, or a full disk.
        health.TrainingFailed: a loss became NaN, or the decoder died.
    """
    folder = run_folder.RunFolder(model_dir, config)
    folder.open()
    try:
        return _run(config, folder, data, watch)
    finally:
        folder.release()


def _run(config, folder, data, watch):
    try:
        data = data or datasets.load(config, folder.partial / _CACHE)
        split = protocols.split(data, config)
        steps = pipeline.steps_per_epoch(len(split.train), config)
        detector = detectors.make(config, data.image_shape)
        environment = {**provenance.environment(), "split_fingerprint": split.fingerprint()}
        folder.require_same_images(environment["split_fingerprint"])
        print(_summary(config, data, split, folder), flush=True)
    except BaseException:
        folder.abandon()
        raise
    folder.write_environment(environment)

    state = checkpoints.Checkpoints(detector, folder.partial)
    _train(
        detector,
        data.images,
        split.train,
        steps,
        state,
        folder,
        watch(detector, split, folder.partial) if watch else [],
    )
    detector.finish_training()

    print("Calibrating, then scoring the test images ...", flush=True)
    promise, reason, rotation_accuracy = calibrate(detector, split)
    result = _evaluate(detector, split, split.test, _ask(detector, split, split.test))
    pixels = (
        _pixel_metrics(detector, split)
        if config.dataset == "folder" and detector.reconstructs
        else None
    )
    condition = _condition_of_gan(detector, split, state.history) if detector.adversarial else None
    training_seconds = sum(row["seconds"] for row in state.history)
    metrics = {
        **result.metrics(detector),
        **({"pixels": pixels} if pixels else {}),
        **(
            {}
            if rotation_accuracy is None
            else {"rotation_accuracy_of_calibration_images": rotation_accuracy}
        ),
        **({"health": condition} if condition else {}),
        "promise": dataclasses.asdict(promise) if promise else None,
        "train_images": len(np.unique(data.pictures(split.train))),
        "test_images_equal_to_a_training_image": split.duplicates(),
        "training_seconds": round(training_seconds, 1),
        "training_images_per_second": round(
            steps * config.batch_size * config.epochs / training_seconds, 1
        ),
    }

    _write_scores(folder.partial / "scores.csv", split, result)
    of_run.write(
        folder.partial / "report.html", detector, split, result, metrics, state.history, reason
    )
    detector.save(folder.partial / run_folder.MODEL)
    run_folder.write_json(folder.partial / run_folder.METRICS, metrics)
    folder.finish()
    # Only now: a process that dies before the folder has its name must find them again.
    shutil.rmtree(folder.path / checkpoints.FOLDER)
    (folder.path / _CACHE).unlink(missing_ok=True)
    print(
        f"\n{evaluation.table(metrics)}\n{reason}\n{descriptions.promise(detector.description())}"
    )
    print(f"\nEverything about this run is in {folder.path}.")
    return metrics


def calibrate(detector, split):
    """Fits all that follows training: normalisation, thresholds, the score that decides, the scale
    of the error maps.

    Returns:
        The calibration.Promise of the threshold, None if no image was held out; a sentence on which
        score decides; and how often the rotation of a held-out image is told, None if the detector
        does not tell it.
    """
    held_out = split.for_thresholds
    answers = _ask(detector, split, held_out, with_map_peaks=detector.reconstructs)
    # Without held-out images they are the training images.
    of_training = _ask(detector, split, split.train) if len(split.calibration) else answers
    detector.fit_normalisation(of_training.primary)
    result = _evaluate(detector, split, held_out, answers)
    decision, reason = evaluation.choose_decision(detector, result)
    detector.fit_decision(result.scores, decision)
    count, target = len(result.is_anomaly), detector.config.target_fpr
    if detector.reconstructs:
        maps.fit_scale(
            detector,
            answers.map_peaks,
            split.data.pictures(held_out),
            calibration.rank(count, target),
        )
    promise = calibration.promise(count, target) if len(split.calibration) else None
    return (
        promise,
        reason,
        None if result.rotation_correct is None else float(result.rotation_correct.mean()),
    )


def _train(detector, images, index, steps, state, folder, watchers):
    config = detector.config
    callbacks = [
        health.FiniteLosses(),
        *watchers,
        keras.callbacks.TensorBoard(folder.partial / "logs", write_graph=False),
    ]
    if detector.reconstructs:
        sample = tf.constant(images[index[:SCORING_BATCH_SIZE]])
        callbacks.append(_WatchReconstructions(detector, sample, folder.partial / "logs"))
    # Last: an epoch counts as done when everything else of it is.
    callbacks.append(state)
    batches = pipeline.training_batches(images, index, config, state.first_epoch)
    if detector.trained_on_rotations:
        batches = pipeline.with_rotations(batches, config)
    else:
        batches = batches.map(lambda step, x: x)
    detector.fit(
        batches.prefetch(tf.data.AUTOTUNE),
        epochs=config.epochs,
        initial_epoch=state.first_epoch,
        steps_per_epoch=steps,
        shuffle=False,
        # A progress bar redraws its line, which fills a log file with control characters.
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=callbacks,
    )


class _WatchReconstructions(keras.callbacks.Callback):
    """Reconstructs some training images after each epoch: to see that an auto-encoder's decoder
    lives, and for TensorBoard.
    """

    def __init__(self, detector, images, log_dir):
        super().__init__()
        self._detector, self._images, self._originals = (
            detector,
            images,
            detector.preprocess(images).numpy(),
        )
        self._reconstruct = tf.function(detector.reconstruct)
        self._writer = tf.summary.create_file_writer(str(log_dir / "reconstructions"))

    def on_epoch_end(self, epoch, logs=None):
        rebuilt = self._reconstruct(self._images).numpy()
        if not self._detector.adversarial:
            health.check_alive(rebuilt)
        with self._writer.as_default(step=epoch):
            grid = png.image_grid(self._originals[:_PICTURED], rebuilt[:_PICTURED])
            tf.summary.image("originals above their reconstructions", grid[np.newaxis])
        self._writer.flush()

    def on_train_end(self, logs=None):
        if not self._detector.adversarial:
            health.check_not_constant(self._reconstruct(self._images).numpy(), self._originals)


def _condition_of_gan(detector, split, history):
    some = tf.constant(split.data.images[split.train[:SCORING_BATCH_SIZE]])
    return health.of_gan(
        detector.reconstruct(some).numpy(), detector.preprocess(some).numpy(), history
    )


def _ask(detector, split, index, **wanted):
    return evaluation.ask(
        detector, pipeline.scoring_batches(split.data.images, index, SCORING_BATCH_SIZE), **wanted
    )


def _evaluate(detector, split, index, answers):
    data = split.data
    return evaluation.evaluate(
        detector, answers, split.anomalous[data.labels[index]], data.pictures(index)
    )


def _pixel_metrics(detector, split):
    """Of the error maps of test images, if there are masks: normal images count as far as they go,
    anomalies with a mask.
    """
    data, pictures = split.data, split.data.pictures(split.test)
    masks = image_folder.masks(detector.config, data, dict.fromkeys(pictures.tolist()))
    if not any(mask.any() for mask in masks.values()):
        return None
    index = split.test[[picture in masks for picture in pictures]]
    batches = pipeline.scoring_batches(data.images, index, SCORING_BATCH_SIZE)
    found = np.concatenate(list(maps.of_batches(detector, batches)))
    # In the order of the test set, as the maps are.
    known = np.concatenate(list(masks.values()))
    # Small images were enlarged and padded (see `preprocessing`): the truth is enlarged too, the
    # border of the maps left out.
    factor = found.shape[1] // known.shape[1]
    known = known.repeat(factor, axis=1).repeat(factor, axis=2)
    border = (found.shape[1] - known.shape[1]) // 2
    return pixel_metrics(
        found[:, border : border + known.shape[1], border : border + known.shape[2]], known
    )


def _summary(config, data, split, folder):
    if config.dataset == "folder":
        anomalous = [
            name for name, is_anomaly in zip(data.class_names, split.anomalous) if is_anomaly
        ]
        lines = [
            f"{config.data_dir}: {len(data.names)} images; normal: good; anomalous:"
            f" {', '.join(anomalous) or 'none'}."
        ]
        lines += [
            files.printable(f"Left out: {name}: {reason}.")
            for name, reason in data.left_out[:_LISTED]
        ]
        if len(data.left_out) > _LISTED:
            lines.append(f"... and {len(data.left_out) - _LISTED} more.")
    else:
        (anomaly,) = np.flatnonzero(split.anomalous)
        lines = [
            f"{config.dataset}: class {anomaly} ({data.class_names[anomaly]}) is the anomaly, the"
            f" other {len(data.class_names) - 1} classes are normal."
        ]
    counts = [
        len(np.unique(data.pictures(index)))
        for index in (split.train, split.calibration, split.test)
    ]
    anomalies = len(np.unique(data.pictures(split.test[split.test_is_anomaly])))
    protocol = (
        "" if config.dataset == "folder" else f" (protocol {config.protocol}{_cut(config, data)})"
    )
    parts = (
        ""
        if data.source is None or len(data.source) == len(data.names)
        else " Images are cut into square tiles."
    )
    lines += [
        (
            f"{counts[0]} normal images train, {counts[1]} are held out for the threshold;"
            f" {counts[2]} images test, {anomalies} of them anomalies{protocol}.{parts}"
        ),
        (
            f"{config.detector}, {config.epochs} epochs, {'resumed' if folder.resumed else 'new'}"
            f" in {folder.partial}."
        ),
    ]
    return "\n".join(lines)


def _cut(config, data):
    """What the protocol leaves out, in words."""
    counts = np.bincount(data.labels)
    if config.protocol != "pooled" or counts.min() == counts.max():
        return ""
    return f": of every class {counts.min():,} images, as many as the smallest has"


def _write_scores(path, split, result):
    data, parts = split.data, split.data.pictures(split.test)
    first = first_parts(parts)
    ids = parts[first].tolist()
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "is_anomaly", *result.scores])
        if data.names is not None:
            ids = [data.names[i] for i in ids]
        columns = [
            data.labels[split.test][first],
            result.is_anomaly.astype(int),
            *result.scores.values(),
        ]
        writer.writerows(zip(ids, *(column.tolist() for column in columns)))
