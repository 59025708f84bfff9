"""Windows in deviations of what is usual at their place, by hand."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops.gaussian import Gaussian
from tf_ssae.ops.windows import Fit, Windows


def fitted(features, known, counts=None, batch=7):
    """A Windows fitted to features `[n, P, D]`, and the distances of its second pass."""
    _, places, size = features.shape
    windows = Windows(places, size, known.shape[1])
    fit, found = Fit(windows), []
    for step in (fit.add, fit.judge):
        for first in range(0, len(features), batch):
            chosen = slice(first, first + batch)
            given = None if counts is None else counts[chosen]
            found.append(step(first, features[chosen], known[chosen], given))
    fit.finish()
    return windows, np.concatenate([part for part in found if part is not None])


def test_each_image_is_judged_by_the_others():
    features = np.random.default_rng(0).normal(size=(60, 2, 3)).astype(np.float32)
    windows, found = fitted(features, np.zeros([60, 0], np.float32))
    for part in range(3):
        others = Gaussian(2, 3)
        others.fit([np.delete(features, np.s_[part::3], axis=0)])
        np.testing.assert_allclose(found[part::3], others(features[part::3]), atol=1e-3)
    np.testing.assert_allclose(windows.mean, found.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(windows.deviation, found.std(axis=0), rtol=1e-3)
    everyone = Gaussian(2, 3)
    everyone.fit([features])
    expected = (everyone(features) - found.mean(axis=0)) / found.std(axis=0)
    np.testing.assert_allclose(windows(features), expected, atol=1e-2)


def test_what_the_factors_explain_is_not_unusual():
    random = np.random.default_rng(1)
    slopes = random.normal(size=(2, 2, 4))

    def images(count):
        known = random.normal(size=(count, 2))
        explained = np.einsum("nk,kpd->npd", known, slopes)
        return np.float32(explained + 0.05 * random.normal(size=(count, 2, 4))), np.float32(known)

    features, known = images(300)
    windows, _ = fitted(features, known, batch=50)
    features, known = images(100)
    assert abs(windows(features, known).numpy().mean()) < 0.2
    # Far from the mean of all images, yet as its factors say; and near it, but not as they say.
    far = np.float32([[3.0, -3.0]])
    assert windows(np.einsum("nk,kpd->npd", far, slopes), far).numpy().max() < 2
    assert windows(np.zeros([1, 2, 4], np.float32), far).numpy().min() > 5


def test_where_normal_images_scatter_it_takes_more_to_be_unusual():
    random = np.random.default_rng(2)
    features = random.normal(size=(600, 2, 5)).astype(np.float32)
    # At the second place a few normal images lie far out.
    features[::20, 1] *= 6
    windows, _ = fitted(features, np.zeros([600, 0], np.float32), batch=100)
    steady, scattered = windows(np.full([1, 2, 5], 4.0, np.float32)).numpy()[0]
    assert steady > 1.4 * scattered
    assert windows.deviation[1] > 1.2 * windows.deviation[0]


def test_windows_that_do_not_count_change_nothing():
    random = np.random.default_rng(3)
    features = random.normal(size=(90, 2, 3)).astype(np.float32)
    counts = np.ones([90, 2], np.float32)
    counts[:30, 1] = 0
    spoilt = features.copy()
    spoilt[:30, 1] = 1e3
    none = np.zeros([90, 0], np.float32)
    windows, _ = fitted(spoilt, none, counts, batch=90)
    alone, _ = fitted(features[30:], none[30:], batch=60)
    np.testing.assert_allclose(windows.gaussian.centre[1], alone.gaussian.centre[1], atol=1e-2)
    assert windows.mean.numpy()[1] == pytest.approx(alone.mean.numpy()[1], abs=0.05)


def test_without_a_fit_it_says_nothing():
    assert np.isnan(Windows(2, 3, 1)(tf.zeros([1, 2, 3]), tf.zeros([1, 1]))).all()
