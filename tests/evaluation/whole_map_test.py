"""Maps of tiles put together to maps of images."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.calibration import Calibration, Description
from tf_ssae.evaluation.whole_map import of_outputs, whole_map
from tf_ssae.ops.tiles import Layout, cut

SHAPES = [(64, 64), (64, 80), (80, 64), (64, 128), (300, 64), (65, 64), (64, 1024)]


@pytest.mark.parametrize("height, width", SHAPES)
def test_maps_that_agree_give_the_map_that_they_were_cut_from(height, width):
    """A ramp, cut as images are, and put together again."""
    ramp = np.add.outer(np.linspace(0, 100, height), np.linspace(0, 155, width))
    layout = Layout.of(height, width, "tiles")
    tiles = cut(tf.constant(ramp.astype(np.uint8)[np.newaxis, ..., np.newaxis]), 64, "tiles")
    found = whole_map(tiles[0, ..., 0].numpy(), layout)
    assert found.shape == (height, width) and found.dtype == np.float32
    # Beyond its edge a tile's map goes on as it ends: a slope is a little flatter there.
    assert np.abs(found - np.floor(ramp)).max() < 12
    inside = whole_map(np.ones([len(layout), 16, 16]), layout)
    np.testing.assert_allclose(inside, 1, rtol=1e-5)


@pytest.mark.parametrize("height, width", SHAPES)
def test_no_seam_shows_where_neighbouring_tiles_disagree(height, width):
    layout = Layout.of(height, width, "tiles")
    levels = np.arange(len(layout)) % 2
    found = whole_map(levels[:, np.newaxis, np.newaxis] * np.ones([1, 32, 32]), layout)
    steps = [np.abs(np.diff(found, axis=axis)).max() for axis in (0, 1)]
    # The narrowest band in which one tile fades into the next is an eighth of a side.
    assert max(steps) <= 1 / 8 + 1e-5
    assert len(layout) == 1 or found.max() > 0.4


def test_the_whole_map_is_nowhere_larger_than_those_of_the_tiles():
    layout = Layout.of(90, 200, "tiles")
    tiles = np.random.default_rng(0).random([len(layout), 24, 24])
    found = whole_map(tiles, layout)
    assert found.max() <= tiles.max() + 1e-6 and found.min() >= tiles.min() - 1e-6


def test_what_no_tile_covers_is_nowhere_anomalous():
    found = whole_map(np.ones([1, 8, 8]), Layout.of(40, 100, "centre"))
    np.testing.assert_array_equal(found[:, 30:70], 1)
    assert not found[:, :30].any() and not found[:, 70:].any()


def test_a_grid_of_tiles_that_disagree_has_no_seams():
    layout = Layout.of(300, 200, "tiles", 64)
    checks = np.add.outer(np.arange(len(layout.tops)), np.arange(len(layout.lefts))).ravel() % 2
    found = whole_map(checks[:, np.newaxis, np.newaxis] * np.ones([1, 32, 32]), layout)
    assert max(np.abs(np.diff(found, axis=axis)).max() for axis in (0, 1)) <= 1 / 8 + 1e-5
    np.testing.assert_allclose(whole_map(np.ones([len(layout), 9, 9]), layout), 1, rtol=1e-5)


def test_maps_of_another_layout_are_refused():
    with pytest.raises(ValueError, match="2 maps for an image of 3 tiles"):
        whole_map(np.ones([2, 8, 8]), Layout.of(8, 20, "tiles"))


def test_the_map_of_a_detectors_outputs_is_scaled_and_of_the_images_size():
    calibration = Calibration.fit(
        {"score": np.arange(99.0)},
        0.01,
        map_peaks=np.full(99, 0.9),
        deciding_score="score",
        parts=("score",),
        reason="it is the only one.",
        held_out=True,
        rotation_accuracy=None,
    )
    description = Description((6, 6, 1), "tiles", calibration, 8)
    # The border of a pixel was padded.
    location = np.zeros([2, 8, 8])
    location[1, 1:-1, 1:-1] = 0.99
    found = of_outputs({"location": location}, description, (60, 120))
    assert found.shape == (60, 120)
    np.testing.assert_allclose(found[:, :50], 0, atol=1e-6)
    np.testing.assert_allclose(found[:, 70:], 2, rtol=1e-4)
