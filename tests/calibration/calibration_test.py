"""A Calibration by hand, its round trip, and values that are not a calibration."""

import json

import numpy as np
import pytest

from tf_ssae.calibration import Calibration, Description

SCORES = {"a": np.array([3.0, 1.0, 2.0, 5.0, 4.0]), "b": np.array([0.5, 0.1, 0.2, 0.3, 0.4])}


def calibration(**changes):
    given = dict(
        deciding_score="a",
        parts=("a", "b"),
        reason="because",
        held_out=True,
        rotation_accuracy=None,
    )
    # A third of six: the second largest of five.
    return Calibration.fit(SCORES, 1 / 3, np.array([9.0, 7.0, 8.0, 6.0, 5.0]), **(given | changes))


def test_fitted_by_hand():
    fitted = calibration()
    assert fitted.images == 5 and fitted.threshold == 4.0 and fitted.map_scale == 8.0
    assert fitted.thresholds == {"a": 4.0, "b": 0.4}
    assert fitted.scores["a"].tolist() == [1, 2, 3, 4, 5]
    assert fitted.guarantee.expected_fpr == pytest.approx(1 / 3) and fitted.guarantee_holds


def test_decisions_by_hand():
    new = {"a": np.array([4.0, 4.5, 9.0]), "b": np.array([0.9, 0.1, 0.9])}
    fitted = calibration()
    assert fitted.is_anomaly(new).tolist() == [False, True, True]
    fired = {name: values.tolist() for name, values in fitted.fired(new).items()}
    assert fired == {"a": [False, True, True], "b": [True, False, True]}
    # As high are two of five, one, none; and the image itself: of six.
    np.testing.assert_allclose(fitted.p_values(new), [3 / 6, 2 / 6, 1 / 6])


def test_without_held_out_images_nothing_is_guaranteed():
    fitted = calibration(held_out=False)
    assert fitted.guarantee is None and not fitted.guarantee_holds
    assert fitted.p_values(SCORES) is None
    assert "guarantees nothing" in fitted.guarantee_in_words


def test_json_round_trip():
    fitted = calibration(rotation_accuracy=0.5)
    again = Calibration.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again.to_dict() == fitted.to_dict() and again.parts == ("a", "b")
    description = Description((8, 8, 1), "tiles", fitted, 32)
    again = Description.from_dict(json.loads(json.dumps(description.to_dict())))
    assert again.to_dict() == description.to_dict() and again.image_shape == (8, 8, 1)


def test_few_tiles_are_scored_at_once_where_the_networks_see_them_enlarged():
    assert Description((96, 96, 3), "tiles", calibration()).at_once == 256
    assert Description((96, 96, 3), "tiles", calibration(), 288).at_once == 12


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"thresholds": {"a": float("nan"), "b": 1.0}}, "threshold of a = nan"),
        ({"thresholds": {"a": 1.0}}, "expected all of the same scores"),
        ({"deciding_score": "c"}, "'c' .* decides; expected all of the same scores"),
        ({"scores": {"a": [2.0, 1.0], "b": [1.0]}}, "scores of a: expected .* ascending"),
        ({"scores": {"a": [1.0] * 6, "b": [1.0]}}, "scores of a: expected those of 5 images"),
        ({"scores": {"a": [], "b": [1.0]}}, "scores of a"),
        ({"scores": [1.0]}, "of a wrong type"),
        ({"thresholds": {"a": [], "b": 1.0}}, "thresholds = .*: expected a number"),
        ({"thresholds": {"a": True, "b": 1.0}}, "thresholds = .*: expected a number"),
        ({"target_fpr": 0}, "target_fpr=0: expected between 0 and 1"),
        ({"target_fpr": "1"}, "target_fpr = '1': expected a number"),
        ({"map_scale": 0.0}, "map_scale=0.0: expected a finite number above 0"),
        ({"images": None}, "images = None: expected a whole number"),
        ({"images": 2**70}, "images=1180591620717411303424: expected"),
        ({"parts": "ab"}, "parts = 'ab': expected text"),
        ({"scores": {"a": ["1"], "b": [1.0]}}, "scores of a: expected a list of numbers"),
        ({"colour": 1}, "A calibration holds .*found"),
    ],
)
def test_what_is_not_a_calibration_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        Calibration.from_dict(calibration().to_dict() | changes)
    with pytest.raises(ValueError, match="found None"):
        Calibration.from_dict(None)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"image_shape": [8, 9, 1]}, "expected \\[S, S, C\\]"),
        ({"image_shape": [8, 8, 2]}, "C = 1 or 3"),
        ({"image_shape": "888"}, "image_shape='888'"),
        ({"image_size": 0}, "image_size=0: expected a number of pixels"),
        ({"crop": "some"}, "crop='some': expected tiles or centre"),
    ],
)
def test_what_is_not_a_description_is_refused_by_name(changes, message):
    values = Description((8, 8, 1), "tiles", calibration()).to_dict()
    with pytest.raises(ValueError, match=message):
        Description.from_dict(values | changes)
    with pytest.raises(ValueError, match="it lacks calibration, crop"):
        Description.from_dict({"image_shape": [8, 8, 1]})
