"""What images differ by as a whole, from features made of known factors."""

import numpy as np
import tensorflow as tf

from tf_ssae.ops import factors
from tf_ssae.ops.factors import Factors


def made_of(random, known, size=1000):
    """Features that two known factors explain, but for a little noise."""
    mixing = random.normal(size=(2, size)) * [[2.0], [1.0]]
    return known @ mixing + 0.1 * random.normal(size=(len(known), size)) + 5, mixing


def test_they_are_the_directions_in_which_images_differ():
    random = np.random.default_rng(0)
    known = random.normal(size=(300, 2))
    features, mixing = made_of(random, known)
    layer = Factors(1000)
    assert np.isnan(layer(tf.zeros([1, 1000]))).all()
    layer.fit(features)
    found = layer(tf.constant(features, tf.float32)).numpy()
    assert found.shape == (300, factors.count(1000)) == (300, 5)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-2)
    np.testing.assert_allclose(found.std(axis=0), 1, rtol=1e-2)
    # The last two are the first principal components: they tell the known ones, up to a turn.
    left = known - found @ np.linalg.lstsq(found, known - known.mean(0), rcond=None)[0]
    assert (left - left.mean(0)).std() < 0.02


def test_few_images_tell_few_factors_and_too_few_none():
    random = np.random.default_rng(1)
    layer = Factors(1000)
    layer.fit(random.normal(size=(13, 1000)))
    found = layer(tf.constant(random.normal(size=(4, 1000)), tf.float32)).numpy()
    assert (found != 0).any(axis=0).sum() == 2
    layer.fit(random.normal(size=(5, 1000)))
    assert not layer(tf.ones([2, 1000])).numpy().any()


def test_few_features_have_none():
    assert factors.count(150) == 0 and factors.count(10_000) == 40
