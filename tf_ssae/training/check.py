"""Before a run on a folder of images: what is in it, what the threshold could guarantee, and how
long the run would take.
"""

import collections
import contextlib
import dataclasses
import io
import pathlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from tf_ssae.calibration import Guarantee
from tf_ssae.config import Config
from tf_ssae.data import folder as image_folder
from tf_ssae.data import protocols
from tf_ssae.data.decode import size_of
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Subset
from tf_ssae.system import scratch
from tf_ssae.system.disk import full_disk_is_an_os_error
from tf_ssae.training import run as training

# Steps are timed for this long, without the first ones, in which TensorFlow compiles them.
_SECONDS = 10.0
_WARM_UP = 3


@dataclasses.dataclass(frozen=True)
class Found:
    """What is in a folder of images.

    Attributes:
        image_shape: `(S, S, C)` of the tiles that images become.
        counts: `{class: (images to train on, images to test on)}`, before any are held out.
        sizes: `{(width, height): images}` in pixels, the most common first.
        tiles: the number of tiles that the images were cut into.
        left_out: `(name, reason)` of files that cannot be used.
        notes: sentences about how the folder was read.
        masks: `(anomalous images that have one, anomalous images)`; None if there are no masks.
    """

    image_shape: tuple[int, ...]
    counts: dict[str, tuple[int, int]]
    sizes: dict[tuple[int, int], int]
    tiles: int
    left_out: Sequence[tuple[str, str]]
    notes: Sequence[str]
    masks: tuple[int, int] | None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run would do with the images.

    Attributes:
        train, held_out, test, anomalies: the numbers of images to train on, held out for the
            threshold and to test on; and of anomalies among the latter.
        twins: the number of test images with a tile equal, pixel by pixel, to a training tile.
        guarantee: what the threshold would guarantee; None if no image is to be held out.
    """

    train: int
    held_out: int
    test: int
    anomalies: int
    twins: int
    guarantee: Guarantee | None


@dataclasses.dataclass(frozen=True)
class Estimate:
    """How long training would take on this machine.

    Attributes:
        seconds: for all epochs, without reading the images, calibration and scoring.
        epochs: of the training.
        steps: per epoch.
        timed: the number of steps that it was estimated from.
    """

    seconds: float
    epochs: int
    steps: int
    timed: int


@contextlib.contextmanager
def loaded(config: Config) -> Iterator[LabelledImages]:
    """The images of the folder `config.data_dir`, in a temporary file until the body ends.

    Raises:
        FileNotFoundError, ValueError: as `data.folder.load`.
        OSError: the temporary folder is full.
    """
    remedy = "Free some space, or name another folder in TMPDIR."
    with (
        full_disk_is_an_os_error(tempfile.gettempdir(), remedy),
        scratch.temporary() as temporary,
    ):
        yield image_folder.load(config, temporary / "images")


def look(config: Config, data: LabelledImages) -> Found:
    """What is in the folder that `data` was loaded from."""
    root = pathlib.Path(config.data_dir)
    sizes: collections.Counter[tuple[int, int]] = collections.Counter()
    for name in data.names or ():
        sizes[size_of((root / name).read_bytes())] += 1

    labels = data.labels[data.first_tiles]
    tests = np.zeros(len(labels), bool)
    if data.official_test is not None:
        tests = data.official_test[data.first_tiles]
    # Bad images test, whether or not the folder says which good ones do.
    tests = tests | (labels > 0)
    bad = Subset(data, np.flatnonzero(data.labels > 0), np.arange(len(data.class_names)) > 0)
    return Found(
        image_shape=data.image_shape,
        counts={
            name: (int(np.sum((labels == k) & ~tests)), int(np.sum((labels == k) & tests)))
            for k, name in enumerate(data.class_names)
        },
        sizes=dict(sizes.most_common()),
        tiles=len(data.images),
        left_out=data.left_out,
        notes=data.notes,
        masks=(len(data.masks), len(bad)) if data.masks else None,
    )


def plan(config: Config, data: LabelledImages) -> Plan:
    """What a run with these settings would do with the images.

    Raises:
        ValueError: there are too few to train, to hold out or to test.
    """
    split = protocols.split(data, config)
    held_out = len(split.calibration)
    return Plan(
        train=len(split.train),
        held_out=held_out,
        test=len(split.test),
        anomalies=int(split.test.is_anomaly.sum()),
        twins=split.duplicates(),
        guarantee=Guarantee.of(held_out, config.target_fpr) if held_out else None,
    )


def estimate(config: Config, data: LabelledImages) -> Estimate:
    """Starts the run in a temporary folder, as `train` would, and stops it after some seconds.

    Raises:
        ValueError: what `train` would raise before it trains.
        TrainingFailed: a loss has already become NaN.
    """
    stopwatch = _Stopwatch()
    with (
        scratch.temporary() as temporary,
        # The run's own lines would look as if this run were to be kept.
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.suppress(_Enough),
    ):
        training.train(config, temporary / "run", data, watch=lambda *_: [stopwatch])
    return stopwatch.estimate()


class _Enough(Exception):
    """Ends a training that is only timed."""


class _Stopwatch(keras.callbacks.Callback):
    """Times a training, step by step, and ends it before calibration."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._ends = [time.perf_counter()]

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._ends.append(time.perf_counter())
        if self._ends[-1] - self._ends[min(_WARM_UP, len(self._ends) - 1)] > _SECONDS:
            raise _Enough

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        raise _Enough

    def estimate(self) -> Estimate:
        """The Estimate from the steps that were timed."""
        steps, epochs = self.params["steps"], self.params["epochs"]
        seconds = _seconds(np.array(self._ends), steps, epochs)
        return Estimate(seconds, epochs, steps, timed=len(self._ends) - 1)


def _seconds(ends: np.ndarray, steps: int, epochs: int) -> float:
    """The duration of a training of `epochs` epochs of `steps` steps.

    Args:
        ends: seconds `[1 + N]`, when it began and when each of its first N steps ended.
    """
    # Whole epochs, if any were timed, include what is done between epochs. The first is left out:
    # it includes what is done once.
    epoch = np.diff(ends[steps::steps])
    if not len(epoch):
        step = np.diff(ends)
        epoch = steps * step[min(_WARM_UP, len(step) - 1) :]
    return float(ends[1] - ends[0] + epochs * np.median(epoch))
