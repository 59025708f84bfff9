"""Notices a training that cannot succeed, and stops it with advice."""

import keras
import numpy as np

# A decoder whose pictures differ between images by less than this share of what the images differ has learnt nothing.
_CONSTANT = 1e-3

_ADVICE = (
    "Use --output_activation=sigmoid, whose gradient cannot vanish everywhere, or another --seed, or a lower --learning_rate."
)


class TrainingFailed(RuntimeError):
    """The run cannot give a meaningful score; the message says what to change."""


class FiniteLosses(keras.callbacks.Callback):
    """Raises TrainingFailed after the first step with a loss that is not finite."""

    def on_train_batch_end(self, batch, logs=None):
        broken = [name for name, value in logs.items() if not np.isfinite(value)]
        if broken:
            raise TrainingFailed(
                f"{', '.join(broken)} became NaN or infinite at step {batch + 1} of the epoch. Lower --learning_rate, "
                "or the weights --w_rec and --w_cls."
            )


def check_alive(reconstructions):
    """Raises TrainingFailed if `[B, S, S, C]` reconstructions are zero throughout.

    A ReLU that is zero everywhere has no gradient, so it will stay so. (A constant picture that is not zero is what
    every decoder starts with.)
    """
    if not reconstructions.any():
        raise TrainingFailed(f"The decoder died: it gives zero for every image. {_ADVICE}")


def check_not_constant(reconstructions, images):
    """Raises TrainingFailed if images `[B, S, S, C]` that differ are all reconstructed alike.

    `a_rec` then says nothing of how well an image is reconstructed; a constant even looks good under trapezoid PR-AUC.
    """
    spread, expected = (float(np.std(pictures, axis=0).mean()) for pictures in (reconstructions, images))
    if spread < _CONSTANT * expected:
        raise TrainingFailed(
            f"The decoder gives the same picture for every image (standard deviation over images {spread:.2g}, of the "
            f"images themselves {expected:.2g}). If it was still improving, train for more --epochs. Else: {_ADVICE}"
        )
