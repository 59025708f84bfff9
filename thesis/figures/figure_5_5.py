"""Figure 5.5: rotation accuracy of Rotation and of OURS on normal and on anomalous test images,
epoch by epoch.

    python -m thesis.run --grid=table_5_1 --dataset=mnist --anomaly=2,6,7 --detector=ssae,ensemble
    python -m thesis.figures.figure_5_5 --scale=full

Drawing takes a second. The configurations are the thesis': 2 (top), 6 (middle) and 7 (bottom) of
MNIST. Accuracy is the average over the four rotations of up to 500 test images of each kind,
recorded while it trains; nothing was chosen by it.
"""

import numpy as np
from matplotlib.figure import Figure

from thesis.figures import drawing
from thesis.results import ROTATION_ACCURACY, Results
from thesis.systems import BY_NAME, LARGEST_IMPROVEMENTS

_MODELS = (("Rotation", BY_NAME["Rotation"]), ("OURS", BY_NAME["OURS A_ws"]))


def draw(stored: Results) -> dict[str, Figure]:
    """Raises ValueError if nothing is stored of these configurations."""
    figure = drawing.new(9, 9)
    absent, seeds = [], set()
    of_mnist = stored.done[stored.done.dataset == "mnist"]
    for axes, anomaly in zip(figure.subplots(3, 1, sharex=True, sharey=True), LARGEST_IMPROVEMENTS):
        for title, system in _MODELS:
            runs = of_mnist.query("detector == @system.detector and anomaly == @anomaly")
            if runs.empty:
                absent.append((system.detector, anomaly))
                continue
            seeds |= set(runs.seed)
            for kind, style in (("normal", "-"), ("anomalous", "--")):
                column = ROTATION_ACCURACY.format(kind)
                curves = [[row[column] for row in of_run["history"]] for of_run in runs.stored]
                axes.plot(
                    range(1, len(curves[0]) + 1),
                    np.mean(curves, axis=0),
                    style,
                    color=system.colour,
                    marker=".",
                    label=f"{title}, {kind}",
                )
        if not axes.lines:
            centre = dict(ha="center", va="center", transform=axes.transAxes)
            axes.text(0.5, 0.5, "no result", color="0.5", **centre)
        axes.set_title(f"anomalous digit {anomaly}", fontsize=10)
        axes.set_ylabel("rotation accuracy")
        axes.grid(color="0.92")
        axes.axhline(0.25, color="0.6", linestyle=":", label="chance")
    if not seeds:
        what = "Nothing is stored of configurations 2, 6 and 7 of MNIST"
        filters = dict(dataset="mnist", anomaly="2,6,7", detector="ssae,ensemble")
        raise drawing.nothing(stored, what, **filters)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylim(0.2, 1.02)
    handles = {
        label: handle
        for axes in figure.axes
        for handle, label in zip(*axes.get_legend_handles_labels())
    }
    figure.axes[0].legend(
        handles.values(), handles.keys(), loc="upper left", bbox_to_anchor=(1, 1), frameon=False
    )
    drawing.title(
        figure,
        "Figure 5.5: average accuracy over all rotations, Rotation vs OURS, MNIST",
        drawing.scale(stored),
        f"Mean of the stored seeds, up to {len(seeds)}." if len(seeds) > 1 else "One seed.",
        "At most 500 test images of each kind, four rotations each.",
        drawing.missing(absent),
    )
    return {"figure_5_5": figure}


if __name__ == "__main__":
    drawing.main(draw, __doc__)
