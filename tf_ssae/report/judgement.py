"""How good the decisions are, in words and a table: what stands at the top of a page."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tf_ssae.calibration.share import Share
from tf_ssae.evaluation import detection
from tf_ssae.evaluation.detection import RATES, Kind
from tf_ssae.report.content import Report


@dataclasses.dataclass(frozen=True)
class Row:
    """How many defects are found if so many normal images may raise a false alarm.

    Attributes:
        rate: the share of the normal images.
        allowed: how many of them that is.
        found: by the deciding score.
        by_other: by the best other score; None without one.
    """

    rate: float
    allowed: int
    found: Share
    by_other: Share | None


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What is said.

    Attributes:
        sentences: the verdict, the most important first.
        normal: the number of normal images.
        other: the name of the best other score, or None.
        rows: one per rate; none if the images are not of both kinds.
        kinds: of defects.
        warnings: sentences.
    """

    sentences: Sequence[str]
    normal: int
    other: str | None = None
    rows: Sequence[Row] = ()
    kinds: Sequence[Kind] = ()
    warnings: Sequence[str] = ()


def judge(report: Report) -> Judgement:
    """The Judgement of the images of a report."""
    truth, deciding = report.is_anomaly, report.decision_score
    scores, threshold = report.scores[deciding], report.thresholds[deciding]
    if truth is None or not truth.any():
        alarms = () if truth is None or not len(truth) else (_alarms(scores > threshold),)
        unknown = "How many defects it finds is unknown: none was tested."
        if truth is None:
            unknown = (
                "How many defects it finds is unknown: which of these images have one is not known."
            )
        return Judgement(
            (unknown, *_synthetic(report), *alarms), 0 if truth is None else len(truth)
        )
    found, normal = Share.among(scores[truth] > threshold), ~truth
    sentences = [f"It finds {in_words(found)} of the defects."]
    kinds = detection.by_kind(truth, report.kinds or ["anomalous"] * len(truth), scores, threshold)
    if not normal.any():
        return Judgement((*sentences, *_synthetic(report)), 0, kinds=kinds)
    sentences = [sentences[0], _alarms(scores[normal] > threshold), *_synthetic(report)]
    other = detection.best_other(truth, report.scores, deciding)
    rows = [
        Row(
            rate,
            detection.allowed(rate, int(normal.sum())),
            detection.found_at(truth, scores, rate),
            detection.found_at(truth, report.scores[other], rate) if other else None,
        )
        for rate in RATES
    ]
    warnings = []
    if other:
        more = detection.finds_far_more(truth, report.scores, deciding, other, threshold)
        if more:
            warnings.append(
                f"Another score finds far more at as few false alarms: {other}"
                f" {more[1].share:.0%} of the defects, {deciding}, which decides,"
                f" {more[0].share:.0%}, each at the best threshold for these images."
                f" Setting --decision={other} would choose it; but a score"
                " chosen by looking at test images is to be judged on others."
            )
    return Judgement(sentences, int(normal.sum()), other, rows, kinds, warnings)


def in_words(found: Share) -> str:
    """ "12 of 20 (60%, 95% interval 36% to 81%)"."""
    return (
        f"{found.count:,} of {found.of:,} ({found.share:.0%}, 95% interval {found.low:.0%} to"
        f" {found.high:.0%})"
    )


def _alarms(above: np.ndarray) -> str:
    alarms = Share.among(above)
    return (
        f"It raises a false alarm on {alarms.count:,} of {alarms.of:,} normal images"
        f" ({alarms.share:.1%}, 95% interval {alarms.low:.1%} to {alarms.high:.1%})."
    )


def _synthetic(report: Report) -> list[str]:
    if report.found_synthetic is None:
        return []
    return [
        f"Of synthetic defects, pasted into held-out normal images, it finds"
        f" {in_words(report.found_synthetic)}; real ones may be easier or harder."
    ]
