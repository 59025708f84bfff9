"""Figure 1.1: reconstructions of the anomalous digit, which was never trained on, a row for each
configuration of MNIST.

    python -m thesis.run --grid=table_5_1 --dataset=mnist --detector=ssae,ensemble
    python -m thesis.figures.figure_1_1 --scale=full

Drawing takes 3 seconds. The thesis' caption says that it shows the proposed model, its section 5.1
that it shows AE: both are drawn, figure_1_1 and figure_1_1_ae. The digits are the first ten
anomalous test images, originals above reconstructions. What the same models make of every digit,
the first test image of each class, is in figure_1_1_classes and figure_1_1_ae_classes; test sets
differ between configurations, so each reconstruction stands below its own original.
"""

import base64
import io

import numpy as np
from absl import app
from matplotlib.patches import Rectangle
from PIL import Image

from thesis import results
from thesis.figures import drawing

_MODELS = {"figure_1_1": ("ssae", "OURS"), "figure_1_1_ae": ("ensemble", "AE")}


def draw(stored):
    """Raises ValueError if neither model has a run on MNIST."""
    figures = {}
    for name, (detector, title) in _MODELS.items():
        for ending, strip in (
            ("", "reconstructions_of_anomalies"),
            ("_classes", "reconstructions"),
        ):
            # The first seed of a configuration is the last to be put in.
            found = reversed(stored.of_detector(detector, "mnist"))
            runs = {run.anomaly: run for run in found if run.stored.get(strip)}
            if runs:
                figures[name + ending] = _grid(stored, title, detector, runs, strip)
    if not figures:
        command = results.run_command(
            stored.grid.name, stored.scale, dataset="mnist", detector="ssae,ensemble"
        )
        raise ValueError(
            f"No reconstructions of MNIST are stored in {stored.folder}. To train: {command}"
        )
    return figures


def _grid(stored, model, detector, runs, strip):
    of_classes, anomalies = strip == "reconstructions", sorted(runs)
    figure = drawing.new(6.4, 1 + 1.16 * len(anomalies))
    for anomaly, axes in zip(anomalies, figure.subplots(len(anomalies), 1, squeeze=False)[:, 0]):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_ylabel(anomaly, rotation=0, va="center", labelpad=12, fontsize=12)
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(runs[anomaly].stored[strip]))))
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        if of_classes:
            _frame(axes, anomaly, *pixels.shape)
    row = (
        "every digit; framed, the anomalous one"
        if of_classes
        else "ten images of the anomalous digit"
    )
    drawing.title(
        figure,
        f"Figure 1.1: originals above reconstructions, {model}, MNIST",
        [
            f"Row: {row}, never trained on.",
            drawing.scale(stored),
            f"Seed {', '.join(map(str, sorted({run.seed for run in runs.values()})))}.",
            drawing.missing([(detector, k) for k in range(10) if k not in runs]),
        ],
    )
    return figure


def _frame(axes, place, height, width):
    """Draws a frame around one of the ten places of a strip."""
    size = width // 10
    frame = Rectangle(
        (place * size - 0.5, -0.5), size, height, fill=False, edgecolor="#ee3344", linewidth=2.5
    )
    # On the edge of the picture, half of it would be cut off.
    frame.set_clip_on(False)
    axes.add_patch(frame)


if __name__ == "__main__":
    drawing.define_flags()
    app.run(lambda argv: drawing.main(draw))
