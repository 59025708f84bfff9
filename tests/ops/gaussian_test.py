"""Distances from normal distributions, by hand and beside scikit-learn."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.covariance import oas

from tf_ssae.ops.gaussian import Gaussian, Sums, distances


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


def test_given_factors_it_is_the_distance_from_what_they_foretell():
    random = np.random.default_rng(6)
    known, slopes = random.normal(size=(20_000, 2)), random.normal(size=(2, 3, 4)) * 5
    features = np.einsum("nk,kpd->npd", known, slopes) + random.normal(size=(20_000, 3, 4)) + 7
    sums = Sums.none(features[:10].mean(axis=0), 2)
    for chosen in np.array_split(np.arange(20_000), 9):
        sums.add(features[chosen], known[chosen])
    layer = Gaussian(3, 4, 2)
    layer.fit_to(sums)
    others = random.normal(size=(5, 2))
    away = random.normal(size=(5, 3, 4)) * 3
    at = np.einsum("nk,kpd->npd", others, slopes) + 7 + away
    found = layer(tf.constant(at, tf.float32), tf.constant(others, tf.float32))
    np.testing.assert_allclose(np.exp(found), np.square(away).sum(axis=2), rtol=0.1)
    np.testing.assert_allclose(distances(sums.fitted(), at, others), found, atol=1e-2)


def test_sums_of_parts_are_those_of_the_whole():
    features = np.random.default_rng(7).normal(size=(40, 3, 4))
    known = np.random.default_rng(8).normal(size=(40, 2))
    origin = features[:5].mean(axis=0)
    first, second, whole = (Sums.none(origin, 2) for _ in range(3))
    first.add(features[:15], known[:15])
    second.add(features[15:], known[15:])
    whole.add(features, known)
    for found, expected in zip((first + second).fitted(), whole.fitted()):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
