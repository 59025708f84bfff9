"""One run from its settings to a finished run folder: load, train, calibrate, evaluate, save."""

import csv
import pathlib
import shutil
import sys

import keras
import numpy as np
import tensorflow as tf

from tf_ssae import checkpoints, datasets, detectors, evaluation, health, pipeline, plots, provenance, run_folder
from tf_ssae.datasets import protocols

SCORING_BATCH_SIZE = 256
_PICTURED = 12


def default_model_dir(config):
    """`runs/DATASET-anomaly-K-DETECTOR-seed-S`."""
    return pathlib.Path("runs") / f"{config.dataset}-anomaly-{config.anomaly}-{config.detector}-seed-{config.seed}"


def run(config, model_dir, data=None):
    """Trains a detector and writes its run folder; goes on where an earlier process with the same settings stopped.

    The folder holds `config.json`, `model.keras` (see `load_detector`), `metrics.json`, `scores.csv`, `history.csv`,
    `environment.json`, `logs/` (TensorBoard) and the plots as PNG.

    Args:
        config: a Config.
        model_dir: the folder to write. It gets this name when the run is finished; until then `.partial` is appended.
        data: LabelledImages to use in place of those of `config.dataset`.

    Returns:
        The metrics, as in `metrics.json`.

    Raises:
        ValueError, OSError: before any training, for settings, data or a run folder that cannot work.
        health.TrainingFailed: a loss became NaN, or the decoder died.
    """
    folder = run_folder.RunFolder(model_dir, config)
    data = data or datasets.load(config)
    split = protocols.split(data, config)
    steps = pipeline.steps_per_epoch(len(split.train), config)
    detector = detectors.make(config, data.image_shape)
    folder.open()
    images = tf.constant(data.images)
    environment = {**provenance.environment(), "split_fingerprint": split.fingerprint()}
    print(_summary(config, data, split, folder), flush=True)

    state = checkpoints.Checkpoints(detector, folder.partial)
    _train(detector, images, split.train, steps, state, folder)

    print("Calibrating on the training images, then scoring the test images ...", flush=True)
    detector.calibrate(pipeline.scoring_batches(images, split.train, SCORING_BATCH_SIZE))
    test_batches = pipeline.scoring_batches(images, split.test, SCORING_BATCH_SIZE)
    result = evaluation.evaluate(detector, test_batches, split.test_is_anomaly)
    training_seconds = sum(row["seconds"] for row in state.history)
    metrics = {
        **result.metrics(),
        "train_images": len(split.train),
        "test_images_equal_to_a_training_image": split.duplicates(),
        "training_seconds": round(training_seconds, 1),
        "training_images_per_second": round(steps * config.batch_size * config.epochs / training_seconds, 1),
    }

    _write_scores(folder.partial / "scores.csv", split, result)
    plots.precision_recall(result, folder.partial / "precision_recall.png")
    plots.histograms(result, folder.partial / "histograms.png")
    if detector.reconstructs:
        _plot_reconstructions(detector, images, split, folder.partial / "reconstructions.png")
    detector.save(folder.partial / run_folder.MODEL)
    run_folder.write_json(folder.partial / run_folder.METRICS, metrics)
    run_folder.write_json(folder.partial / run_folder.ENVIRONMENT, environment)
    folder.finish()
    # Only now: a process that dies before the folder has its name must find them again.
    shutil.rmtree(folder.path / checkpoints.FOLDER)
    print(f"\n{evaluation.table(metrics)}\n\nEverything about this run is in {folder.path}.")
    return metrics


def load_detector(model_dir):
    """The trained detector of a finished run.

    Raises:
        FileNotFoundError: `model_dir` is no run folder, or the run is not finished.
        ValueError: the folder is corrupt.
    """
    run_folder.read_config(model_dir)
    path = pathlib.Path(model_dir) / run_folder.MODEL
    if not path.is_file():
        raise FileNotFoundError(f"{model_dir} is an unfinished run: it has no {run_folder.MODEL}. Train it to the end.")
    return keras.saving.load_model(path)


def _train(detector, images, index, steps, state, folder):
    config = detector.config
    callbacks = [health.FiniteLosses(), keras.callbacks.TensorBoard(folder.partial / "logs", write_graph=False)]
    if detector.reconstructs:
        sample = tf.gather(images, index[:SCORING_BATCH_SIZE])
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
    """Reconstructs some training images after each epoch: to see that the decoder lives, and for TensorBoard."""

    def __init__(self, detector, images, log_dir):
        super().__init__()
        self._images, self._originals = images, detector.preprocess(images).numpy()
        # Without XLA: once an epoch, it would take longer to compile than to run.
        self._reconstruct = tf.function(detector.reconstruct)
        self._writer = tf.summary.create_file_writer(str(log_dir / "reconstructions"))

    def on_epoch_end(self, epoch, logs=None):
        rebuilt = self._reconstruct(self._images).numpy()
        health.check_alive(rebuilt)
        with self._writer.as_default(step=epoch):
            grid = plots.image_grid(self._originals[:_PICTURED], rebuilt[:_PICTURED])
            tf.summary.image("originals above their reconstructions", grid[np.newaxis])
        self._writer.flush()

    def on_train_end(self, logs=None):
        health.check_not_constant(self._reconstruct(self._images).numpy(), self._originals)


def _summary(config, data, split, folder):
    anomalies = int(split.test_is_anomaly.sum())
    return (
        f"{config.dataset}: class {config.anomaly} ({data.class_names[config.anomaly]}) is the anomaly, the other "
        f"{len(data.class_names) - 1} classes are normal.\n"
        f"{len(split.train)} normal images train; {len(split.test)} images test, {anomalies} of them anomalies "
        f"(protocol {config.protocol}).\n"
        f"{config.detector}, {config.epochs} epochs, {'resumed' if folder.resumed else 'new'} in {folder.partial}."
    )


def _write_scores(path, split, result):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "is_anomaly", *result.scores])
        columns = [split.test, split.data.labels[split.test], result.is_anomaly.astype(int), *result.scores.values()]
        writer.writerows(zip(*(column.tolist() for column in columns)))


def _plot_reconstructions(detector, images, split, path):
    groups = {}
    for title, chosen in (("normal test images", ~split.test_is_anomaly), ("anomalies", split.test_is_anomaly)):
        some = tf.gather(images, split.test[chosen][:_PICTURED])
        groups[f"{title}, each above its reconstruction"] = (
            detector.preprocess(some).numpy(),
            detector.reconstruct(some).numpy(),
        )
    plots.reconstructions(groups, path)
