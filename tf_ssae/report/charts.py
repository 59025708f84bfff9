"""Charts as inline SVG, small however many images they tell of; their colours are classes of the
page's style sheet.
"""

import html

import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

_WIDTH, _HEIGHT = 360, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 12, 20, 40
_POINTS = 300
_BINS = 50
_CURVE_STYLES = 5


def histogram(groups, threshold, label):
    """How the scores of groups of images are distributed, each group as shares of itself, and where
    the threshold lies.

    Heights are square roots, so that a few scores beyond the threshold are seen beside the many
    below it.

    Args:
        groups: `{(legend, style class): float [n]}`; empty groups are left out.
        threshold: float; no line is drawn for None or an infinite one.
        label: for readers who do not see the chart.

    Returns:
        The chart, and a sentence about the scores beyond its right end, "" if there are none. ("",
        "") without scores.
    """
    groups = {
        key: np.asarray(values, np.float64) for key, values in groups.items() if np.size(values)
    }
    if not groups:
        return "", ""
    threshold = threshold if threshold is not None and np.isfinite(threshold) else None
    low, high = _score_range(groups.values(), threshold)
    edges = np.linspace(low, high, _BINS + 1)
    shares = {
        key: np.histogram(np.clip(values, low, high), edges)[0] / values.size
        for key, values in groups.items()
    }
    top = max(share.max() for share in shares.values())

    axes = _Axes((low, high), (0, 1.05 * np.sqrt(top)))
    body = "".join(
        f'<path class="{style}" d="{axes.bars(edges, np.sqrt(share))}"/>'
        for (_, style), share in shares.items()
    )
    if threshold is not None:
        body += axes.vertical(threshold, f"threshold {number(threshold)}")
    marks = [
        share for share in (0.001, 0.01, 0.05, 0.2, 0.5, 1.0) if 0.02 * top < share <= 1.1 * top
    ]
    chart = axes.svg(
        body,
        label,
        (
            "score (higher = more anomalous)",
            [(value, number(value)) for value in _ticks(low, high)],
        ),
        ("share of the group", [(np.sqrt(share), f"{100 * share:g}%") for share in marks]),
    )
    beyond = sum(int((values > high).sum()) for values in groups.values())
    note = (
        f"The last bar also holds {beyond:,} {'score' if beyond == 1 else 'scores'} above"
        f" {number(high)}."
        if beyond
        else ""
    )
    return chart + _legend([(style, legend) for legend, style in groups]), note


def precision_recall(is_anomaly, scores, decision_score, threshold):
    """One precision-recall curve a score.

    Args:
        is_anomaly: bool `[M]`, with at least one of each.
        scores: `{score name: float [M]}`.
        decision_score: the name of the one whose threshold is marked.
        threshold: of the decision score.
    """
    axes = _Axes((0, 1), (0, 1.02))
    share = float(np.mean(is_anomaly))
    body, legend = axes.line("chance", [0, 1], [share, share]), [("chance", f"chance, {share:.3f}")]
    for style, (name, values) in _styled(scores, decision_score):
        precision, recall, _ = precision_recall_curve(is_anomaly, values, drop_intermediate=True)
        body += axes.steps(style, *_thinned(recall, precision))
        legend.insert(
            -1,
            (style, f"{name}, average precision {average_precision_score(is_anomaly, values):.3f}"),
        )
    called = scores[decision_score] > threshold
    if called.any():
        body += axes.dot(np.mean(called[is_anomaly]), np.mean(is_anomaly[called]))
    label = "Precision-recall curves: " + ", ".join(text for _, text in legend)
    return axes.svg(body, label, ("recall", _unit_ticks()), ("precision", _unit_ticks())) + _legend(
        legend
    )


def roc(is_anomaly, scores, decision_score, threshold):
    """One curve of the detection rate over the false-alarm rate a score; arguments as for
    `precision_recall`.
    """
    axes = _Axes((0, 1), (0, 1.02))
    body, legend = axes.line("chance", [0, 1], [0, 1]), [("chance", "chance, 0.500")]
    for style, (name, values) in _styled(scores, decision_score):
        false_alarms, detected, _ = roc_curve(is_anomaly, values)
        body += axes.line(style, *_thinned(false_alarms, detected))
        legend.insert(-1, (style, f"{name}, AUROC {roc_auc_score(is_anomaly, values):.3f}"))
    called = scores[decision_score] > threshold
    body += axes.dot(np.mean(called[~is_anomaly]), np.mean(called[is_anomaly]))
    label = "ROC curves: " + ", ".join(text for _, text in legend)
    return axes.svg(
        body, label, ("false-alarm rate", _unit_ticks()), ("detection rate", _unit_ticks())
    ) + _legend(legend)


def over_epochs(epochs, values, label):
    """A quantity over the epochs of training, `[n]` each, finite, n at least 1."""
    low, high = _widened(min(values), max(values))
    margin = 0.05 * (high - low)
    axes = _Axes(_widened(min(epochs), max(epochs)), (low - margin, high + margin))
    body = axes.line("curve0", *_thinned(np.asarray(epochs, float), np.asarray(values, float)))
    body += axes.dot(epochs[-1], values[-1])
    return axes.svg(
        body,
        label,
        (
            "epoch",
            [(value, number(value)) for value in _ticks(min(epochs), max(epochs), integer=True)],
        ),
        ("", [(value, number(value)) for value in _ticks(low, high)]),
    )


def number(value):
    """A number in few characters."""
    return f"{value:,.0f}" if 1000 <= abs(value) < np.inf else f"{value:.4g}"


class _Axes:
    """The area of a chart: from data to SVG, and the frame around what is drawn."""

    def __init__(self, x_range, y_range):
        self._x_range, self._y_range = x_range, y_range

    def _x(self, value):
        low, high = self._x_range
        return _short(_LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT))

    def _y(self, value):
        low, high = self._y_range
        return _short(_HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM))

    def line(self, style, x, y):
        points = " ".join(f"{self._x(a)},{self._y(b)}" for a, b in zip(x, y))
        return f'<polyline class="{style}" points="{points}"/>'

    def steps(self, style, x, y):
        """From each point sideways to the next one's x, then up or down."""
        path = f"M{self._x(x[0])} {self._y(y[0])}" + "".join(
            f"H{self._x(a)}V{self._y(b)}" for a, b in zip(x[1:], y[1:])
        )
        return f'<path class="{style}" d="{path}"/>'

    def bars(self, edges, heights):
        """The outline of bars as path data."""
        steps = "".join(
            f"V{self._y(height)}H{self._x(edge)}" for edge, height in zip(edges[1:], heights)
        )
        return f"M{self._x(edges[0])} {self._y(0)}{steps}V{self._y(0)}"

    def dot(self, x, y):
        return f'<circle class="dot" cx="{self._x(x)}" cy="{self._y(y)}" r="4"/>'

    def vertical(self, x, text):
        """A dashed line over the whole height, its text above it."""
        at = self._x(x)
        low, high = self._x_range
        anchor = ("start", "middle", "end")[int(np.clip((x - low) / (high - low) * 3, 0, 2))]
        return (
            f'<line class="threshold" x1="{at}" x2="{at}" y1="{_TOP - 4}"'
            f' y2="{_HEIGHT - _BOTTOM}"/><text x="{at}" y="{_TOP - 8}"'
            f' text-anchor="{anchor}">{html.escape(text)}</text>'
        )

    def svg(self, body, label, x_axis, y_axis):
        """The whole chart; an axis is `(label, [(value, text), ...])`."""
        (x_label, x_ticks), (y_label, y_ticks) = x_axis, y_axis
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        frame = "".join(
            f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{self._y(value)}"'
            f' y2="{self._y(value)}"/><text x="{_LEFT - 6}" y="{self._y(value)}" dy=".35em"'
            f' text-anchor="end">{text}</text>'
            for value, text in y_ticks
        ) + "".join(
            f'<line class="axis" x1="{self._x(value)}" x2="{self._x(value)}" y1="{bottom}"'
            f' y2="{bottom + 4}"/><text x="{self._x(value)}" y="{bottom + 16}"'
            f' text-anchor="middle">{text}</text>'
            for value, text in x_ticks
        )
        middle = (_TOP + bottom) / 2
        return (
            f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
            f' aria-label="{html.escape(label)}">{frame}<line class="axis" x1="{_LEFT}"'
            f' x2="{right}" y1="{bottom}" y2="{bottom}"/>{body}<text x="{(_LEFT + right) / 2}"'
            f' y="{_HEIGHT - 6}" text-anchor="middle">{x_label}</text><text transform="translate(11'
            f' {middle}) rotate(-90)" text-anchor="middle">{y_label}</text></svg>'
        )


def _score_range(groups, threshold):
    """The ends of a histogram's axis.

    The highest 0.5% of every group are beyond it, and so is what lies eight times as far from the
    lowest score as the threshold does: outliers would squeeze everything else into one bar.
    """
    low = min(values.min() for values in groups)
    high = max(np.quantile(values, 0.995) for values in groups)
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
        if threshold > low:
            high = min(high, low + 8 * (threshold - low))
    return _widened(low, high)


def _widened(low, high):
    """A range that is no point."""
    margin = 0 if high > low else 0.5 * abs(low) or 0.5
    return float(low - margin), float(high + margin)


def _thinned(x, y):
    """At most _POINTS points of a curve, both ends among them, evenly along its length."""
    if len(x) <= _POINTS:
        return x, y
    way = np.concatenate(
        [[0.0], np.cumsum(np.hypot(np.diff(x) / np.ptp(x), np.diff(y) / (np.ptp(y) or 1.0)))]
    )
    chosen = np.unique(np.searchsorted(way, np.linspace(0, way[-1], _POINTS)))
    return x[chosen], y[chosen]


def _styled(scores, decision_score):
    """`(style class, (name, values))` of every score, the decision score first."""
    ordered = sorted(scores.items(), key=lambda item: item[0] != decision_score)
    return [(f"curve{min(index, _CURVE_STYLES - 1)}", item) for index, item in enumerate(ordered)]


def _legend(entries):
    items = "".join(
        f'<li><i class="swatch {style}"></i>{html.escape(text)}</li>' for style, text in entries
    )
    return f'<ul class="legend">{items}</ul>'


def _ticks(low, high, integer=False):
    values = MaxNLocator(5, integer=integer, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [value for value in values if low <= value <= high]


def _unit_ticks():
    return [(value, f"{value:g}") for value in (0, 0.25, 0.5, 0.75, 1)]


def _short(value):
    return f"{value:.1f}".removesuffix(".0")
