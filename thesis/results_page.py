"""Writes docs/results.md: the sentences of `results.md.j2` around what is stored in results/.

    python -m thesis.results_page

Draw the figures first: it shows those that are beside the results.
"""

import json
import os
import pathlib
import re
import sys
import textwrap
from typing import Any

import jinja2
import pandas as pd

from tf_ssae.system import files
from thesis import reading, results, significance, table
from thesis.grids import Scale
from thesis.results import Results
from thesis.systems import OURS, SYSTEMS

OUTPUT = pathlib.Path("docs/results.md")
_TEMPLATE = pathlib.Path(__file__).with_name("results.md.j2")

# The settings that matter most, and those that only some detectors have; the others are in each
# result's file.
_SETTINGS = (
    *("epochs", "max_train_images", "max_test_images", "batch_size", "learning_rate", "beta_1"),
    "latent_depth",
)
_OF_OURS = (
    *("rotations", "lambda_e", "w_rec", "w_cls", "alpha"),
    *("reconstruction_reduction", "output_activation"),
)
_OF_GANS = {"egbad": (), "ganomaly": ("latent_error",)}


def page(root: str | os.PathLike, output: pathlib.Path = OUTPUT) -> str:
    """The whole page; its links are relative to `output`.

    Args:
        root: the folder of all results, as the page is to name it.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filled=filled, duration=results.duration)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    of_grid = {
        grid: [results.load(root, grid, scale) for scale in results.scales(root, grid)]
        for grid in ("table_5_1", "figure_5_4")
    }
    text = template.render(
        of_grid,
        root=pathlib.Path(root).as_posix(),
        single_runs=single_runs(root),
        SYSTEMS=SYSTEMS,
        Scale=Scale,
        table=table,
        significance=significance,
        **{f.__name__: f for f in (begun, command, versions, settings, single_run_table)},
        figures=lambda stored: figures(stored, output),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def filled(text: str, bullet: str = "") -> str:
    """A paragraph, or a list item, in lines of at most 100 characters."""
    return textwrap.fill(
        bullet + text.strip(),
        100,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


def begun(stored: Results) -> dict[str, list[str]]:
    """`{attribute: stored values}` of the attributes of runs that have values not stored yet."""
    found = {}
    for name in ("dataset", "anomaly", "detector", "seed"):
        there = list(dict.fromkeys(stored.runs[name].astype(str)))
        if set(there) < {str(getattr(run, name)) for run in stored.grid.runs}:
            found[name] = there
    return found


def command(stored: Results) -> str:
    """The command that trains these runs again, or those of them that are not there."""
    filters = {name: ",".join(values) for name, values in begun(stored).items()}
    return results.run_command(stored.grid.name, stored.scale, **filters)


def versions(stored: Results) -> str:
    """The revisions of this code that trained the runs, and TensorFlow's versions."""
    revisions = dict.fromkeys(_short(run.get("git_revision")) for run in stored.runs.stored)
    versions = dict.fromkeys(run["versions"]["tensorflow"] for run in stored.runs.stored)
    return f"revision {', '.join(revisions)}, TensorFlow {', '.join(versions)}"


def _short(revision: str | None) -> str:
    """The first seven digits of a revision, and whether files had been changed since."""
    dirty = "-dirty" if revision and revision.endswith("-dirty") else ""
    return revision[:7] + dirty if revision else "unknown"


def settings(stored: Results) -> str:
    """A table: a row per setting, a column per detector; one value for each data set where they
    differ, and all values of one that the grid varies.
    """
    varied = {name for run in stored.runs.settings for name, _ in run}
    columns: dict[str, dict[str, str]] = {}
    for detector, runs in stored.runs.groupby("detector", sort=False):
        column = columns[f"`{detector}`"] = {}
        configs = [run["config"] for run in runs.drop_duplicates("dataset").stored]
        for name in _SETTINGS + _OF_GANS.get(detector, _OF_OURS):
            if name in varied:
                values = {value for run in runs.settings for key, value in run if key == name}
                column[name] = ", ".join(_shown(value) for value in sorted(values)) or "–"
            else:
                shown = [_shown(config[name]) for config in configs if name in config]
                column[name] = shown[0] if len(set(shown)) == 1 else " / ".join(shown) or "–"
    order = [*_SETTINGS, *_OF_OURS, *_OF_GANS["ganomaly"]]
    frame = pd.DataFrame(columns).reindex(order).dropna(how="all").fillna("–")
    return frame.to_markdown(tablefmt="github", disable_numparse=True)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def figures(stored: Results, output: pathlib.Path) -> dict[str, str]:
    """`{"5.1a": link, "1.1 (ae, classes)": link}` of all figures that are drawn."""
    found = {}
    for file in sorted((stored.folder / "figures").glob("figure_*.png")):
        _, first, second, *rest = file.stem.split("_")
        name = f"{first}.{second}" + (f" ({', '.join(rest)})" if rest else "")
        found[name] = pathlib.Path(os.path.relpath(file, output.parent)).as_posix()
    return found


def single_runs(root: str | os.PathLike) -> list[dict[str, Any]]:
    """The run folders beside the grids: `name`, `metrics` and `environment` of each."""
    return [
        {
            "name": path.parent.name,
            "metrics": json.loads(path.read_text()),
            "environment": (found := json.loads((path.parent / "environment.json").read_text())),
            "revision": _short(found["git_revision"]),
        }
        for path in sorted(pathlib.Path(root).glob("*/metrics.json"))
    ]


def single_run_table(runs: list[dict[str, Any]]) -> str:
    """Average precision of every score, and of a useless one."""
    rows = {
        f"`{run['name']}`": {
            **{s.markdown: run["metrics"]["scores"][s.score]["average_precision"] for s in OURS},
            "chance": run["metrics"]["share"],
        }
        for run in runs
    }
    return pd.DataFrame(rows).T.to_markdown(tablefmt="github", floatfmt=".4f")


def main() -> None:
    flags = reading.new_parser(__doc__)
    flags.add_argument("--output", type=pathlib.Path, default=OUTPUT, help="The file to write.")
    flags.add_argument("--results", default=results.DEFAULT, help="Folder of all results.")
    given = flags.parse_args()
    try:
        text = page(given.results, given.output)
    except ValueError as error:
        sys.exit(f"Error: {error}")
    with files.replacing(given.output) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
