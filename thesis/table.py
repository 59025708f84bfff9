"""Table 5.1 from stored results: ours beside the thesis' numbers, what each cell rests on, and
where it is incomplete.

    python -m thesis.table --scale=full
    python -m thesis.table --scale=full --metric=pr_auc_trapezoid --format=markdown

It takes a second. The headline is average precision; the thesis prints "PR-AUC", which may be the
trapezoid one.
"""

import csv
import dataclasses
import io
import itertools

import numpy as np
from absl import app, flags

from thesis import chance, reading, results, significance, thesis
from thesis.grids import CONFIGURATIONS
from thesis.systems import SYSTEMS
from thesis.thesis import DATASET_NAMES

METRICS = {
    "average_precision": "average precision",
    "pr_auc_trapezoid": "trapezoid PR-AUC",
    "auroc": "AUROC",
    "average_precision_at_0.1": "average precision at a share of anomalies of 0.1",
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """What is stored of one system on one data set.

    Attributes:
        mean: over configurations, each the mean of its seeds.
        configurations_sd: standard deviation over configurations; None of fewer than two.
        seeds_sd: the mean over configurations of the deviation over seeds; None if none has two.
        keys: `(anomaly, seed)` of each run it rests on, sorted.
        expected: how many runs the grid has.
        warned: how many of the runs have a warning, such as a GAN that collapsed.
    """

    mean: float
    configurations_sd: float | None
    seeds_sd: float | None
    keys: tuple
    expected: int
    warned: int

    @property
    def configurations(self):
        """The anomalous classes it rests on, sorted."""
        return tuple(dict.fromkeys(anomaly for anomaly, _ in self.keys))


def cell(stored, system, dataset, metric="average_precision"):
    """The Cell of a system on a data set; None if nothing is stored of it."""
    values = stored.of_system(system, dataset, metric)
    if not values:
        return None
    configurations = significance.of_configurations(values)
    means = [np.mean(found) for found in configurations.values()]
    deviations = [np.std(found, ddof=1) for found in configurations.values() if len(found) > 1]
    return Cell(
        mean=float(np.mean(means)),
        configurations_sd=float(np.std(means, ddof=1)) if len(means) > 1 else None,
        seeds_sd=float(np.mean(deviations)) if deviations else None,
        keys=tuple(sorted(values)),
        expected=sum(
            run.detector == system.detector and run.dataset == dataset for run in stored.grid.runs
        ),
        warned=sum(bool(run.warning) for run in stored.of_detector(system.detector, dataset)),
    )


def text(stored, metric="average_precision"):
    """The table for a terminal, with notes."""
    cells, best = _cells(stored, metric), _best(stored, metric)
    rows = [["", *(DATASET_NAMES[dataset] for dataset in stored.datasets)]]
    for system in SYSTEMS:
        marks = ["*" if best.get(dataset) == system.name else " " for dataset in stored.datasets]
        shown = [
            f"{_plain(cells[system.name, dataset])}{mark}[{_printed(system, dataset)}]"
            for dataset, mark in zip(stored.datasets, marks)
        ]
        rows.append([system.name, *shown])
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [
        f"{METRICS[metric].capitalize()}, grid {stored.grid.name}, scale {stored.scale.name}; in"
        " brackets the thesis'."
    ]
    for name, *shown in rows:
        lines.append(
            "  ".join(
                [
                    name.ljust(widths[0]),
                    *(cell.rjust(width) for cell, width in zip(shown, widths[1:])),
                ]
            )
        )
    return "\n".join([*lines, *notes(stored, metric)])


def markdown(stored, metric="average_precision"):
    """The table in Markdown, without the notes. The best of every column is bold, if all rest on
    the same configurations.
    """
    cells, best = _cells(stored, metric), _best(stored, metric)
    titles = [title for dataset in stored.datasets for title in (DATASET_NAMES[dataset], "thesis")]
    lines = ["| | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for system in SYSTEMS:
        row = [system.markdown]
        for dataset in stored.datasets:
            found, printed = cells[system.name, dataset], _printed(system, dataset)
            mark = "**" if best.get(dataset) == system.name else ""
            row.append(_plain(found, mark))
            row.append(f"**{printed}**" if system.name == _best_printed(dataset) else printed)
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def as_csv(stored, metric="average_precision"):
    """One row a cell, with all of it; empty where nothing is stored."""
    output = io.StringIO()
    counts = ["configurations", "runs"]
    names = [field.name for field in dataclasses.fields(Cell) if field.name != "keys"]
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(
        [
            "grid",
            "scale",
            "metric",
            "system",
            "detector",
            "score",
            "dataset",
            *counts,
            *names,
            "thesis",
        ]
    )
    for system, dataset in _keys(stored):
        found = cell(stored, system, dataset, metric)
        writer.writerow(
            [
                stored.grid.name,
                stored.scale.name,
                metric,
                system.name,
                system.detector,
                system.score,
                dataset,
            ]
            + [len(found.configurations) if found else 0, len(found.keys) if found else 0]
            + [getattr(found, name) if found else "" for name in names]
            + [thesis.TABLE_5_1[system.name].get(dataset, "")]
        )
    return output.getvalue()


def notes(stored, metric="average_precision"):
    """Sentences: what the numbers are, where they are incomplete, what failed, what to
    be wary of.
    """
    shares = ", ".join(
        f"{DATASET_NAMES[dataset]} {stored.share(dataset):.3f}" for dataset in stored.datasets
    )
    said = [
        (
            "Mean over configurations (each the mean of its seeds) ± standard deviation over"
            " configurations; seeds: the deviation over seeds, where there are several; then the"
            " runs it rests on, of those in the grid."
        ),
        f"Share of anomalies, the average precision of a useless score: {shares}.",
    ]
    if metric == "auroc":
        said.append("The AUROC of a useless score is 0.5.")
    if metric == "pr_auc_trapezoid":
        said.append(
            "Of a constant score the trapezoid PR-AUC is (1 + share) / 2: it decides nothing."
        )
    if _best(stored, metric):
        said.append("Marked: the largest mean of its column, which need not be a sure difference.")
    if stored.missing:
        there = stored.datasets
        absent = [
            DATASET_NAMES[name]
            for name in dict.fromkeys(run.dataset for run in stored.grid.runs)
            if name not in there
        ]
        nothing = f" Nothing of {', '.join(absent)}." if absent else ""
        said.append(
            f"Incomplete: {len(stored.runs)} of the grid's {len(stored.grid.runs)} runs are"
            f" stored.{nothing}"
        )
    said += [note for dataset in stored.datasets for note in _notes_on_rows(stored, dataset)]
    said += [f"Failed, so without scores: {run.name}: {run.failed}" for run in stored.failed]
    for detector in dict.fromkeys(system.detector for system in SYSTEMS):
        if sentence := results.warnings(stored.of_detector(detector)):
            mark = " (†)" if any(run.warning for run in stored.of_detector(detector)) else ""
            said.append(f"{detector}{mark}: {sentence}")
    return said


def _notes_on_rows(stored, dataset):
    """What keeps the rows of a data set from being compared with each other, and with the thesis'
    numbers.
    """
    found = [row for row in (cell(stored, system, dataset) for system in SYSTEMS) if row]
    said = []
    if len({row.keys for row in found}) > 1:
        said.append(
            f"{DATASET_NAMES[dataset]}: the rows rest on different runs, so their means cannot be"
            " compared; the paired differences can."
        )
    there = sorted({anomaly for row in found for anomaly in row.configurations})
    if len(there) < len(CONFIGURATIONS) and dataset in thesis.TABLE_5_1["AE"]:
        said.append(
            f"{DATASET_NAMES[dataset]}: only of configuration {', '.join(map(str, there))}; the"
            " thesis' numbers are means over ten."
        )
        if dataset == "mnist" and set(there) <= set(thesis.LARGEST_IMPROVEMENTS):
            said[-1] += (
                f" Its figure 5.5 shows {', '.join(map(str, thesis.LARGEST_IMPROVEMENTS))} because"
                " its method improves most there: they may favour the method."
            )
    return said


def _keys(stored):
    return itertools.product(SYSTEMS, stored.datasets)


def _cells(stored, metric):
    return {
        (system.name, dataset): cell(stored, system, dataset, metric)
        for system, dataset in _keys(stored)
    }


def _best(stored, metric):
    """`{dataset: name of the best system}` of the data sets whose rows rest on the same
    configurations and seeds.
    """
    cells, best = _cells(stored, metric), {}
    for dataset in stored.datasets:
        found = {name: cell for (name, of), cell in cells.items() if of == dataset and cell}
        if len({cell.keys for cell in found.values()}) == 1 and len(found) > 1:
            best[dataset] = max(found, key=lambda name: found[name].mean)
    return best


def _best_printed(dataset):
    found = {name: row[dataset] for name, row in thesis.TABLE_5_1.items() if dataset in row}
    return max(found, key=found.get) if found else None


def _printed(system, dataset):
    value = thesis.TABLE_5_1[system.name].get(dataset)
    return "–" if value is None else f"{value:.4f}"


def _plain(found, mark=""):
    if found is None:
        return "–"
    spread = "" if found.configurations_sd is None else f" ± {found.configurations_sd:.3f}"
    seeds = "" if found.seeds_sd is None else f", seeds {found.seeds_sd:.3f}"
    warned = " †" if found.warned else ""
    return (
        f"{mark}{found.mean:.4f}{mark}{spread}{seeds} ({len(found.keys)}/{found.expected}){warned}"
    )


_FORMATS = {"text": text, "markdown": markdown, "csv": as_csv}


def main(argv):
    del argv
    stored, chosen, metric = reading.load(), flags.FLAGS.format, flags.FLAGS.metric
    print(_FORMATS[chosen](stored, metric).rstrip("\n"))
    if chosen == "markdown":
        print("\n" + "\n".join(f"* {note}" for note in notes(stored, metric)))
    # Both are about average precision.
    if chosen == "text" and metric == "average_precision":
        print("\n" + chance.text(stored) + "\n\n" + significance.text(stored))


if __name__ == "__main__":
    reading.define_flags()
    flags.DEFINE_enum("metric", "average_precision", sorted(METRICS), "Which metric.")
    flags.DEFINE_enum(
        "format",
        "text",
        sorted(_FORMATS),
        "As text, with checks and comparisons; or the table in another form.",
    )
    app.run(main)
