"""The pictures of a run folder. Figures are drawn without a screen and never touch matplotlib's
global state.
"""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, precision_recall_curve

_NORMAL, _ANOMALOUS = "#4477aa", "#cc3311"


def precision_recall(evaluation, path):
    """One precision-recall curve a score, with the share of anomalies as the line of a useless
    score.
    """
    figure = _figure(6, 5)
    axes = figure.add_subplot()
    for name, values in evaluation.scores.items():
        precision, recall, _ = precision_recall_curve(evaluation.is_anomaly, values)
        average = average_precision_score(evaluation.is_anomaly, values)
        axes.step(recall, precision, where="post", label=f"{name}, AP {average:.3f}")
    share = evaluation.is_anomaly.mean()
    axes.axhline(share, color="0.6", linestyle="--", label=f"chance, {share:.3f}")
    axes.set(
        xlabel="recall",
        ylabel="precision",
        xlim=(0, 1),
        ylim=(0, 1.02),
        title="Finding the anomalies",
    )
    axes.legend(loc="lower left")
    figure.savefig(path)


def histograms(evaluation, path):
    """The distribution of every score over normal and over anomalous test images; far outliers
    count in the last bin.
    """
    count = len(evaluation.scores)
    figure = _figure(4 * count, 3.4)
    for column, (name, values) in enumerate(evaluation.scores.items()):
        axes = figure.add_subplot(1, count, column + 1)
        # A few far outliers would squeeze everything else into one bin: the highest 0.5% of each
        # kind go to the last one.
        kinds = [
            values[kind] for kind in (~evaluation.is_anomaly, evaluation.is_anomaly) if kind.any()
        ]
        low, high = values.min(), max(np.quantile(kind, 0.995) for kind in kinds)
        bins = np.linspace(low, high, 50) if high > low else 50
        for label, chosen, colour in (
            ("normal", ~evaluation.is_anomaly, _NORMAL),
            ("anomalous", evaluation.is_anomaly, _ANOMALOUS),
        ):
            if not chosen.any():
                continue
            axes.hist(
                np.minimum(values[chosen], high),
                bins,
                density=True,
                alpha=0.6,
                color=colour,
                label=label,
            )
        axes.set(title=name, xlabel="score (higher = more anomalous)", yticks=[])
        axes.legend()
    figure.savefig(path)


def reconstructions(groups, path):
    """Originals, each above its reconstruction.

    Args:
        groups: `{title: (images [n, S, S, C], reconstructions [n, S, S, C])}`, values in [0, 1].
        path: of the PNG.
    """
    columns = max(len(images) for images, _ in groups.values())
    figure = _figure(0.8 * columns, 2.1 * len(groups))
    parts = np.atleast_1d(figure.subplots(len(groups), 1))
    for axes, (title, (images, rebuilt)) in zip(parts, groups.items()):
        axes.imshow(
            image_grid(images, rebuilt), cmap="gray", vmin=0, vmax=1, interpolation="nearest"
        )
        axes.set(title=title, xticks=[], yticks=[])
    figure.savefig(path)


def image_grid(images, rebuilt):
    """`[n, S, S, C]` twice `-> [2S + 2, nS, C]`: images above their reconstructions, clipped to [0,
    1], a grey line between.
    """
    above, below = (np.concatenate(list(np.clip(row, 0, 1)), axis=1) for row in (images, rebuilt))
    return np.concatenate([above, np.full_like(above[:2], 0.5), below], axis=0)


def _figure(width, height):
    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure
