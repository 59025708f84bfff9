"""One training on several devices, of this machine or of several: a copy of the detector on each,
which takes its share of every batch. A loop of our own, since Keras' `fit` does not support several
machines (keras#20585).
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_ssae.data import pipeline
from tf_ssae.data.split import Split
from tf_ssae.detectors import registry
from tf_ssae.detectors.base import Detector
from tf_ssae.ops.graph import as_written, graph
from tf_ssae.training.strategies import Strategy
from tf_ssae.training.watch import FiniteLosses


class Replicated:
    """Copies of a detector that train together, each on its share of a batch, as the detector alone
    would on the whole one: the same images, and the mean of their gradients.

    The detector itself, outside of the strategy, gets their weights after every epoch: whatever
    watches a training, stores it or goes on after it sees a detector like any other.
    """

    def __init__(self, detector: Detector, strategy: Strategy):
        self._detector, self._strategy = detector, strategy
        with strategy.distribution.scope():
            self._copies = registry.make(detector.config, detector.image_shape)
        self._step = graph(self._one_step)

    def fit(
        self,
        split: Split,
        steps: int,
        first_epoch: int,
        callbacks: Sequence[keras.callbacks.Callback],
        verbose: int,
    ) -> None:
        """Trains from the weights of the chief's detector, and its `first_epoch`, to the end, as
        `detector.fit` would.

        Raises:
            ValueError: this worker has other settings or images than the chief.
        """
        config, detector = self._detector.config, self._detector
        self._require_same(split)
        first_epoch = int(self._strategy.of_chief([tf.constant(first_epoch)])[0])
        values = self._strategy.of_chief([own.value() for own, _ in self._pairs()])
        for (_, copy), value in zip(self._pairs(), values, strict=True):
            copy.assign(value)
        batches = pipeline.training_batches(
            split.data.images, split.train.index, config, first_epoch
        )
        shares = self._shares(detector.prepare(batches, steps * config.epochs))
        called = keras.callbacks.CallbackList(
            callbacks,
            add_progbar=verbose > 0,
            model=detector,
            verbose=verbose,
            epochs=config.epochs,
            steps=steps,
        )
        called.on_train_begin()
        for epoch in range(first_epoch, config.epochs):
            called.on_epoch_begin(epoch)
            self._copies.reset_metrics()
            for step in range(steps):
                called.on_train_batch_begin(step)
                logs = {name: float(value) for name, value in self._step(next(shares)).items()}
                called.on_train_batch_end(step, logs)
            for own, copy in self._pairs():
                own.assign(copy.value())
            called.on_epoch_end(epoch, logs)
        called.on_train_end()

    def _one_step(self, share: Any) -> dict[str, tf.Tensor]:
        reports = self._strategy.distribution.run(self._copies.train_step, args=(share,))
        return {
            name: self._strategy.distribution.reduce("MEAN", value, axis=None)
            for name, value in reports.items()
        }

    def _shares(self, batches: tf.data.Dataset) -> Iterator[Any]:
        """The batches of `Detector.prepare`, each as the shares of this machine's replicas."""
        strategy = self._strategy

        def shared(*batch: Any) -> tuple[Any, ...]:
            whole = batch if isinstance(batches.element_spec, tuple) else batch[0]
            return tuple(
                self._detector.share(whole, number, strategy.replicas) for number in strategy.own
            )

        for shares in batches.map(as_written(shared)).prefetch(tf.data.AUTOTUNE):
            yield strategy.distribution.experimental_distribute_values_from_function(
                lambda replica, shares=shares: shares[
                    replica.replica_id_in_sync_group - strategy.own[0]
                ]
            )

    def _pairs(self) -> list[tuple[tf.Variable, tf.Variable]]:
        """Every variable of the detector, with its copies."""
        return list(zip(_state(self._detector), _state(self._copies), strict=True))

    def _require_same(self, split: Split) -> None:
        if self._strategy.workers == 1:
            return
        # Machines may hold the same files in other places.
        config = dataclasses.replace(
            self._detector.config, data_dir="", roi="", defects="", init_from=""
        )
        settings = json.dumps([config.to_dict(), split.fingerprint()])
        own = int.from_bytes(hashlib.sha256(settings.encode()).digest()[:7])
        if int(self._strategy.of_chief([tf.constant(own, tf.int64)])[0]) != own:
            raise ValueError(
                f"Worker {self._strategy.worker} has other settings or other images than worker 0,"
                " the chief: run the same command on the same images everywhere, with one"
                " --precision."
            )


def follow(detector: Detector, split: Split, steps: int, strategy: Strategy) -> None:
    """Trains along with the chief, from where it begins, and keeps nothing."""
    Replicated(detector, strategy).fit(split, steps, 0, [FiniteLosses()], verbose=0)


def _state(detector: Detector) -> list[tf.Variable]:
    """All variables that its training changes, always in the same order: what its checkpoints hold,
    without the running means of an epoch.
    """
    tracked = tf.train.TrackableView(detector).descendants()
    found = [_plain(variable) for variable in [*detector.variables, *tracked]]
    passing = {id(_plain(variable)) for metric in detector.metrics for variable in metric.variables}
    known: dict[int, tf.Variable] = {
        id(variable): variable
        for variable in found
        if isinstance(variable, tf.Variable) and id(variable) not in passing
    }
    return list(known.values())


def _plain(variable: Any) -> Any:
    """TensorFlow's variable of one of Keras; anything else as it is."""
    return variable.value if isinstance(variable, keras.Variable) else variable
