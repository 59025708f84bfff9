"""Which score decides and why, and what is fitted to which images, on a made-up detector."""

import types

import numpy as np
import pytest

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Subset
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.detectors.ssae import SSAE
from tf_ssae.evaluation.predictions import TileOutputs
from tf_ssae.training.calibrate import of_outputs

USABLE, USELESS = [[True, True, False, False]] * 4, [[True, False, False, False]] * 4


def fitted(correct, decision="auto", names=("a_rec", "a_cls", "a_ws", "a_max"), held_out=True):
    """The Calibration of a detector that says 1, 2, 3, 4 of four tiles of three images."""
    detector = types.SimpleNamespace(
        config=types.SimpleNamespace(
            decision=decision, target_fpr=0.5, review_fpr=None, precision="float32"
        ),
        score_names=names,
        parts=SSAE.parts,
        deciding_score=lambda accuracy: (
            names[0] if len(names) == 1 else SSAE.deciding_score(None, accuracy)
        ),
        combine=lambda outputs: {name: outputs["a"] for name in names},
    )
    tiles = np.zeros([4, 8, 8, 1], np.uint8)
    data = LabelledImages(tiles, np.zeros(4, int), ("good",), source=np.array([0, 1, 1, 2]))
    subset = Subset(data, np.arange(4), np.array([False]))
    correct = None if correct is None else np.array(correct)
    outputs = TileOutputs(
        {"a": np.array([1.0, 3.0, 2.0, 4.0])}, correct, np.array([9.0, 1.0, 7.0, 8.0])
    )
    return of_outputs(detector, outputs, subset, held_out)


def test_an_image_counts_once_as_its_most_anomalous_tile():
    found = fitted(USABLE)
    # Half of four images: the second largest of 1, 3, 4; of the peaks 9, 7, 8.
    assert found.images == 3 and found.thresholds["a_rec"] == 3 and found.map_scale == 8


def test_rotation_that_is_not_a_usable_task_leaves_the_decision_to_the_reconstruction():
    found = fitted(USABLE)
    assert found.deciding_score == "a_ws" and found.parts == ("a_rec", "a_cls")
    assert found.reason == (
        "a_ws decides: rotation accuracy on held-out normal images is 50% (chance: 25%), so "
        "rotation is a usable task."
    )
    found = fitted(USELESS)
    assert found.deciding_score == "a_rec" and found.parts == ("a_rec",)
    assert found.reason == (
        "a_rec decides: rotation accuracy on held-out normal images is 25% (chance: 25%), so they "
        "look too much the same from four sides for a score of rotation."
    )


def test_a_set_decision_stands():
    found = fitted(USELESS, decision="a_max")
    assert found.deciding_score == "a_max"
    assert found.reason.startswith("a_max decides, as set by --decision: rotation accuracy on ")
    assert fitted(USELESS, names=("a_cls",)).deciding_score == "a_cls"
    only = fitted(None, names=("a_rec",)).reason
    assert only == "a_rec decides: it is the detector's only score."
    with pytest.raises(
        ValueError, match="decision='a_ws': expected auto, or .*autoencoder has: a_rec"
    ):
        registry.make(preset("digits", detector="autoencoder", decision="a_ws"), (8, 8, 1))


def test_training_images_are_called_that():
    assert "on training images is 50%" in fitted(USABLE, held_out=False).reason
