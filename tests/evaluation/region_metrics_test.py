"""Regions compared with masks drawn by hand."""

import numpy as np
import pytest

from tf_ssae.evaluation.region_metrics import region_metrics


def square(top, left, side, value=True, dtype=bool):
    image = np.zeros([40, 40], dtype)
    image[top : top + side, left : left + side] = value
    return image


def test_a_defect_is_hit_by_one_region_that_overlaps_it_enough():
    # Two defects of 100 pixels: one region of 36 in the first, one of 9 in the second.
    mask = square(0, 0, 10) | square(20, 20, 10)
    found = square(2, 2, 6, 2.0, float) + square(25, 25, 3, 2.0, float)
    nothing, noise = np.zeros([40, 40], bool), np.zeros([40, 40])
    noise[::8, ::8] = 1.5
    metrics = region_metrics(
        [found, noise, np.zeros([40, 40])], [mask, nothing, nothing], np.array([0, 1, 2]), 1.0
    )
    assert metrics == {
        "defects": 2,
        "hit": 0.5,
        "touched": 1.0,
        "false_regions_per_normal_image": 25 / 2,
    }


def test_a_region_far_larger_than_the_defect_does_not_hit_it():
    metrics = region_metrics([np.ones([40, 40])], [square(5, 5, 10)], np.array([0]), 0.5)
    assert metrics["hit"] == 0 and metrics["touched"] == 1
    assert metrics["false_regions_per_normal_image"] is None


def test_the_tiles_of_a_normal_image_are_counted_together_and_those_of_a_bad_one_not_at_all():
    found = [square(0, 0, 4, 1.0, float)] * 4
    masks = [square(0, 0, 0), square(0, 0, 0), square(0, 0, 4), square(0, 0, 0)]
    metrics = region_metrics(found, masks, np.array([0, 0, 1, 1]), 0.5)
    assert metrics["false_regions_per_normal_image"] == 2 and metrics["hit"] == 1
    only_normal = region_metrics(found[:1], masks[:1], np.array([0]), 0.5)
    assert only_normal["hit"] is None and only_normal["defects"] == 0


def test_as_many_maps_as_masks_are_expected():
    with pytest.raises(ValueError, match="zip"):
        region_metrics([np.ones([4, 4])], [], np.array([0]), 0.5)
