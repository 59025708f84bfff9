"""Tiles and maps with a region of interest, and what is made of its inside."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.evaluation.whole_map import whole_map
from tf_ssae.ops import region_of_interest
from tf_ssae.ops.region_of_interest import RegionOfInterest
from tf_ssae.ops.tiles import Layout, cut

# A ring, whose middle tile of three holds nothing of it; with straight ends.
RING = np.ones((40, 120), bool)
RING[4:36, 30:90] = False
RING[:, 50:70] = False


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, height, width, 3), np.uint8)


def cut_with(mask, images, size, **how):
    return cut(tf.constant(images), size, "tiles", region=tf.constant(mask), **how).numpy()


@pytest.mark.parametrize("size", [16, 40, 96])
@pytest.mark.parametrize("tile_size", [0, 20])
def test_nothing_outside_has_any_influence(size, tile_size):
    photo, other = noise(80, 240), noise(80, 240, seed=1)
    inside = RegionOfInterest.of(RING).scaled(80, 240)
    other[:, inside] = photo[:, inside]
    found, again = (cut_with(RING, image, size, tile_size=tile_size) for image in (photo, other))
    np.testing.assert_array_equal(found, again)
    marked = found.max(axis=-1) > 0
    # Inside no value is 0, though a tenth of a percent of them were.
    assert (found.min(axis=-1) > 0)[marked].all() and marked.any(axis=(2, 3)).all()
    assert 0 < marked.mean() < 1


def test_a_rectangle_is_a_crop():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 5:55] = True
    photo = noise(80, 120)
    np.testing.assert_array_equal(
        cut_with(mask, photo, 40)[0],
        np.maximum(cut(tf.constant(photo[:, 20:60, 10:110]), 40, "tiles")[0], 1),
    )


def test_tiles_that_hold_nothing_are_not_cut():
    photo = noise(40, 120)
    layout = Layout.of(40, 120, "tiles", region=RegionOfInterest.of(RING), size=40)
    found = cut_with(RING, photo, 40)
    assert layout.kept == (True, True, True) and found.shape[1] == 3
    np.testing.assert_array_equal(
        found[0, 0], np.where(RING[:, :40, np.newaxis], np.maximum(photo[0, :, :40], 1), 0)
    )
    # Of tiles of 20 pixels some lie in the hole.
    layout = Layout.of(40, 120, "tiles", 20, RegionOfInterest.of(RING), 16)
    found = cut_with(RING, photo, 16, tile_size=20)
    assert found.shape[1] == len(layout) < len(layout.kept)


def test_a_region_of_which_nothing_is_left_gives_no_tile():
    line = np.zeros((100, 100), bool)
    line[50] = True
    line[:, 50] = True
    assert cut_with(line, noise(400, 400), 16).shape == (1, 0, 16, 16, 3)


def test_a_whole_map_is_zero_outside_and_whole_inside():
    region = RegionOfInterest.of(RING)
    layout = Layout.of(80, 240, "tiles", 40, region, 16)
    found = whole_map(np.full([len(layout), 16, 16], 3.0), layout)
    inside = region.scaled(80, 240)
    assert not found[~inside].any()
    np.testing.assert_allclose(found[inside], 3, rtol=1e-5)


def test_the_outside_is_filled_with_the_mean_of_the_inside():
    tiles = noise(8, 8)
    tiles[:, :, 5:] = 0
    tiles[:, :, :5] = np.maximum(tiles[:, :, :5], 1)
    inside = region_of_interest.marked(tf.constant(tiles))
    np.testing.assert_array_equal(inside[0, ..., 0], np.tile(np.arange(8) < 5, (8, 1)))
    x = tf.constant(tiles / np.float32(255))
    found = region_of_interest.filled(x, inside).numpy()
    np.testing.assert_array_equal(found[:, :, :5], x[:, :, :5])
    mean = x.numpy()[0, :, :5].mean(axis=(0, 1))
    np.testing.assert_allclose(found[0, :, 5:], np.broadcast_to(mean, (8, 3, 3)), rtol=1e-5)


def test_at_its_edge_an_image_is_composed_of_both():
    inside = tf.reshape(tf.constant([1.0, 0.25, 0.0]), [1, 1, 3, 1])
    found = region_of_interest.composed(inside, tf.fill([1, 1, 3, 2], 8.0), tf.zeros([1, 1, 1, 2]))
    assert found[0, 0].numpy().tolist() == [[8.0, 8.0], [2.0, 2.0], [0.0, 0.0]]
