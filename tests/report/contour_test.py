import re

import numpy as np

from tf_ssae.report.contour import contour


def test_a_map_below_the_level_has_no_contour():
    assert contour(np.ones([3, 4])) == ""


def test_one_pixel_is_outlined_by_its_four_edges():
    anomaly_map = np.zeros([3, 4])
    anomaly_map[1, 2] = 2
    assert contour(anomaly_map) == "M2 1h1M2 2h1M2 1v1M3 1v1"
    assert contour(anomaly_map, level=2.0) == ""


def test_a_rectangle_at_the_border_is_four_lines_whatever_its_size():
    anomaly_map = np.zeros([50, 60])
    anomaly_map[:20, 30:] = 2
    assert contour(anomaly_map) == "M30 0h30M30 20h30M30 0v20M60 0v20"


def test_the_edges_are_those_between_pixels_above_and_others():
    above = np.random.default_rng(0).random([9, 7]) > 0.5
    lengths = [int(length) for length in re.findall(r"[hv](\d+)", contour(above * 2.0))]
    padded = np.pad(above, 1).astype(int)
    assert sum(lengths) == sum(int(np.abs(np.diff(padded, axis=axis)).sum()) for axis in (0, 1))
