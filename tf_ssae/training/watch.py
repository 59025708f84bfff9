"""Callbacks that watch a training, and stop one that cannot succeed."""

import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.data.split import Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.detectors.health import TrainingFailed
from tf_ssae.ops.graph import graph
from tf_ssae.report import png

_WATCHED = 256
_SHOWN = 12
_EVERY = 60.0  # seconds


class FiniteLosses(keras.callbacks.Callback):
    """Raises TrainingFailed after the first step with a loss that is not finite."""

    def on_train_batch_end(self, batch: int, logs: dict) -> None:
        broken = [name for name, value in logs.items() if not np.isfinite(value)]
        if broken:
            raise TrainingFailed(
                f"{', '.join(broken)} became NaN or infinite at step {batch + 1} of the epoch."
                " Lower --learning_rate or, if the detector has them, the weights --w_rec and"
                " --w_cls."
            )


class TimeLeft(keras.callbacks.Callback):
    """Says about once a minute how long a training of minutes will still take."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._began = time.perf_counter()
        self._spoke, self._done = self._began - _EVERY, 0

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        now, self._done = time.perf_counter(), self._done + 1
        left = (now - self._began) / self._done * (self.params["epochs"] - epoch - 1)
        if left >= _EVERY <= now - self._spoke:
            print(f"About {left / 60:.0f} min of training left.", flush=True)
            self._spoke = now


class Reconstructions(keras.callbacks.Callback):
    """Reconstructs some training images after each epoch: the detector checks whether it can still
    learn, and TensorBoard shows them.
    """

    def __init__(self, detector: Detector, train: Subset, log_dir: pathlib.Path):
        super().__init__()
        images = tf.constant(train.data.images[train.index[:_WATCHED]])
        self._detector, self.originals = detector, detector.preprocess(images).numpy()
        networks = graph(lambda: detector.networks(images)["reconstruction"])
        self.reconstruct = lambda: networks().numpy()
        self._writer = tf.summary.create_file_writer(str(log_dir / "reconstructions"))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        rebuilt = self.reconstruct()
        self._detector.check_epoch(rebuilt)
        with self._writer.as_default(step=epoch):
            grid = png.image_grid(self.originals[:_SHOWN], rebuilt[:_SHOWN])
            tf.summary.image("originals above their reconstructions", grid[np.newaxis])
        self._writer.flush()
