"""Stops a training that cannot succeed, with advice; warns of a GAN that collapsed, and of a score
that no longer tells images apart.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

# A decoder has learnt nothing if its reconstructions differ between images by less than this, as a
# share of how much the images differ.
_CONSTANT = 1e-3

# The same share for a generator: one that learnt anything is far above it.
_COLLAPSED = 0.1
# In nats. GANomaly, whose generator learns from the discriminator's features, trains well at a few
# thousandths.
_WON = 1e-3
_EXPLODED = 10.0
# A score is saturated where the classifier is so sure of so large a share of the images.
_SURE, _MOST = 0.999, 0.9

_ADVICE = (
    "use --output_activation=sigmoid, whose gradient cannot vanish everywhere, or another --seed,"
    " or a lower --learning_rate."
)


class TrainingFailed(RuntimeError):
    """The run cannot give a meaningful score; the message says what to change."""


def check_alive(reconstructions: np.ndarray) -> None:
    """Raises TrainingFailed if reconstructions `[B, S, S, C]` are all zero.

    A ReLU that is zero everywhere has no gradient, so it will stay zero. (Every decoder starts with
    a constant image that is not zero.)
    """
    if not reconstructions.any():
        raise TrainingFailed(f"The decoder died: it gives zero for every image. Now {_ADVICE}")


def check_not_constant(reconstructions: np.ndarray, images: np.ndarray) -> None:
    """Raises TrainingFailed if images `[B, S, S, C]` that differ have all the same reconstruction.

    The reconstruction score then does not measure how well an image is reconstructed; a constant
    score even looks good under trapezoid PR-AUC.
    """
    spread, expected = _spread(reconstructions), _spread(images)
    if spread < _CONSTANT * expected:
        raise TrainingFailed(
            "The decoder gives the same reconstruction for every image (standard deviation over"
            f" images {spread:.2g}; over the images themselves, {expected:.2g}). If it was still"
            f" improving, train for more --epochs. Otherwise: {_ADVICE}"
        )


def of_gan(reconstructions: np.ndarray, images: np.ndarray, history: list[dict]) -> dict[str, Any]:
    """How an adversarial training ended. A collapse is a result to be shown, with a warning, and
    scored; it is not an error.

    Args:
        reconstructions, images: `[B, S, S, C]`, of training images.
        history: one dict per epoch, with `loss`, of the generator's side; `l_d`, of the
            discriminator; and perhaps `restarted`, the share of steps after which the discriminator
            was restarted.

    Returns:
        A dict of JSON values: `reconstruction_spread`, the standard deviation over images of their
        reconstructions, divided by that of the images; `reconstruction_explained`, the share of the
        images' variance that their reconstructions explain, 1 if they are equal, below 0 if the
        images' mean would be closer; and `warnings`, sentences, none if all is well.
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
            "The generator collapsed, or was trained too little: its reconstructions hardly differ"
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
            f"The discriminator won, and was restarted, in epoch {', '.join(restarted)}."
        )
    if l_d < _WON:
        warnings.append(
            f"The discriminator won: with a loss of {l_d:.2g} in the last epoch it is hardly ever"
            " fooled."
        )
    if losses[-1] > _EXPLODED * min(losses):
        warnings.append(
            f"The generator's loss exploded: {losses[-1]:.4g} in the last epoch, {min(losses):.4g}"
            " in its best epoch."
        )
    return {
        "reconstruction_spread": spread,
        "reconstruction_explained": float(explained),
        "warnings": warnings,
    }


def _spread(images: np.ndarray) -> float:
    """The standard deviation over images `[B, S, S, C]`, averaged over their pixels."""
    return float(np.std(images, axis=0).mean())


def saturated(scores: Mapping[str, np.ndarray], images: str) -> str:
    """Where `a_cls` of normal images no longer tells them apart, as a sentence; else empty.

    Args:
        scores: `{score name: [n]}`, of these images.
        images: what they are, such as "held-out".
    """
    share = float(np.mean(scores["a_cls"] < -_SURE)) if "a_cls" in scores else 0.0
    if share < _MOST:
        return ""
    return (
        f"a_cls is saturated: of {share:.0%} of the {images} images the classifier is more than"
        f" {_SURE:.1%} sure how they were rotated. Among them the score hardly differs, and what"
        " normalises it magnifies that little."
    )
