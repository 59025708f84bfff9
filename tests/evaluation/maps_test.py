"""Error maps by hand."""

import numpy as np
import pytest

from tf_ssae.evaluation import maps


def test_a_map_is_the_error_of_all_channels_smoothed():
    error = np.zeros([2, 32, 32, 3], np.float32)
    error[0, 16, 16] = 1
    found = maps.error_maps(error)
    assert found.shape == (2, 32, 32) and not found[1].any()
    # A normal distribution of standard deviation 1, a 32nd of the side: 3 / (2 pi) at its centre.
    assert found[0].sum() == pytest.approx(3, rel=1e-5)
    assert found[0, 16, 16] == found[0].max() == pytest.approx(0.4775, rel=1e-3)


def test_one_scale_makes_maps_comparable_and_keeps_their_order():
    error = np.random.default_rng(0).random([2, 16, 16, 1], np.float32)
    np.testing.assert_allclose(
        maps.scaled({"squared_error": error}, 0.25), 4 * maps.error_maps(error), rtol=1e-5
    )
    location = np.array([[[0.0, 0.5, 0.9, 0.99, 0.999, 1.0]]], np.float32)
    scaled = maps.scaled({"location": location, "squared_error": error}, 0.9)[0, 0]
    # -log10(1 - p): of p = 1 that of the float32 below it.
    np.testing.assert_allclose(scaled, [0, 0.301, 1, 2, 3, 7.22], atol=0.01)
    assert (np.diff(scaled) > 0).all()


def test_nothing_exceeds_a_scale_that_was_rounded_to_one():
    location = np.full([1, 2, 2], 1, np.float32)
    assert maps.scaled({"location": location}, 1.0).max() == 1


def test_the_border_that_images_were_padded_with_is_cut_off():
    padded = np.arange(64.0).reshape(1, 8, 8)
    np.testing.assert_array_equal(maps.without_border(padded, 6), padded[:, 1:7, 1:7])
    # Enlarged twice, then padded by one pixel.
    assert maps.without_border(padded, 3).shape == (1, 6, 6)
    assert maps.without_border(padded, 8).shape == (1, 8, 8)
