"""Thresholds and guarantees by hand, and that they hold on fresh draws."""

import numpy as np
import pytest

from tf_ssae.calibration import Guarantee, conformal


def test_threshold_by_hand():
    scores = np.arange(1, 100) / 100  # 99 of them
    assert conformal.rank(99, 0.01) == 1 and conformal.threshold(scores, 0.01) == 0.99
    assert conformal.rank(99, 0.07) == 7 and conformal.threshold(scores, 0.07) == pytest.approx(
        0.93
    )
    assert conformal.rank(99, 0.29) == 29


@pytest.mark.parametrize(
    "images, target_fpr, expected",
    [
        (125, 0.01, 99),
        (199, 0.01, 199),
        (242, 0.01, 199),
        (303, 0.01, 299),
        (20, 0.07, 14),  # at the largest of 14 the chance is 1 / 15
        (98, 0.01, 98),  # too few for 1% however many are left out
        (0, 0.01, 0),
    ],
)
def test_held_out_images_are_as_many_as_make_the_chance_exact(images, target_fpr, expected):
    assert conformal.exact(images, target_fpr) == expected


@pytest.mark.parametrize("target_fpr", [0.01, 0.05, 0.07, 0.3])
def test_no_number_nearby_is_nearer_to_the_target(target_fpr):
    for images in range(30, 700, 7):
        found = conformal.exact(images, target_fpr)
        chance = conformal.rank(found, target_fpr) / (found + 1)
        if target_fpr * (images + 1) < 1:
            assert found == images
            continue
        assert chance <= target_fpr + 1e-9 and abs(found - images) <= 0.5 / target_fpr + 1
        assert conformal.rank(images, target_fpr) / (images + 1) <= chance + 0.003


def test_guarantee_by_hand():
    # With the largest of n as threshold, P(false alarms <= f) = 1 - (1 - f)^n.
    found = Guarantee.of(99, 0.01)
    assert found.expected_fpr == pytest.approx(0.01) and found.holds
    assert found.low == pytest.approx(1 - 0.975 ** (1 / 99)) and found.high == pytest.approx(
        1 - 0.025 ** (1 / 99)
    )


def test_too_few_images_are_reported():
    found = Guarantee.of(98, 0.01)
    assert not found.holds and found.expected_fpr == pytest.approx(1 / 99)
    assert "MORE THAN THE 1.00% ASKED FOR" in str(found) and "at least 99 held-out images" in str(
        found
    )
    assert "MORE" not in str(Guarantee.of(99, 0.01))


def test_the_interval_holds_as_often_as_it_says():
    random = np.random.default_rng(0)
    guaranteed, inside, rates = Guarantee.of(300, 0.02), 0, []
    for _ in range(400):
        threshold = conformal.threshold(random.normal(size=300), 0.02)
        rates.append((random.normal(size=5000) > threshold).mean())
        inside += guaranteed.low <= rates[-1] <= guaranteed.high
    assert np.mean(rates) == pytest.approx(guaranteed.expected_fpr, abs=0.002)
    assert 0.91 < inside / 400 < 0.98


def test_p_values_are_ranks():
    kept = conformal.kept(np.array([3.0, 0.0, 4.0, 1.0, 2.0]))
    # As high are all five, 2 to 4, 3 and 4, 4, none; and the new one itself.
    p = conformal.p_values(np.array([-1, 2, 2.5, 4, 9]), kept, 5)
    np.testing.assert_allclose(p, np.array([6, 4, 3, 2, 1]) / 6)


def test_p_values_of_many_images_are_ranks_among_quantiles():
    kept = conformal.kept(np.random.default_rng(1).permutation(5000).astype(float))
    assert kept.shape == (conformal.KEPT,)
    p = conformal.p_values(np.array([-1.0, 2500, 5001]), kept, 5000)
    np.testing.assert_allclose(p, [1, 0.5, 1 / 5001], atol=1 / conformal.KEPT)


def test_p_values_agree_with_the_decision():
    scores = np.random.default_rng(2).normal(size=250)
    threshold = conformal.threshold(scores, 0.04)
    new = np.random.default_rng(3).normal(size=2000)
    p = conformal.p_values(new, conformal.kept(scores), 250)
    np.testing.assert_array_equal(new > threshold, p <= 0.04)


@pytest.mark.parametrize("images", [150, 4000])
def test_drift_is_found_when_there_and_only_then(images):
    random = np.random.default_rng(4)
    held_out = random.normal(size=images)
    threshold = conformal.threshold(held_out, 0.01)

    def p_value(new):
        statistic, p = conformal.drift(new, conformal.kept(held_out), images, threshold)
        assert 0 <= statistic <= 1
        return p

    unchanged = [p_value(random.normal(size=1500)) for _ in range(60)]
    assert min(unchanged) > conformal.DRIFT_SIGNIFICANCE
    assert p_value(random.normal(0.5, 1, size=1500)) < conformal.DRIFT_SIGNIFICANCE
    # Many anomalies are not drift.
    assert (
        p_value(np.concatenate([random.normal(size=1500), np.full(3000, 50.0)]))
        > conformal.DRIFT_SIGNIFICANCE
    )


def test_drift_without_images():
    assert conformal.drift(np.array([9.5]), conformal.kept(np.arange(9.0)), 9, 8.0) == (
        0.0,
        1.0,
    )
