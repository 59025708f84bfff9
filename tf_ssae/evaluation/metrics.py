"""How well a score tells anomalies from normals. Anomalies are the positive class; higher scores
mean more anomalous.
"""

import numpy as np
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score


def average_precision_at(is_anomaly: np.ndarray, scores: np.ndarray, share: float) -> float:
    """Average precision as if anomalies made up `share` (0..1) of the test set: they are
    re-weighted to that share.
    """
    found = np.mean(is_anomaly)
    weights = np.where(is_anomaly, share / found, (1.0 - share) / (1.0 - found))
    return average_precision_score(is_anomaly, scores, sample_weight=weights)


def score_metrics(is_anomaly: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """The metrics of one score over one test set.

    Args:
        is_anomaly: bool `[N]`, with at least one of each.
        scores: float `[N]`, finite.

    Returns:
        A dict of floats: `average_precision` (the headline), `auroc`, `pr_auc_trapezoid` (the
        linear interpolation that EGBAD's code used; it gives (1 + share) / 2 to a constant score,
        so it is never the headline), and `average_precision_at_0.1`, comparable between test sets
        of different shares.

    Raises:
        ValueError: for scores that are not finite, or a test set without normals or without
            anomalies.
    """
    is_anomaly, scores = np.asarray(is_anomaly, bool), np.asarray(scores, np.float64)
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{np.sum(~np.isfinite(scores))} of {scores.size} scores are NaN or infinite."
        )
    if is_anomaly.all() or not is_anomaly.any():
        raise ValueError(
            f"The test set holds {np.sum(is_anomaly)} anomalies and {np.sum(~is_anomaly)} normals; "
            "expected at least one of each."
        )
    precision, recall, _ = precision_recall_curve(is_anomaly, scores)
    return {
        "average_precision": float(average_precision_score(is_anomaly, scores)),
        "auroc": float(roc_auc_score(is_anomaly, scores)),
        "pr_auc_trapezoid": float(auc(recall, precision)),
        "average_precision_at_0.1": float(average_precision_at(is_anomaly, scores, 0.1)),
    }
