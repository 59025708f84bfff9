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
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from thesis.figures import drawing
from thesis.results import Results

_MODELS = (("figure_1_1", "ssae", "OURS"), ("figure_1_1_ae", "ensemble", "AE"))
_STRIPS = (
    ("", "reconstructions_of_anomalies", "ten images of the anomalous digit"),
    ("_classes", "reconstructions", "every digit; framed, the anomalous one"),
)


def draw(stored: Results) -> dict[str, Figure]:
    """Raises ValueError if neither model has a run on MNIST."""
    figures = {}
    for name, detector, model in _MODELS:
        found = stored.done.query("detector == @detector and dataset == 'mnist'")
        for ending, strip, row in _STRIPS:
            with_strip = found[np.array([bool(of_run.get(strip)) for of_run in found.stored], bool)]
            # The first seed of each configuration.
            runs = with_strip.drop_duplicates("anomaly").sort_values("anomaly")
            if len(runs):
                figures[name + ending] = figure = _grid(runs, strip)
                drawing.title(
                    figure,
                    f"Figure 1.1: originals above reconstructions, {model}, MNIST",
                    f"Row: {row}, never trained on.",
                    drawing.scale(stored),
                    f"Seed {', '.join(map(str, sorted(set(runs.seed))))}.",
                    drawing.missing((detector, k) for k in range(10) if k not in set(runs.anomaly)),
                )
    if not figures:
        what = "No reconstructions of MNIST are stored"
        raise drawing.nothing(stored, what, dataset="mnist", detector="ssae,ensemble")
    return figures


def _grid(runs: Any, strip: str) -> Figure:
    figure = drawing.new(6.4, 1 + 1.16 * len(runs))
    rows = figure.subplots(len(runs), 1, squeeze=False)[:, 0]
    for run, axes in zip(runs.itertuples(), rows):
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_ylabel(run.anomaly, rotation=0, va="center", labelpad=12, fontsize=12)
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(run.stored[strip]))))
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        if strip == "reconstructions":
            _frame(axes, run.anomaly, *pixels.shape)
    return figure


def _frame(axes: Axes, place: int, height: int, width: int) -> None:
    """Draws a frame around one of the ten places of a strip."""
    size = width // 10
    corner = (place * size - 0.5, -0.5)
    frame = Rectangle(corner, size, height, fill=False, edgecolor="#ee3344", linewidth=2.5)
    # On the edge of the strip, half of it would be cut off.
    frame.set_clip_on(False)
    axes.add_patch(frame)


if __name__ == "__main__":
    drawing.main(draw, __doc__)
