"""What surrounds a pixel foretells it: in a pattern, but not at a mark in it."""

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from tf_ssae.ops import surroundings
from tf_ssae.ops.surroundings import Surroundings

_SIDE = 64


def woven(random, count, channels=1):
    """A strong regular pattern that begins anywhere, with a little noise."""
    phase = random.uniform(0, 2 * np.pi, size=(2, count, 1, 1))
    at = 2 * np.pi * np.arange(_SIDE) / 9.0
    pattern = np.sin(at[:, np.newaxis] + phase[0]) * np.sin(at + phase[1])
    noise = random.normal(size=(count, _SIDE, _SIDE, channels)) * 0.01
    return np.float32(np.clip(0.5 + 0.3 * pattern[..., np.newaxis] + noise, 0, 1))


@pytest.fixture(scope="module")
def layer():
    found = Surroundings(_SIDE, 1)
    found.fit([tf.constant(woven(np.random.default_rng(0), 60))])
    return found


def test_without_a_fit_it_says_nothing():
    assert np.isnan(Surroundings(_SIDE, 1)(tf.zeros([1, _SIDE, _SIDE, 1]))).all()


def test_a_mark_fainter_than_the_pattern_stands_out_where_it_is(layer):
    normal = woven(np.random.default_rng(1), 20)
    marked = normal.copy()
    marked[:, 20:23, 34:54] += 0.08
    found = (layer(marked) - layer(normal)).numpy()[..., 0]
    middle = found[:, 2, 5:6].min(axis=1)
    assert middle.min() > 0.5
    # Nothing changes farther away than pixels foretell.
    np.testing.assert_allclose(found[:, 6:], 0, atol=1e-3)


def test_the_pattern_itself_is_foretold(layer):
    contrast = np.log(np.std(np.log(woven(np.random.default_rng(2), 20) + 0.04)))
    assert (
        layer(woven(np.random.default_rng(3), 20)).numpy()[:, 2:-2, 2:-2, 0].max() < contrast - 1.5
    )


@pytest.mark.parametrize("size, octaves", [(32, 1), (64, 2), (288, 3), (512, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_there_is_a_row_of_features_per_cell(size, octaves, channels):
    random = np.random.default_rng(4)
    images = tf.constant(random.random((6, size, size, channels), np.float32))
    layer = Surroundings(size, channels)
    layer.fit([images])
    found = layer(images)
    assert found.shape == (6, size // 8, size // 8, surroundings.features(size, channels))
    assert surroundings.features(size, channels) == octaves * channels
    assert np.isfinite(found).all()


@pytest.mark.parametrize("width", [3, 9, 11, 17])
def test_blocks_of_pixels_convolve_as_pixels_do(width):
    random = np.random.default_rng(5)
    kernel, image = random.normal(size=(width, width, 2, 3)), random.normal(size=(1, 24, 24, 2))
    in_blocks = surroundings._in_blocks(kernel)
    assert len(in_blocks) == surroundings._blocks(width)
    border = len(in_blocks) - 1
    padded = np.pad(image, [(0, 0), (border, border), (border, border), (0, 0)], "reflect")
    found = tf.nn.depth_to_space(
        tf.nn.conv2d(tf.nn.space_to_depth(padded, 2), in_blocks, 1, "VALID"), 2
    )
    for out in range(3):
        expected = sum(
            scipy.ndimage.correlate(image[0, ..., c], kernel[..., c, out], mode="mirror")
            for c in range(2)
        )
        np.testing.assert_allclose(found[0, ..., out], expected, atol=1e-8)
