"""The wavelets' responses, on waves and edges whose direction and length are known."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops import filter_bank


def wave(size, angle, length):
    y, x = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / length
    return (0.5 + 0.4 * np.cos(phase))[np.newaxis, :, :, np.newaxis].astype(np.float32)


@pytest.mark.parametrize("orientation", [0, 3, 6])
@pytest.mark.parametrize("scale", [0, 2])
def test_a_wave_answers_at_its_own_orientation_and_scale(orientation, scale):
    image = wave(128, np.pi * orientation / 8, 3.93 * 2**scale)
    inner = filter_bank.responses(image)[0, 4:-4, 4:-4, 1:]
    mean = np.mean(inner, axis=(0, 1)).reshape(filter_bank.scales(128), 8)
    assert np.unravel_index(mean.argmax(), mean.shape) == (scale, orientation)


@pytest.mark.parametrize("size", [32, 64, 96, 288, 512])
@pytest.mark.parametrize("channels", [1, 3])
def test_there_is_a_row_of_finite_features_per_cell(size, channels):
    image = np.random.default_rng(0).random((2, size, size, channels), np.float32)
    found = filter_bank.responses(image)
    cells = size // filter_bank.CELL
    assert found.shape == (2, cells, cells, filter_bank.features(size, channels))
    assert np.isfinite(found).all()
    # Every image alone: the second, by itself.
    np.testing.assert_allclose(filter_bank.responses(image[1:])[0], found[1], atol=1e-4)


def test_grey_in_three_channels_is_light_without_colour():
    grey = np.random.default_rng(1).random((1, 64, 64, 1), np.float32)
    light = filter_bank.responses(grey).numpy()[..., 1:].reshape(8, 8, -1, 8)
    three = filter_bank.responses(np.repeat(grey, 3, axis=3)).numpy()
    scales = three[..., 3:].reshape(8, 8, -1, 10)
    np.testing.assert_allclose(scales[..., :8], light, atol=1e-3)
    # Beside the floor and rounding, colours answer nothing.
    assert scales[..., 8:].max() < np.log(2e-3)


@pytest.mark.parametrize("cell", [4, 8])
def test_cells_are_averaged_over_the_first_pixel_of_every_block(cell):
    level = np.random.default_rng(3).random((2, 64, 64, 1), np.float32)
    magnitude = filter_bank._magnitude(level)
    found = filter_bank._averaged_at_every_second_pixel(level, cell)
    expected = filter_bank.averaged(magnitude[:, ::2, ::2], cell // 2)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # Which is nearly the mean of all pixels, for the roughest of images too.
    every = filter_bank.averaged(magnitude, cell)
    assert np.abs(found / every - 1)[:, 1:-1, 1:-1].mean() < 0.06


def test_only_the_cells_near_a_change_change():
    image = np.full([1, 128, 128, 1], 0.5, np.float32)
    changed = image.copy()
    changed[:, 64:66, 64:66] = 1.0
    difference = np.abs(filter_bank.responses(changed) - filter_bank.responses(image))[0, ..., 1:9]
    assert difference[7:9, 7:9].max() > 1 and difference[:5].max() < 0.01


def test_a_quarter_turn_moves_responses_on_by_half_of_the_orientations():
    image = np.random.default_rng(2).random((1, 64, 64, 1), np.float32)
    found = filter_bank.responses(image).numpy()[0, ..., 1:9]
    turned = filter_bank.responses(tf.image.rot90(image)).numpy()[0, ..., 1:9]
    back = np.rot90(turned, -1)
    # But for the pixel of a block that is looked at, which is another one.
    np.testing.assert_allclose(np.roll(back, 4, axis=-1), found, atol=0.15)


def test_plain_areas_answer_nothing_in_float16_too():
    wavelets = filter_bank._wavelets()
    np.testing.assert_array_equal(wavelets.astype(np.float16), wavelets)
    np.testing.assert_array_equal(wavelets.sum(axis=(0, 1), dtype=np.float64), 0)
