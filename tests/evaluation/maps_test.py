"""Error maps and their scale by hand."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.evaluation import maps


def test_a_map_is_the_error_of_all_channels_smoothed():
    error = np.zeros([2, 32, 32, 3], np.float32)
    error[0, 16, 16] = 1
    found = maps.error_maps(error)
    assert found.shape == (2, 32, 32) and not found[1].any()
    # A normal distribution of standard deviation 1, a 32nd of the side: 3 / (2 pi) at its centre.
    assert found[0].sum() == pytest.approx(3, rel=1e-5)
    assert found[0, 16, 16] == found[0].max() == pytest.approx(0.4775, rel=1e-3)


@pytest.mark.parametrize(
    "pictures, rank, expected",
    [([0, 1, 2, 3], 3, 0.04), ([0, 0, 1, 1], 1, 0.16), ([0, 0, 1, 1], 2, 0.09)],
)
def test_the_scale_is_the_rank_th_largest_peak_of_a_picture(pictures, rank, expected):
    detector = types.SimpleNamespace(map_scale=tf.Variable(np.nan))
    maps.fit_scale(detector, np.array([0.09, 0.01, 0.16, 0.04]), np.array(pictures), rank)
    assert float(detector.map_scale) == pytest.approx(expected, rel=1e-5)
