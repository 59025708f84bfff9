import itertools

import numpy as np
import pytest
from scipy import stats

from thesis import significance
from thesis.grids import Run


def test_a_constant_difference_has_an_interval_of_no_width():
    other = {(k, seed): 0.1 * k + 0.01 * seed for k in range(10) for seed in (0, 1, 2)}
    ours = {key: value + 0.05 for key, value in other.items()}
    found = significance.compare(ours, other)
    assert (
        found.difference == pytest.approx(0.05)
        and found.configurations == 10
        and found.verdict == "better"
    )
    assert found.low == pytest.approx(0.05, abs=1e-12) and found.high == pytest.approx(
        0.05, abs=1e-12
    )
    assert significance.compare(other, ours).verdict == "worse"


def test_draws_are_those_of_brute_force():
    """Three configurations have 27 equally likely samples."""
    values = np.array([0.0, 0.03, 0.3])
    exact = np.sort([np.mean(sample) for sample in itertools.product(values, repeat=3)])
    drawn = np.sort(significance.bootstrap_means(values, 270_000))
    shares = [np.mean(drawn <= limit + 1e-9) for limit in np.unique(exact.round(9))]
    expected = [np.mean(exact <= limit + 1e-9) for limit in np.unique(exact.round(9))]
    np.testing.assert_allclose(shares, expected, atol=0.005)


def test_the_interval_is_near_students():
    values = stats.norm.ppf(np.arange(0.05, 1, 0.1))
    found = significance.mean_with_interval({(k, 0): value for k, value in enumerate(values)})
    low, high = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
    assert found.low == pytest.approx(low, rel=0.1) and found.high == pytest.approx(high, rel=0.1)


@pytest.mark.parametrize("count", [5, 10])
def test_noise_is_rarely_a_difference(count):
    noise = np.random.default_rng(0).normal(size=(400, count))
    found = [
        significance.mean_with_interval({(k, 0): value for k, value in enumerate(values)})
        for values in noise
    ]
    assert 0 < np.mean([one.verdict != "undecided" for one in found]) < 0.1


def test_only_pairs_count():
    ours = {(0, 0): 0.9, (1, 0): 0.5, (2, 0): 0.5, (3, 0): 0.5}
    other = {(1, 0): 0.4, (2, 0): 0.3, (3, 0): 0.2, (4, 0): 0.9}
    found = significance.compare(ours, other)
    assert found.configurations == 3 and found.difference == pytest.approx(0.2)
    assert significance.compare(ours, {(0, 1): 0.5}) is None


def test_a_configuration_of_more_seeds_weighs_no_more():
    found = significance.mean_with_interval({(0, 0): 0.1, (0, 1): 0.3, (1, 0): 0.6})
    assert found.difference == pytest.approx(0.4) and found.configurations == 2
    assert found.low is None and found.verdict == "untested"


def test_the_same_values_give_the_same_interval():
    values = {(k, 0): float(np.sin(k)) for k in range(10)}
    assert significance.mean_with_interval(values) == significance.mean_with_interval(values)


def test_too_few_pairs_are_no_verdict(store):
    for anomaly in range(4):
        store.add(Run("mnist", anomaly, "ssae", 0), 0.6)
        store.add(Run("mnist", anomaly, "egbad", 0), 0.5)
    (of_ws, _) = significance.sentences(store.load())
    assert (
        of_ws == "MNIST, OURS A<sub>ws</sub>: too few configurations to compare with BIGAN (EGBAD)."
    )


def test_table(store):
    for k in range(6):
        store.add(
            Run("mnist", k, "ssae", 0),
            {"a_rec": 0.5, "a_cls": 0.5, "a_ws": 0.6 + 0.06 * k, "a_max": 0.4 + (k % 2) / 5},
        )
        store.add(Run("mnist", k, "ganomaly", 0), 0.5)
    rows = significance.markdown(store.load()).splitlines()
    assert (
        rows[0] == "| | MNIST, OURS A<sub>ws</sub> | MNIST, OURS A<sub>max</sub> |"
        and len(rows) == 3
    )
    assert (
        rows[2].startswith("| GANomaly | **+0.250** (+0.1")
        and "| +0.000 (-0.100, +0.100) |" in rows[2]
    )
    assert "OURS A_ws   against GANomaly  +0.250" in significance.text(store.load())
