"""The common scale of scores, by hand and by its properties."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops.tails import TailLog


def fitted(scores):
    tail = TailLog()
    tail.fit(scores)
    return lambda values: tail(tf.constant(values, tf.float32)).numpy()


def test_it_is_minus_the_log_of_the_share_that_scores_as_high():
    normal = np.linspace(0, 1, 1001)
    tail = fitted(normal)
    # At the quantiles where the curve has a knot: a half is between two of them.
    for share in (0.9, 0.75, 0.35, 0.25, 0.1):
        assert tail([1 - share]) == pytest.approx(-np.log(share) + np.log(0.9), abs=1e-3)


def test_beyond_the_largest_it_continues_as_an_exponential_tail():
    normal = np.random.default_rng(0).exponential(size=100_000)
    tail = fitted(normal)
    # -log P(X > x) = x.
    found = tail([3.0, 5.0, 20.0]) - np.log(0.9)
    np.testing.assert_allclose(found, [3, 5, 20], rtol=0.03)


def test_it_never_falls_and_does_not_tie_beyond_the_lowest():
    normal = np.random.default_rng(1).normal(size=37)
    values = np.linspace(np.quantile(normal, 0.1) + 0.01, 50, 500)
    assert (np.diff(fitted(normal)(values)) > 0).all()
    assert (np.diff(fitted(np.repeat([1.0, 2.0], 20))(np.linspace(0, 9, 90))) >= 0).all()


def test_before_it_is_fitted_it_says_so():
    assert np.isnan(TailLog()(tf.constant([1.0]))).all()


@pytest.mark.parametrize("scores", [[1.0, 1.0, 1.0], [0.0, np.nan, 1.0]])
def test_scores_that_say_nothing_are_refused(scores):
    with pytest.raises(ValueError, match="expected finite ones that differ"):
        TailLog(name="a").fit(np.array(scores))
