import numpy as np
import pytest

from tf_ssae.evaluation.metrics import average_precision_at, score_metrics


def test_metrics_are_those_computed_by_hand():
    # Ranked from the top: anomaly, normal, anomaly, normal, normal.
    result = score_metrics([True, False, True, False, False], [5.0, 4.0, 3.0, 2.0, 1.0])
    assert result["average_precision"] == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert result["auroc"] == pytest.approx(5 / 6)  # of the six pairs one is in the wrong order


def test_a_constant_score_is_worth_the_share_of_anomalies():
    is_anomaly = np.arange(1000) < 357
    result = score_metrics(is_anomaly, np.zeros(1000))
    assert result["average_precision"] == pytest.approx(0.357)
    assert result["average_precision_at_0.1"] == pytest.approx(0.1)
    assert result["auroc"] == pytest.approx(0.5)
    # The reason why the trapezoid is never the headline.
    assert result["pr_auc_trapezoid"] == pytest.approx((1 + 0.357) / 2)


def test_higher_scores_are_anomalies():
    is_anomaly = np.array([True] * 5 + [False] * 20)
    assert score_metrics(is_anomaly, is_anomaly * 1.0)["average_precision"] == 1
    assert score_metrics(is_anomaly, ~is_anomaly * 1.0)["auroc"] == 0


def test_reweighting_to_a_share_is_repeating_the_normals():
    random = np.random.default_rng(0)
    is_anomaly = np.arange(100) < 50
    scores = random.normal(size=100) + is_anomaly
    repeated = np.concatenate([np.flatnonzero(is_anomaly), np.tile(np.flatnonzero(~is_anomaly), 9)])
    expected = score_metrics(is_anomaly[repeated], scores[repeated])["average_precision"]
    assert average_precision_at(is_anomaly, scores, 0.1) == pytest.approx(expected)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(ValueError, match="1 of 2 scores"):
        score_metrics([True, False], [np.nan, 0.0])
    with pytest.raises(ValueError, match="0 anomalies and 2 normal images"):
        score_metrics([False, False], [1.0, 0.0])
