"""What all figures share: the canvas, the sentences about their runs, and how they are saved."""

import logging
import pathlib
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tf_ssae.system import files
from thesis import reading, results
from thesis.results import Results

# The name of what each detector trains.
_NAMES = {
    "ssae": "OURS",
    "ensemble": "AE, Rotation and A*",
    "ganomaly": "GANomaly",
    "egbad": "BIGAN",
}


def new(width: float, height: float) -> Figure:
    """A figure of so many inches, drawn without a screen."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def title(figure: Figure, text: str, *details: str) -> None:
    """A title, and below the figure, small, sentences on what it rests on; empty ones left out."""
    lines = textwrap.fill(" ".join(filter(None, details)), int(15 * figure.get_figwidth()))
    figure.suptitle(text, fontsize=12)
    figure.supxlabel(lines, fontsize=7.5, color="0.35")


def scale(stored: Results) -> str:
    """Sentence: how large the runs were."""
    words = stored.scale.in_words
    return f"{words[0].upper()}{words[1:]}."


def missing(pairs: Iterable[tuple[str, int]]) -> str:
    """Sentence: what a figure lacks; `(detector, configuration)` pairs."""
    by_detector: dict[str, list[str]] = {}
    for detector, anomaly in pairs:
        by_detector.setdefault(detector, []).append(str(anomaly))
    parts = [
        f"{_NAMES[detector]} in"
        f" {'any configuration' if len(found) == 10 else 'configuration ' + ', '.join(found)}"
        for detector, found in by_detector.items()
    ]
    return f"No result: {'; '.join(parts)}." if parts else ""


def nothing(stored: Results, what: str, **filters: object) -> ValueError:
    """The error of a figure that has nothing to show: it names the command that trains it."""
    command = results.run_command(stored.grid.name, stored.scale, **filters)
    return ValueError(f"{what} in {stored.folder}. To train: {command}")


def save(figure: Figure, folder: pathlib.Path, name: str) -> list[pathlib.Path]:
    """Writes `NAME.png` and `NAME.svg`, each in one piece; the same figure gives the same bytes.
    Returns their paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for ending, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        path = folder / f"{name}.{ending}"
        # Without the salt the names inside an SVG are random.
        salt = matplotlib.rc_context({"svg.hashsalt": "tf_ssae"})
        with salt, files.replacing(path) as temporary:
            figure.savefig(temporary, format=ending, metadata=metadata)
        paths.append(path)
    return paths


def main(
    draw: Callable[[Results], dict[str, Figure]],
    doc: str | None,
    grids: Sequence[str] = ("table_5_1",),
) -> None:
    """Draws and saves what `draw` makes of the results that the flags name: `{name: Figure}`.

    Args:
        doc: the docstring of the program.
        grids: those that it can draw.
    """
    # It logs every character that it takes from another font.
    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    flags = reading.parser(doc, grids)
    flags.add_argument(
        "--output", type=pathlib.Path, help="Folder. Default: figures/ beside the results."
    )
    given = flags.parse_args()
    stored = reading.load(given)
    try:
        figures = draw(stored)
    except ValueError as error:
        sys.exit(f"Error: {error}")
    for name, figure in figures.items():
        print(*save(figure, given.output or stored.folder / "figures", name))
