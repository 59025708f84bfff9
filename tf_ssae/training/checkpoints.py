"""The state of an unfinished run after each epoch, from which a killed run resumes. Keras' own
BackupAndRestore saves one optimizer; a GAN has two, and an average of weights.
"""

import csv
import pathlib
import time

import keras
import tensorflow as tf

from tf_ssae.detectors.base import Detector
from tf_ssae.system.files import replacing

FOLDER = "checkpoints"


class Checkpoints(keras.callbacks.Callback):
    """Saves all that the detector holds, and the history, after every epoch, and restores it.

    Attributes:
        first_epoch: the epoch to train next; 0 in a new run.
        history: one dict per epoch: `epoch` (from 1), `seconds`, and the means of what
            `train_step` reported and of what callbacks added, not of every epoch.
    """

    def __init__(self, detector: Detector, folder: pathlib.Path):
        """Restores the last epoch saved in `folder`, if there is one. Raises ValueError if it
        cannot be read.
        """
        super().__init__()
        self._epochs = tf.Variable(0, dtype=tf.int64)
        # Dropout and everything else random resumes where it stopped: the states of Keras' seed
        # generators are among the variables, though not tracked with the detector.
        variables = [variable.value for variable in detector.variables]
        checkpoint = tf.train.Checkpoint(
            detector=detector, variables=variables, epochs=self._epochs
        )
        self._manager = tf.train.CheckpointManager(checkpoint, str(folder / FOLDER), max_to_keep=1)
        self._history_file = folder / "history.csv"
        self.history = []
        if self._manager.latest_checkpoint:
            try:
                self._manager.checkpoint.restore(
                    self._manager.latest_checkpoint
                ).assert_existing_objects_matched()
                self.history = _read_history(self._history_file)[: self.first_epoch]
            except (tf.errors.OpError, AssertionError, IndexError, OSError, ValueError) as error:
                raise ValueError(
                    f"The checkpoint {self._manager.latest_checkpoint} cannot be resumed: {error}. "
                    f"Remove {folder} to train from the start."
                ) from error

    @property
    def first_epoch(self) -> int:
        return int(self._epochs.numpy())

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        seconds = time.perf_counter() - self._started
        self.history.append({"epoch": epoch + 1, "seconds": round(seconds, 3), **logs})
        # The history first: if the process dies between the two, the surplus row is cut off when
        # the run is resumed.
        _write_history(self._history_file, self.history)
        self._epochs.assign(epoch + 1)
        self._manager.save()


def _write_history(path: pathlib.Path, rows: list[dict]) -> None:
    with replacing(path) as temporary, open(temporary, "w", newline="") as file:
        # An earlier version's rows may lack a column.
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)


def _read_history(path: pathlib.Path) -> list[dict]:
    with open(path, newline="") as file:
        rows = [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]
    return [{**row, "epoch": int(row["epoch"])} for row in rows]
