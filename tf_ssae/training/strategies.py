"""The devices that one training runs on: those of this machine, or of several."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator

import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors import registry
from tf_ssae.ops.graph import graph
from tf_ssae.training import workers
from tf_ssae.training.workers import MIRRORED, MULTI_WORKER


@dataclasses.dataclass(frozen=True)
class Strategy:
    """Replicas that train together.

    Attributes:
        name: one of `workers.STRATEGIES`.
        distribution: TensorFlow's own.
        worker: the number of this machine; 0 is the chief's, which writes the run folder.
        workers: the number of machines.
    """

    name: str
    distribution: tf.distribute.Strategy
    worker: int = 0
    workers: int = 1

    @property
    def replicas(self) -> int:
        """On all machines together."""
        return self.distribution.num_replicas_in_sync

    @property
    def own(self) -> range:
        """The numbers of this machine's replicas."""
        each = self.replicas // self.workers
        return range(self.worker * each, (self.worker + 1) * each)

    @property
    def is_chief(self) -> bool:
        return self.worker == 0

    def described(self) -> dict[str, object]:
        """For `environment.json`."""
        return {"name": self.name, "replicas": self.replicas, "workers": self.workers}

    def in_words(self) -> str:
        """Such as "on 2 devices"."""
        devices = f"on {self.replicas} device{'s' if self.replicas > 1 else ''}"
        if self.workers == 1:
            return devices
        return f"{devices} of {self.workers} machines, here as worker {self.worker}"

    def of_chief(self, values: list[tf.Tensor]) -> list[tf.Tensor]:
        """The chief's values, on every machine; each has some of the same shapes and types."""
        if self.workers == 1:
            return values

        @graph
        def broadcast() -> list[tf.Tensor]:
            replica = tf.distribute.get_replica_context()
            sent = tf.equal(replica.replica_id_in_sync_group, 0)
            summed = []
            for value in values:
                # Of few types the sum over machines is known.
                wide = tf.cast(value, tf.float64 if value.dtype.is_floating else tf.int64)
                summed.append(replica.all_reduce("SUM", tf.where(sent, wide, tf.zeros_like(wide))))
            return summed

        found = self.distribution.run(broadcast)
        return [
            tf.cast(self.distribution.experimental_local_results(one)[0], value.dtype)
            for one, value in zip(found, values, strict=True)
        ]


def make(name: str) -> Strategy:
    """The strategy of this name, one of `workers.STRATEGIES`; of several machines, once all of
    them are there.

    Raises:
        ValueError: it does not exist, or TF_CONFIG does not name its machines.
        RuntimeError: several machines, where TensorFlow has computed something already.
        ConnectionError: this machine cannot take its place among them.
    """
    workers.require(name)
    if name == MULTI_WORKER:
        return _multi_worker()
    return _mirrored()


# One for all runs of a process: the exchanges of a second one would be taken for the first's.
@functools.cache
def _mirrored() -> Strategy:
    logical = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return Strategy(MIRRORED, tf.distribute.MirroredStrategy([device.name for device in logical]))


@functools.cache
def _multi_worker() -> Strategy:
    found = workers.of_environment()
    here = found.addresses[found.number]
    print(
        f"Worker {found.number} of {len(found.addresses)}, waiting for the others ...", flush=True
    )
    try:
        distribution = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise RuntimeError(
            f"strategy={MULTI_WORKER!r} has to come before anything that TensorFlow computes:"
            f" {error}"
        ) from error
    except tf.errors.OpError as error:
        raise ConnectionError(
            f"Worker {found.number} cannot take its place at {here}: {error.message}."
        ) from error
    return Strategy(MULTI_WORKER, distribution, found.number, len(found.addresses))


def require(config: Config, strategy: Strategy) -> None:
    """Raises ValueError for settings that cannot be trained in so many replicas."""
    registry.find(config.detector).check_replicas(config, strategy.replicas)


@contextlib.contextmanager
def together(strategy: Strategy | None) -> Iterator[None]:
    """Raises ConnectionError in place of what TensorFlow raises when another machine is gone."""
    try:
        yield
    except _GONE as error:
        if strategy is None or strategy.workers == 1:
            raise
        raise ConnectionError(
            f"Worker {strategy.worker} has lost another machine, and stops. Run the same command on"
            " every machine again: it resumes from the last finished epoch."
        ) from error


_GONE = (tf.errors.AbortedError, tf.errors.CancelledError, tf.errors.UnavailableError)
