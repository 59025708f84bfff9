"""Texture: unusual windows are found, on plain images as on patterned ones."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops import region_of_interest
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
    batches = data.batch(32).map(lambda x: (x,))
    layer.fit(batches, batches)
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


def test_a_region_of_everything_is_none(texture):
    images = photos(np.random.default_rng(3), 12)
    for found, expected in zip(texture(images, tf.ones_like(images)), texture(images)):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_places_are_compared_with_those_inside_a_region_alone():
    random = np.random.default_rng(4)
    inside = np.zeros([300, _SIDE, _SIDE, 1], np.float32)
    inside[:, :, :40] = 1
    # Some images have another region, and look otherwise there.
    inside[::10, :, :40], inside[::10, :, 40:] = 0, 1
    images = photos(random, 300)
    images[::10] = random.random([30, _SIDE, _SIDE, 1])
    filled = region_of_interest.filled(tf.constant(images), tf.constant(inside))
    layer = Texture(_SIDE, 1)
    batches = tf.data.Dataset.from_tensor_slices((filled, inside)).batch(50)
    layer.fit(batches, batches)
    normal, where = filled[1:9].numpy(), inside[1:9]
    marked = normal.copy()
    marked[:, 40:48, 8:16] += 0.3
    found, expected = layer(marked, where), layer(normal, where)
    assert all(np.isfinite(part).all() for part in (*found, *expected))
    assert (found[1] - expected[1]).numpy().min() > 0.5
    assert abs(expected[1].numpy()).max() < 2
