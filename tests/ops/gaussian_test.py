"""Distances from normal distributions, by hand and beside scikit-learn."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.covariance import oas

from tf_ssae.ops.gaussian import Gaussian


def squared_distances(layer, features):
    return np.exp(layer(tf.constant(features, tf.float32)).numpy())


def test_it_is_the_mahalanobis_distance_at_each_place():
    random = np.random.default_rng(2)
    mixing = random.normal(size=(2, 3, 3))
    centres = np.array([[5.0, 0, 0], [0, -100, 3]])
    normal = random.normal(size=(20_000, 2, 1, 3)) @ mixing
    layer = Gaussian(2, 3)
    assert np.isnan(layer(tf.zeros([1, 2, 3]))).all()
    layer.fit(np.array_split(normal[:, :, 0] + centres, 7))
    away = (random.normal(size=(10, 2, 1, 3)) @ mixing)[:, :, 0]
    inverse = np.linalg.inv(np.swapaxes(mixing, 1, 2) @ mixing)
    expected = np.einsum("npi,pij,npj->np", away, inverse, away)
    found = squared_distances(layer, away + centres)
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.03)


def test_correlations_of_few_images_are_shrunk_as_by_scikit_learn():
    features = np.random.default_rng(3).normal(size=(20, 50)) + 8
    layer = Gaussian(1, 50)
    layer.fit([features[:13, np.newaxis], features[13:, np.newaxis]])
    inverse = np.linalg.inv(oas((features - features.mean(0)) / features.std(0))[0])
    standard = (features - layer.centre[0]) / features.std(0)
    expected = np.einsum("ni,ij,nj->n", standard, inverse, standard)
    found = squared_distances(layer, features[:, np.newaxis])[:, 0]
    np.testing.assert_allclose(found, expected, rtol=1e-2)


def test_features_that_never_change_are_no_error():
    features = np.random.default_rng(4).normal(size=(30, 1, 2))
    features[:, :, 0] = 7.0
    layer = Gaussian(1, 2)
    layer.fit([features])
    found = squared_distances(layer, np.array([[[7.0, 0.0]], [[8.0, 0.0]]]))
    assert np.isfinite(found).all() and found[1] > 1e3 * found[0]


def test_how_the_images_are_cut_into_batches_changes_nothing():
    features = np.random.default_rng(5).normal(size=(40, 3, 4))
    one, many = Gaussian(3, 4), Gaussian(3, 4)
    one.fit([features])
    many.fit(np.array_split(features, 9))
    assert squared_distances(one, features) == pytest.approx(squared_distances(many, features))
