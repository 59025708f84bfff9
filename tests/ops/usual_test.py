"""The usual score of an image's kind, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops.usual import Usual


def two_kinds(random, count=400):
    """Descriptors of two kinds of images far apart, and scores that differ by kind."""
    kind = np.arange(count) % 2
    descriptors = random.normal(size=(count, 6)) + 40 * kind[:, np.newaxis]
    return kind, descriptors, np.where(kind, 5.0, 1.0) + 0.1 * random.normal(size=count)


def test_each_kind_has_its_own_usual_score():
    random = np.random.default_rng(0)
    _, descriptors, scores = two_kinds(random)
    layer = Usual(6)
    assert np.isnan(layer(tf.zeros([1, 6]))).all()
    layer.fit(descriptors, scores)
    kind, others, _ = two_kinds(random, 20)
    found = layer(tf.constant(others, tf.float32)).numpy()
    np.testing.assert_allclose(found, np.where(kind, 5.0, 1.0), atol=0.1)


def test_one_kind_has_one_usual_score():
    random = np.random.default_rng(1)
    descriptors, scores = random.normal(size=(500, 4)), random.normal(size=500)
    layer = Usual(4)
    layer.fit(descriptors, scores)
    found = layer(tf.constant(random.normal(size=(50, 4)), tf.float32)).numpy()
    # Means of 100 scores of deviation 1 each.
    assert np.abs(found).max() < 0.5


def test_few_images_are_enough_and_many_are_no_more_than_the_first():
    random = np.random.default_rng(2)
    _, descriptors, scores = two_kinds(random, 10)
    few = Usual(6)
    few.fit(descriptors, scores)
    assert few(tf.constant(descriptors[:1], tf.float32)).numpy() == pytest.approx(1, abs=0.2)

    _, descriptors, scores = two_kinds(random, 2000)
    first, all_of_them = Usual(6), Usual(6)
    first.fit(descriptors[:500], scores[:500])
    all_of_them.fit(descriptors, scores)
    np.testing.assert_array_equal(first.known, all_of_them.known)
