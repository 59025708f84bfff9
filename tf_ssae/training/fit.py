"""The training itself: batches in, epoch after epoch, from where an earlier process stopped."""

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tf_ssae.data import pipeline
from tf_ssae.data.split import Split
from tf_ssae.detectors.base import Detector
from tf_ssae.runs import trained_weights
from tf_ssae.training import checkpoints
from tf_ssae.training.held_out import HeldOut
from tf_ssae.training.replicated import Replicated
from tf_ssae.training.strategies import Strategy
from tf_ssae.training.watch import FiniteLosses, Reconstructions, TimeLeft

# From the detector, the Split and the folder being written to Keras callbacks.
Watch = Callable[[Detector, Split, pathlib.Path], list[keras.callbacks.Callback]]


def fit(
    detector: Detector,
    split: Split,
    steps: int,
    folder: pathlib.Path,
    watch: Watch | None,
    strategy: Strategy | None = None,
) -> tuple[dict[str, Any], list[dict[str, float]]]:
    """Trains from the last epoch saved in `folder`, if there is one, to the end.

    Args:
        steps: per epoch.
        watch: see `run.train`.
        strategy: the devices to train on, if several.

    Returns:
        What `Detector.check_trained` returns, empty for a detector that does not reconstruct; and
        the history, one dict per epoch.
    """
    state = checkpoints.Checkpoints(detector, folder)
    callbacks = watch(detector, split, folder) if watch else []
    if len(split.calibration) and detector.gives_losses():
        callbacks = [HeldOut(detector, split.calibration, steps), *callbacks]
    config, logs = detector.config, folder / "logs"
    watched = Reconstructions(detector, split.train, logs) if detector.reconstructs else None
    callbacks = [
        FiniteLosses(),
        *callbacks,
        keras.callbacks.TensorBoard(logs, write_graph=False),
        *([watched] if watched else []),
        TimeLeft(),
        # Last: an epoch counts as done when everything else of it is.
        state,
    ]
    # A progress bar redraws its line, which fills a log file with control characters.
    verbose = 1 if sys.stdout.isatty() else 2
    if strategy:
        Replicated(detector, strategy).fit(split, steps, state.first_epoch, callbacks, verbose)
    else:
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
            verbose=verbose,
            callbacks=callbacks,
        )
    # Before BatchNorm is folded into them: nothing can train what is folded.
    trained_weights.write(folder, detector)
    detector.finish_training()
    if watched is None:
        return {}, state.history
    health = detector.check_trained(watched.reconstruct(), watched.originals, state.history)
    return health, state.history
