"""What all figures share: how they are begun, what they say of their runs, and how they
are saved.
"""

import os
import pathlib
import sys
import textwrap

import matplotlib
from absl import flags
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from thesis import reading

_NAMES = {
    "ssae": "OURS",
    "ensemble": "AE, Rotation and A*",
    "ganomaly": "GANomaly",
    "egbad": "BIGAN",
}


def new(width, height):
    """A figure of so many inches, drawn without a screen."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def title(figure, text, details):
    """A title, and below it, small, sentences on what the figure rests on."""
    width = int(15 * figure.get_figwidth())
    lines = textwrap.fill(" ".join(detail for detail in details if detail), width)
    figure.suptitle(text, fontsize=12)
    figure.supxlabel(lines, fontsize=7.5, color="0.35")


def scale(stored):
    """Sentence: how large the runs were."""
    words = stored.scale.in_words
    return f"{words[0].upper()}{words[1:]}."


def missing(pairs):
    """Sentence: what a figure lacks; `(detector, configuration)` pairs."""
    by_detector = {}
    for detector, anomaly in pairs:
        by_detector.setdefault(detector, []).append(str(anomaly))
    parts = [
        f"{_NAMES[detector]} in"
        f" {'any configuration' if len(found) == 10 else 'configuration ' + ', '.join(found)}"
        for detector, found in by_detector.items()
    ]
    return f"No result: {'; '.join(parts)}." if parts else ""


def save(figure, folder, name):
    """Writes `NAME.png` and `NAME.svg`, each in one piece; the same figure gives the same bytes.
    Returns their paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        path = folder / f"{name}.{ending}"
        temporary = folder / f".{name}.{os.getpid()}.{ending}"
        # Without it the names inside an SVG are random.
        with matplotlib.rc_context({"svg.hashsalt": "tf_ssae"}):
            figure.savefig(temporary, metadata=metadata)
        os.replace(temporary, path)
        paths.append(path)
    return paths


def define_flags(grids=("table_5_1",)):
    reading.define_flags(grids)
    flags.DEFINE_string(
        "output",
        None,
        "Folder for the figures. Default: figures/ beside the results they are drawn from.",
    )
    reading.show_in_help("output")


def main(draw):
    """Draws and saves what `draw` makes of the results that the flags name: `{name: Figure}`."""
    stored = reading.load()
    folder = pathlib.Path(flags.FLAGS.output) if flags.FLAGS.output else stored.folder / "figures"
    try:
        figures = draw(stored)
    except ValueError as error:
        sys.exit(f"Error: {error}")
    for name, figure in figures.items():
        print(*save(figure, folder, name))
