"""Texture: unusual windows are found, on plain images as on patterned ones."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops.texture import Texture

_SIDE = 64


def photos(random, count):
    """Plain photos and noisy ones, in turns: `[count, 64, 64, 1]`."""
    noise = random.normal(size=(count, _SIDE, _SIDE, 1)) * 0.01
    noise[1::2] *= 8
    return np.float32(np.clip(0.5 + noise, 0, 1))


@pytest.fixture(scope="module")
def texture():
    layer = Texture(_SIDE, 1)
    data = tf.data.Dataset.from_tensor_slices(photos(np.random.default_rng(0), 600))
    layer.fit(data.batch(32))
    return layer


def test_without_a_fit_it_says_nothing():
    image, windows, each = Texture(_SIDE, 1)(tf.zeros([2, _SIDE, _SIDE, 1]))
    assert np.isnan(image).all() and np.isnan(windows).all() and np.isnan(each).all()


def test_windows_are_compared_with_those_of_photos_of_the_same_kind(texture):
    normal = photos(np.random.default_rng(1), 40)
    _, windows, _ = texture(normal)
    plain, noisy = windows.numpy()[::2], windows.numpy()[1::2]
    assert abs(np.median(plain) - np.median(noisy)) < 0.3
    # A mark on a plain photo is fainter than the noise of a noisy one.
    marked = normal[::2].copy()
    marked[:, 40:48, 8:16] += 0.06
    _, windows, each = texture(marked)
    assert (windows.numpy() > max(plain.max(), noisy.max())).mean() > 0.9
    # Windows of 32 pixels, 16 apart; the mark is in the lower left.
    places = each.numpy().reshape(len(marked), -1).argmax(axis=1)
    assert each.shape[1:] == (3, 3)
    assert np.isin(places, [3, 6]).mean() > 0.9


def test_another_texture_all_over_is_far_from_normal(texture):
    normal = photos(np.random.default_rng(2), 40)
    stripes = normal + 0.05 * np.float32(np.sin(np.arange(_SIDE)))[:, np.newaxis]
    assert texture(stripes)[0].numpy().min() > texture(normal)[0].numpy().max()
