"""The charts of the page, drawn here and not by matplotlib: its SVG brings its own colours and
fonts, while these follow the page's style sheet, light and dark, and stay small however many images
they show.

A function computes a `Chart`; `macros.html` writes it as SVG.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from tf_ssae.report import axes

_BINS = 50
_CURVE_STYLES = 5
_QUARTERS = (0, 0.25, 0.5, 0.75, 1)

_Ticks = Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Chart:
    """A chart in coordinates of its plot area, `WIDTH` x `HEIGHT`, y pointing down.

    Attributes:
        label: describes the chart to screen readers.
        x_label, y_label: of the axes.
        x_ticks, y_ticks: `((coordinate, text), ...)`.
        paths: `((style class, SVG path data), ...)`.
        legend: `((style class, text), ...)`.
        dot: `(x, y)`, or None.
        threshold: `(x, text, text-anchor of the text)` of a vertical line, or None.
        note: a sentence below the chart; may be empty.
    """

    WIDTH: ClassVar[int] = 294
    HEIGHT: ClassVar[int] = 170

    label: str
    x_label: str
    y_label: str
    x_ticks: _Ticks
    y_ticks: _Ticks
    paths: Sequence[tuple[str, str]]
    legend: Sequence[tuple[str, str]] = ()
    dot: tuple[str, str] | None = None
    threshold: tuple[str, str, str] | None = None
    note: str = ""


def histogram(
    groups: Mapping[tuple[str, str], np.ndarray], threshold: float | None, label: str
) -> Chart | None:
    """The distribution of the scores of groups of images, each as shares of its group, and the
    threshold.

    Heights are square roots, so that a few scores beyond the threshold can be seen beside the many
    below it.

    Args:
        groups: `{(legend, style class): float [n]}`; empty groups are left out.
        threshold: no line is drawn for None or an infinite one.
        label: describes the chart to screen readers.

    Returns:
        The Chart; None without scores.
    """
    groups = {
        key: np.asarray(values, np.float64) for key, values in groups.items() if np.size(values)
    }
    if not groups:
        return None
    threshold = threshold if threshold is not None and np.isfinite(threshold) else None
    low, high = _score_range(groups.values(), threshold)
    edges = np.linspace(low, high, _BINS + 1)
    shares = {
        key: np.histogram(np.clip(values, low, high), edges)[0] / values.size
        for key, values in groups.items()
    }
    top = max(share.max() for share in shares.values())
    x, y = axes.scale(low, high, Chart.WIDTH), axes.scale(1.05 * np.sqrt(top), 0, Chart.HEIGHT)

    line = None
    if threshold is not None:
        third = int(np.clip((threshold - low) / (high - low) * 3, 0, 2))
        anchor = ("start", "middle", "end")[third]
        line = (x(threshold), f"threshold {axes.number(threshold)}", anchor)
    marks = [mark for mark in (0.001, 0.01, 0.05, 0.2, 0.5, 1.0) if 0.02 * top < mark <= 1.1 * top]
    beyond = sum(int((values > high).sum()) for values in groups.values())
    return Chart(
        label,
        "score (higher = more anomalous)",
        "share of the group",
        axes.labelled(x, axes.ticks(low, high)),
        [(y(np.sqrt(mark)), f"{100 * mark:g}%") for mark in marks],
        [
            (style, f"M{x(low)} {y(0)}{axes.stairs(x, y, edges[1:], np.sqrt(share))}V{y(0)}")
            for (_, style), share in shares.items()
        ],
        legend=[(style, legend) for legend, style in groups],
        threshold=line,
        note=(
            f"The last bar includes {beyond:,} {'score' if beyond == 1 else 'scores'} above"
            f" {axes.number(high)}."
            if beyond
            else ""
        ),
    )


def precision_recall(
    is_anomaly: np.ndarray, scores: Mapping[str, np.ndarray], threshold: float
) -> Chart:
    """One precision-recall curve per score.

    Args:
        is_anomaly: bool `[M]`, with at least one of each.
        scores: `{score name: float [M]}`, the decision score first.
        threshold: of the decision score; a dot marks it.
    """
    share = float(np.mean(is_anomaly))
    curves = []
    for name, values in scores.items():
        precision, recall, _ = precision_recall_curve(is_anomaly, values, drop_intermediate=True)
        average = average_precision_score(is_anomaly, values)
        curves.append((f"{name}, average precision {average:.3f}", recall, precision))
    above = next(iter(scores.values())) > threshold
    dot = (np.mean(above[is_anomaly]), np.mean(is_anomaly[above])) if above.any() else None
    curves.append((f"chance, {share:.3f}", np.array([0, 1]), np.array([share, share])))
    return _curves("recall", "precision", curves, dot, axes.steps)


def roc(is_anomaly: np.ndarray, scores: Mapping[str, np.ndarray], threshold: float) -> Chart:
    """One curve of the detection rate over the false-alarm rate per score; arguments as for
    `precision_recall`.
    """
    curves = []
    for name, values in scores.items():
        false_alarms, detected, _ = roc_curve(is_anomaly, values)
        auroc = roc_auc_score(is_anomaly, values)
        curves.append((f"{name}, AUROC {auroc:.3f}", false_alarms, detected))
    above = next(iter(scores.values())) > threshold
    dot = np.mean(above[~is_anomaly]), np.mean(above[is_anomaly])
    curves.append(("chance, 0.500", np.array([0, 1]), np.array([0, 1])))
    return _curves("false-alarm rate", "detection rate", curves, dot, axes.line)


def over_epochs(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], label: str) -> Chart:
    """A quantity over the epochs of training.

    `curves`: `{legend: (epochs [n], values [n])}`, finite, n at least 1; the last value of the
    first is marked by a dot.
    """
    epochs, values = (np.concatenate(every) for every in zip(*curves.values()))
    low, high = axes.widened(values.min(), values.max())
    margin = 0.05 * (high - low)
    x = axes.scale(*axes.widened(epochs.min(), epochs.max()), Chart.WIDTH)
    y = axes.scale(high + margin, low - margin, Chart.HEIGHT)
    styles = [f"curve{i}" for i in range(len(curves))]
    first_epochs, first_values = next(iter(curves.values()))
    return Chart(
        label,
        "epoch",
        "",
        axes.labelled(x, axes.ticks(epochs.min(), epochs.max(), whole=True)),
        axes.labelled(y, axes.ticks(low, high)),
        [
            (style, axes.line(x, y, *axes.thinned(*curve)))
            for style, curve in zip(styles, curves.values())
        ],
        legend=list(zip(styles, curves)) if len(curves) > 1 else (),
        dot=(x(first_epochs[-1]), y(first_values[-1])),
    )


def _curves(
    x_label: str,
    y_label: str,
    curves: Sequence[tuple[str, np.ndarray, np.ndarray]],
    dot: tuple[float, float] | None,
    path: Callable[..., str],
) -> Chart:
    """Curves in the unit square: `(legend, x [n], y [n])` of each, that of chance last."""
    x, y = axes.scale(0, 1, Chart.WIDTH), axes.scale(1.02, 0, Chart.HEIGHT)
    styles = [f"curve{min(i, _CURVE_STYLES - 1)}" for i in range(len(curves) - 1)] + ["chance"]
    return Chart(
        f"{y_label} over {x_label}: {', '.join(legend for legend, *_ in curves)}",
        x_label,
        y_label,
        axes.labelled(x, _QUARTERS),
        axes.labelled(y, _QUARTERS),
        [
            (style, path(x, y, *axes.thinned(*curve)))
            for style, (_, *curve) in zip(styles, curves, strict=True)
        ],
        legend=[(style, legend) for style, (legend, *_) in zip(styles, curves, strict=True)],
        dot=dot and (x(dot[0]), y(dot[1])),
    )


def _score_range(groups: Collection[np.ndarray], threshold: float | None) -> tuple[float, float]:
    """The ends of a histogram's axis.

    It leaves out the highest 0.5% of every group, and scores more than eight times as far from the
    lowest score as the threshold is: outliers would squeeze everything else into one bar.
    """
    low = min(values.min() for values in groups)
    high = max(np.quantile(values, 0.995) for values in groups)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
        if threshold > low:
            high = min(high, low + 8 * (threshold - low))
    return axes.widened(low, high)
