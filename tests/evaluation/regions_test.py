"""Regions of maps drawn by hand."""

import numpy as np
import pytest

from tf_ssae.evaluation.regions import Region, numbered, regions


def test_regions_are_the_connected_areas_above_the_level_the_highest_first():
    found = np.zeros([10, 20], np.float32)
    found[1:3, 2:6] = 1.5
    found[5, 10], found[6, 11] = 2.5, 1.25  # they touch at a corner
    found[9, 19] = 1.0  # at the level, not above it
    assert regions(found) == [
        Region(box=(10, 5, 2, 2), area=2, peak=2.5, centre=(11.0, 6.0)),
        Region(box=(2, 1, 4, 2), area=8, peak=1.5, centre=(4.0, 2.0)),
    ]
    assert [region.area for region in regions(found, level=2)] == [1]
    assert regions(found, level=3) == []


def test_regions_within_one_anothers_boxes_are_kept_apart():
    found = np.zeros([7, 7])
    found[0], found[:, 0] = 2, 2
    found[3:5, 3:5] = 4
    inner, outer = regions(found)
    assert (inner.box, inner.area, inner.peak) == ((3, 3, 2, 2), 4, 4)
    assert (outer.box, outer.area, outer.peak) == ((0, 0, 7, 7), 13, 2)


def test_a_strong_region_reaches_as_far_as_half_its_peak():
    found = np.zeros([1, 12])
    found[0] = [0, 1.5, 3.9, 4, 8, 5, 4, 3, 4.5, 2, 1.2, 0]
    (region,) = regions(found)
    # Not beyond the dip to 3, though 4.5 lies there; the whole of it is one area above 1.
    assert region == Region(box=(3, 0, 4, 1), area=4, peak=8, centre=(5.0, 0.5))
    labels, count = numbered(found)
    assert count == 1 and np.flatnonzero(labels).tolist() == [3, 4, 5, 6]
    # A weak one is all of what is above the level.
    assert [region.box for region in regions(found / 4)] == [(4, 0, 2, 1), (8, 0, 1, 1)]


def test_a_map_of_another_size_is_brought_to_that_of_the_photo():
    found = np.zeros([16, 16])
    found[4:8, 8:12] = 2
    (region,) = regions(found, size=(480, 320))
    x, y, width, height = region.box
    assert np.abs(np.subtract((x, y, width, height), (160, 120, 80, 120))).max() <= 2
    assert region.centre == (pytest.approx(200, abs=1), pytest.approx(180, abs=1))
