"""What a report cannot show is refused where it is put together, with its name."""

import dataclasses

import numpy as np
import pytest

from tf_ssae import report

TRUTH = np.array([False, False, False, True, True])
SCORES = np.array([0.1, 0.2, 0.5, 0.9, 0.6])
REPORT = report.Report(
    title="",
    facts=(),
    warnings=(),
    decision_score="a_ws",
    thresholds={"a_ws": 0.5},
    held_out_scores={"a_ws": SCORES},
    scores={"a_rec": SCORES, "a_ws": SCORES},
    is_anomaly=TRUTH,
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decision_score": "a_cls"}, "'a_cls', has no scores or no threshold"),
        ({"thresholds": {}}, "'a_ws', has no scores or no threshold"),
        (
            {"scores": {"a_ws": SCORES, "a_rec": SCORES[1:]}},
            r"a_rec: scores of shape \[4\]; expected \[5\]",
        ),
        (
            {"scores": {"a_ws": np.where(TRUTH, np.nan, SCORES)}},
            "a_ws: 2 of 5 scores are NaN or infinite",
        ),
        (
            {"held_out_scores": {"a_rec": np.array([1.0, np.inf])}},
            "a_rec: 1 of 2 scores are NaN or infinite",
        ),
        ({"is_anomaly": TRUTH[1:]}, r"is_anomaly: shape \[4\]; expected \[5\]"),
        ({"kinds": ("good",) * 4}, "kinds: 4; expected 5"),
        ({"is_anomaly": TRUTH.astype(int)}, "is_anomaly: int64; expected bool"),
    ],
)
def test_report_that_cannot_be_drawn(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(REPORT, **change)


def test_error_map_of_another_size_than_its_tile():
    with pytest.raises(ValueError, match=r"b.png.*\[4, 4\].*\[8, 8\]"):
        report.Card(
            "b.png", "", {}, "normal", np.zeros([8, 8, 1], np.uint8), error_map=np.zeros([4, 4])
        )


def test_deciding_score_comes_first_and_the_others_keep_their_order():
    ordered = REPORT.decision_first({"a_rec": 1, "a_cls": 2, "a_ws": 3, "a_max": 4})
    assert list(ordered.items()) == [("a_ws", 3), ("a_rec", 1), ("a_cls", 2), ("a_max", 4)]
