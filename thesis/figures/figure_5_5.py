"""Figure 5.5: rotation accuracy of Rotation and of OURS on normal and on anomalous test images,
epoch by epoch.

    python -m thesis.run --grid=table_5_1 --dataset=mnist --anomaly=2,6,7
    --detector=ssae,ensemble python -m thesis.figures.figure_5_5 --scale=full

Drawing takes a second. The configurations are the thesis': 2 (top), 6 (middle) and 7 (bottom) of
MNIST. Accuracy is the average over the four rotations of up to 500 test images of each kind,
recorded while it trains; nothing was chosen by it.
"""

import numpy as np
from absl import app

from thesis import results
from thesis.figures import drawing
from thesis.systems import BY_NAME
from thesis.thesis import LARGEST_IMPROVEMENTS

_MODELS = (("Rotation", BY_NAME["Rotation"]), ("OURS", BY_NAME["OURS A_ws"]))


def draw(stored):
    """Raises ValueError if nothing is stored of these configurations."""
    figure = drawing.new(9, 9)
    absent, seeds = [], set()
    for axes, anomaly in zip(figure.subplots(3, 1, sharex=True, sharey=True), LARGEST_IMPROVEMENTS):
        for title, system in _MODELS:
            runs = [
                run
                for run in stored.of_detector(system.detector, "mnist")
                if run.anomaly == anomaly
            ]
            if not runs:
                absent.append((system.detector, anomaly))
                continue
            seeds |= {run.seed for run in runs}
            for kind, style in (("normal", "-"), ("anomalous", "--")):
                curves = [
                    [
                        epoch[results.ROTATION_ACCURACY.format(kind)]
                        for epoch in run.stored["history"]
                    ]
                    for run in runs
                ]
                epochs = range(1, len(curves[0]) + 1)
                axes.plot(
                    epochs,
                    np.mean(curves, axis=0),
                    style,
                    color=system.colour,
                    marker=".",
                    label=f"{title}, {kind}",
                )
        if not axes.lines:
            axes.text(
                0.5,
                0.5,
                "no result",
                ha="center",
                va="center",
                color="0.5",
                transform=axes.transAxes,
            )
        axes.set_title(f"anomalous digit {anomaly}", fontsize=10)
        axes.set_ylabel("rotation accuracy")
        axes.grid(color="0.92")
        axes.axhline(0.25, color="0.6", linestyle=":", label="chance")
    if len(absent) == len(_MODELS) * len(LARGEST_IMPROVEMENTS):
        command = results.run_command(
            stored.grid.name,
            stored.scale,
            dataset="mnist",
            anomaly="2,6,7",
            detector="ssae,ensemble",
        )
        raise ValueError(
            f"Nothing is stored of configurations 2, 6 and 7 of MNIST in {stored.folder}. To train:"
            f" {command}"
        )
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
        [
            drawing.scale(stored),
            f"Mean of the stored seeds, up to {len(seeds)}." if len(seeds) > 1 else "One seed.",
            "At most 500 test images of each kind, four rotations each.",
            drawing.missing(absent),
        ],
    )
    return {"figure_5_5": figure}


if __name__ == "__main__":
    drawing.define_flags()
    app.run(lambda argv: drawing.main(draw))
