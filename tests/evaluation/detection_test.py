"""Defects found against false alarms, by hand-computed values."""

import numpy as np
import pytest

from tf_ssae.calibration.share import Share
from tf_ssae.evaluation import detection

# 100 normal images score 0 to 99; ten defects score 90.5, 91.5, ... 99.5.
TRUTH = np.arange(110) >= 100
SCORES = np.concatenate([np.arange(100.0), np.arange(90.5, 100)])


@pytest.mark.parametrize(
    ("rate", "found"), [(0.005, 1), (0.01, 2), (0.02, 3), (0.05, 6), (0.1, 10)]
)
def test_the_threshold_is_the_lowest_that_few_enough_normal_images_exceed(rate, found):
    at_rate = detection.found_at(TRUTH, SCORES, rate)
    assert (at_rate.count, at_rate.of) == (found, 10)
    assert at_rate.low <= at_rate.share <= at_rate.high


def test_a_threshold_set_on_few_images_makes_the_interval_wider_than_that_of_a_given_threshold():
    given = Share.among(SCORES[TRUTH] > 98)
    at_rate = detection.found_at(TRUTH, SCORES, 0.01)
    assert at_rate.count == given.count and at_rate.low <= given.low
    assert at_rate.high >= given.high
    assert at_rate == detection.found_at(TRUTH, SCORES, 0.01)


def test_scores_that_tie_with_the_threshold_are_not_above_it():
    assert detection.found_at(TRUTH, np.zeros(110), 0.1).count == 0


def test_another_score_finds_far_more_only_if_it_does_so_beyond_chance():
    scores = {"a": SCORES, "b": np.where(TRUTH, 100.0, SCORES)}
    assert detection.best_other(TRUTH, scores, "a") == "b"
    assert detection.best_other(TRUTH, {"a": SCORES}, "a") is None
    # At its threshold "a" raises one false alarm and finds two; "b" finds all ten.
    ours, theirs = detection.finds_far_more(TRUTH, scores, "a", "b", 98.0)
    assert (ours.count, theirs.count) == (2, 10)
    # Two more of ten may be chance; and what is worse, or equal, is no better.
    lucky = np.where(np.arange(110) < 102, SCORES, 100.0)
    two_more = np.where((np.arange(110) >= 104) & (np.arange(110) < 106), 100.0, SCORES)
    assert detection.finds_far_more(TRUTH, {"a": SCORES, "b": two_more}, "a", "b", 98.0) is None
    assert detection.finds_far_more(TRUTH, {"a": SCORES, "b": SCORES}, "a", "b", 98.0) is None
    assert detection.finds_far_more(TRUTH, {"b": SCORES, "a": lucky}, "a", "b", 98.0) is None
    # One false alarm at 999, where nothing is found; but also at 98, where all are.
    high = np.where(TRUTH, 500.0, np.where(SCORES == 99, 1000.0, SCORES))
    assert detection.finds_far_more(TRUTH, scores | {"a": high}, "a", "b", 999.0) is None


def test_kinds_are_counted_and_compared_with_all_normal_images():
    kinds = ["good"] * 100 + ["scratch"] * 5 + ["hole"] * 5
    hole, scratch = detection.by_kind(TRUTH, kinds, SCORES, 94.0)
    assert (hole.name, hole.found.count, hole.found.of) == ("hole", 5, 5)
    assert (scratch.name, scratch.found.count) == ("scratch", 1)
    # 90.5 is above 91 of 100 normal scores, and so on.
    assert scratch.auroc == pytest.approx(0.93) and hole.auroc == pytest.approx(0.98)
    only = detection.by_kind(np.ones(5, bool), ["a"] * 5, np.arange(5.0), 2.0)
    assert only[0].auroc is None and only[0].found.count == 2
