"""Drift is worded by both causes, and tested on the good images alone where they are known."""

import dataclasses

import numpy as np
import pytest

from tf_ssae.calibration import Calibration
from tf_ssae.scoring.drift import drift
from tf_ssae.scoring.rows import Rows

RANDOM = np.random.default_rng(0)
CALIBRATION = Calibration.fit(
    {"a": RANDOM.normal(size=299)},
    0.01,
    deciding_score="a",
    parts=("a",),
    reason="",
    held_out=True,
    rotation_accuracy=None,
)
GOOD = RANDOM.normal(size=300)
MISSED = np.minimum(RANDOM.normal(1.2, 0.5, size=300), CALIBRATION.threshold)


def rows(kind_of):
    made = Rows(CALIBRATION, kind_of=kind_of)
    for name, scores in (("good", GOOD), ("hole", MISSED)):
        for i, score in enumerate(scores.tolist()):
            decision = "anomaly" if score > CALIBRATION.threshold else "normal"
            row = {"path": f"{name}/{i}", "a": score, "decision": decision}
            made.add({**row, "p_value": 0.5, "why": "", "error": ""})
    return made.summary()


def test_images_like_the_held_out_ones_do_not_drift():
    assert drift(CALIBRATION, GOOD, are_good=True) is None
    with_nothing = dataclasses.replace(CALIBRATION, held_out=False)
    assert drift(with_nothing, GOOD + 1, are_good=True) is None


@pytest.mark.parametrize(("are_good", "cause"), [(True, "train on some"), (False, "are missed")])
def test_both_causes_are_named_unless_the_images_are_known_to_be_good(are_good, cause):
    found = drift(CALIBRATION, GOOD + 1, are_good)
    assert cause in found.sentence and (" good images" in found.sentence) == are_good
    assert found.new.max() <= CALIBRATION.threshold >= found.held_out.max()


def test_missed_defects_are_no_drift_where_it_is_known_which_images_are_good():
    unknown = [text for text in rows(lambda path: None).warnings if "Drift" in text]
    assert len(unknown) == 1 and "defects that are missed" in unknown[0]
    assert not any("Drift" in text for text in rows(lambda path: path.split("/")[0]).warnings)
