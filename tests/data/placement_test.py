"""Parts that lie a little otherwise: how far, and what a region of interest makes of it."""

import numpy as np
import tensorflow as tf

from tf_ssae.data import placement

_SIDE, _COUNT = 64, 400


def spots():
    """Images `[400, 64, 64, 1]` with a spot in the middle and one half way to the right."""
    y, x = np.mgrid[:_SIDE, :_SIDE]
    found = sum(np.exp(-((y - 31.5) ** 2 + (x - at) ** 2) / 18) for at in (31.5, 47.5))
    return tf.constant(np.tile(found[np.newaxis, ..., np.newaxis], [_COUNT, 1, 1, 1]), tf.float32)


def middles(images, columns):
    """Where the brightness between two columns has its middle: `[B, 2]`, y and x."""
    part = images.numpy()[..., 0].copy()
    part[:, :, : columns[0]] = part[:, :, columns[1] :] = 0
    y, x = np.mgrid[:_SIDE, :_SIDE]
    weight = part / part.sum(axis=(1, 2), keepdims=True)
    return np.stack([(weight * y).sum((1, 2)), (weight * x).sum((1, 2))], 1)


def test_parts_shift_turn_and_grow_by_a_little():
    (found,) = placement.moved(spots(), tf.constant([0, 1]))
    assert found.shape == (_COUNT, _SIDE, _SIDE, 1)
    first, second = middles(found, (0, 40)), middles(found, (40, 64))
    shift = first - 31.5
    np.testing.assert_allclose(shift.mean(axis=0), 0, atol=0.15)
    np.testing.assert_allclose(shift.std(axis=0), 0.012 * _SIDE, rtol=0.15)
    away = second - first
    np.testing.assert_allclose(np.degrees(np.arctan2(*away.T)).std(), 1.0, rtol=0.25)
    np.testing.assert_allclose(np.hypot(*away.T).std() / 16, 0.015, rtol=0.3)


def test_the_same_seed_moves_in_the_same_way():
    images = spots()[:4]
    one, same, other = (placement.moved(images, tf.constant([0, s]))[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.1


def test_a_region_of_interest_stays_and_nothing_comes_in_from_outside():
    images = spots()
    inside = np.zeros(images.shape, np.float32)
    inside[:, 16:48, 16:48] = 1
    # What was blanked is as bright as can be.
    blanked = tf.where(inside > 0, 0.25 * images, 1.0)
    found, left = placement.moved(blanked, tf.constant([0, 3]), tf.constant(inside))
    assert set(np.unique(left)) == {0, 1}
    assert (left.numpy() <= inside).all() and 0.8 < left.numpy().sum() / inside.sum() < 1
    assert found.numpy().max() < 0.3
