"""Notices a training that cannot succeed, and stops it with advice; and a GAN that collapsed, which
it says.
"""

from typing import Any

import numpy as np

# A decoder whose reconstructions differ between images by less than this share of what the images
# differ has learnt nothing.
_CONSTANT = 1e-3

# A generator that learnt anything is far above it.
_COLLAPSED = 0.1
# In nats. GANomaly, whose generator learns from the discriminator's features, trains well at some
# thousandths.
_WON = 1e-3
_EXPLODED = 10.0

_ADVICE = (
    "Use --output_activation=sigmoid, whose gradient cannot vanish everywhere, or another --seed,"
    " or a lower --learning_rate."
)


class TrainingFailed(RuntimeError):
    """The run cannot give a meaningful score; the message says what to change."""


def check_alive(reconstructions: np.ndarray) -> None:
    """Raises TrainingFailed if `[B, S, S, C]` reconstructions are zero throughout.

    A ReLU that is zero everywhere has no gradient, so it will stay so. (A constant image that is
    not zero is what every decoder starts with.)
    """
    if not reconstructions.any():
        raise TrainingFailed(f"The decoder died: it gives zero for every image. {_ADVICE}")


def check_not_constant(reconstructions: np.ndarray, images: np.ndarray) -> None:
    """Raises TrainingFailed if images `[B, S, S, C]` that differ are all reconstructed alike.

    The reconstruction score then says nothing of how well an image is reconstructed; a constant
    even looks good under trapezoid PR-AUC.
    """
    spread, expected = _spread(reconstructions), _spread(images)
    if spread < _CONSTANT * expected:
        raise TrainingFailed(
            "The decoder gives the same image for every image (standard deviation over images"
            f" {spread:.2g}, of the images themselves {expected:.2g}). If it was still improving,"
            f" train for more --epochs. Else: {_ADVICE}"
        )


def of_gan(reconstructions: np.ndarray, images: np.ndarray, history: list[dict]) -> dict[str, Any]:
    """How an adversarial training ended. A collapse is a result to be shown, not an error: it is
    said, and scored.

    Args:
        reconstructions, images: `[B, S, S, C]`, of training images.
        history: one dict per epoch, with `loss`, the generator's side, `l_d`, the discriminator's,
            and perhaps `restarted`, the share of steps after which the discriminator was begun
            anew.

    Returns:
        A dict of JSON values: `reconstruction_spread`, the standard deviation over images of their
        reconstructions, by that of the images; `reconstruction_explained`, the share of the images'
        variance that their reconstructions explain, 1 if they are the images, below 0 if the
        images' mean would be nearer; and `warnings`, sentences, none if all is well.
    """
    spread, losses, l_d = (
        _spread(reconstructions) / _spread(images),
        [row["loss"] for row in history],
        history[-1]["l_d"],
    )
    explained = 1 - np.mean(np.square(images - reconstructions)) / np.mean(np.var(images, axis=0))
    warnings = []
    if spread < _COLLAPSED:
        warnings.append(
            "The generator collapsed, or was hardly trained: its reconstructions hardly differ"
            f" between images (standard deviation {spread:.2g} times that of the images)."
        )
    # A collapsed generator's one image explains nothing either.
    elif explained < 0:
        warnings.append(
            "The encoder and the generator do not invert each other, or not yet: the"
            " reconstructions are farther from the images than the images' mean is (explained"
            f" variance {explained:.2g})."
        )
    if restarted := [str(epoch) for epoch, row in enumerate(history, 1) if row.get("restarted")]:
        warnings.append(
            f"The discriminator won, and was begun anew, in epoch {', '.join(restarted)}."
        )
    if l_d < _WON:
        warnings.append(
            f"The discriminator won: with a loss of {l_d:.2g} in the last epoch it is hardly ever"
            " fooled."
        )
    if losses[-1] > _EXPLODED * min(losses):
        warnings.append(
            f"The generator's loss exploded: {losses[-1]:.4g} in the last epoch, {min(losses):.4g}"
            " in its best."
        )
    return {
        "reconstruction_spread": spread,
        "reconstruction_explained": float(explained),
        "warnings": warnings,
    }


def _spread(images: np.ndarray) -> float:
    """The standard deviation over images `[B, S, S, C]`, averaged over their pixels."""
    return float(np.std(images, axis=0).mean())
