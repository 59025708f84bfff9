"""Learning curves: what a training reports, on held-out images beside those that train."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from tf_ssae.data import pipeline
from tf_ssae.data.split import Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.ops.graph import graph
from tf_ssae.report.content import HELD_OUT

# The sample: at most so many images, and pixels as the networks see them.
_IMAGES, _PIXELS = 256, 2**23
# It is measured in as many epochs as keep its images below this share of those that train. A step
# goes through the networks backwards too, so that this is a few percent of the time.
_SHARE = 0.1
# Part: accuracies by so much, losses by such a factor.
_APART, _TIMES = 0.05, 2.0


class HeldOut(keras.callbacks.Callback):
    """Adds to an epoch's logs, beside each value NAME, `val_NAME`: what `Detector.losses_of` gives
    for a sample of held-out images, prepared as those that train are, but with other random
    numbers. It does so after the first epoch, the last one, and those between that time allows.

    The training is the same without it, bit for bit: it draws from no stream of the training, and
    changes no weight.
    """

    def __init__(self, detector: Detector, held_out: Subset, steps: int):
        """`held_out`: at least one image. `steps`: per epoch."""
        super().__init__()
        config = detector.config
        batch, most = config.batch_size, min(_IMAGES, _PIXELS // config.image_size**2)
        count = max(1, min(most, len(held_out.index)) // batch)
        order = np.random.default_rng(config.seed).permutation(held_out.index)
        # Fewer than a batch are repeated.
        index = np.resize(order, [count, batch])
        total = steps * config.epochs
        # Numbers beyond those of all steps: random numbers that the training never draws.
        batches = pipeline.numbered_batches(held_out.data.images, index, first_step=total)
        self._batches = detector.prepare(batches, total).cache()
        self._every, self._epochs = int(np.ceil(count / (_SHARE * steps))), config.epochs
        self._losses = graph(lambda batch: detector.losses_of(batch, training=False))

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        if epoch and (self._epochs - 1 - epoch) % self._every:
            return
        found = [self._losses(batch) for batch in self._batches]
        for name in found[0]:
            logs[HELD_OUT + name] = float(np.mean([values[name] for values in found]))


def parting(history: Sequence[Mapping[str, float]]) -> str:
    """Where training and held-out images part in the last epoch, as a sentence; empty if nowhere,
    or if none was measured.

    `history`: one dict per epoch, with `val_NAME` beside NAME where `HeldOut` measured it.
    """
    last = history[-1] if history else {}
    apart = []
    for name in last:
        own, held_out = last[name], last.get(HELD_OUT + name)
        if held_out is None or name == "loss":
            continue
        if own - held_out > _APART if name.endswith("accuracy") else held_out > _TIMES * own:
            apart.append(f"{name} {own:.3g} and {held_out:.3g}")
    if not apart:
        return ""
    return (
        f"Training and held-out images part, at the end in {'; '.join(apart)}: what the networks"
        " learnt holds less for images that they never saw. The threshold is set on such."
    )
