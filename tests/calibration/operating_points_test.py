"""Thresholds chosen with known defects, on scores whose table can be worked out by hand."""

import numpy as np
import pytest

from tf_ssae.calibration.operating_points import OperatingPoint, choose, points

NORMAL = np.array([1.0, 2.0, 3.0, 4.0, 8.0])
DEFECTS = np.array([3.5, 7.0, 9.0])


def test_the_table_goes_from_all_defects_found_to_none():
    found = [
        (p.threshold, p.false_alarms.count, p.detections.count) for p in points(NORMAL, DEFECTS)
    ]
    assert found == [(3.25, 2, 3), (5.5, 1, 2), (8.5, 0, 1), (9.0, 0, 0)]


def test_each_choice_does_what_its_name_says():
    def at(choice, **costs):
        point = OperatingPoint.at(choose(choice, NORMAL, DEFECTS, **costs), NORMAL, DEFECTS)
        return point.false_alarms.count, point.detections.count

    assert at("zero_miss") == (2, 3)
    assert at("zero_false_alarm") == (0, 1)
    # Costs of the four rows: 0.4 f, m/3 + 0.2 f, 2 m/3, m.
    assert at("min_cost", cost_miss=10.0) == (2, 3)
    assert at("min_cost", cost_miss=1.0, cost_false_alarm=1.9) == (0, 1)
    assert at("min_cost", cost_miss=1.0, cost_false_alarm=1.6) == (2, 3)


def test_defects_below_all_normal_images_are_found_too():
    threshold = choose("zero_miss", NORMAL, np.array([0.5]))
    assert threshold < 0.5 and not np.isclose(threshold, 0.5, atol=1e-5)
    assert choose("zero_miss", np.array([-2.0, -1.0]), np.array([-5.0])) < -5


def test_a_long_table_is_cut():
    assert len(points(NORMAL, np.linspace(0, 10, 500))) == 13


@pytest.mark.parametrize(
    "choice, costs, message",
    [
        ("none", {}, "expected one of zero_miss, zero_false_alarm, min_cost"),
        ("min_cost", {"cost_miss": 0.0}, "cost_miss=0.0.*expected more than 0"),
    ],
)
def test_what_cannot_be_chosen(choice, costs, message):
    with pytest.raises(ValueError, match=message):
        choose(choice, NORMAL, DEFECTS, **costs)
