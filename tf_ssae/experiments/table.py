"""Table 5.1 from stored results: ours beside the thesis' numbers, what each cell rests on, and where it is incomplete.

    python -m tf_ssae.experiments.table --grid=table_5_1 --scale=full
    python -m tf_ssae.experiments.table --metric=pr_auc_trapezoid --format=markdown

It takes a second. The headline is average precision; the thesis prints "PR-AUC", which may be the trapezoid one.
"""

import csv
import dataclasses
import io
import itertools

import numpy as np
from absl import app, flags

from tf_ssae.config import preset
from tf_ssae.experiments import reading, significance, thesis
from tf_ssae.experiments.grids import CONFIGURATIONS
from tf_ssae.experiments.systems import SYSTEMS
from tf_ssae.experiments.thesis import DATASET_NAMES

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
        anomalies: the configurations it rests on.
        runs, expected: how many runs it rests on, and how many the grid has.
        warned: how many of the runs have a warning, such as a GAN that collapsed.
    """

    mean: float
    configurations_sd: float | None
    seeds_sd: float | None
    anomalies: tuple
    runs: int
    expected: int
    warned: int


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
        anomalies=tuple(configurations),
        runs=len(values),
        expected=sum(run.detector == system.detector and run.dataset == dataset for run in stored.grid.runs),
        warned=sum(bool(run.warning) for run in stored.of_detector(system.detector, dataset)),
    )


def text(stored, metric="average_precision"):
    """The table for a terminal, with notes."""
    cells, best = _cells(stored, metric), _best(stored, metric)
    lines = [f"{METRICS[metric].capitalize()}, grid {stored.grid.name}, scale {stored.scale.name}; in brackets the thesis'."]
    lines.append(f"{'':12}" + "".join(f"{DATASET_NAMES[dataset]:>40}" for dataset in stored.datasets))
    for system in SYSTEMS:
        row = f"{system.name:12}"
        for dataset in stored.datasets:
            mark = "*" if best.get(dataset) == system.name else " "
            row += f"{_plain(cells[system.name, dataset]) + mark + '[' + _printed(system, dataset) + ']':>40}"
        lines.append(row)
    return "\n".join([*lines, *(["* the best of its column."] if best else []), *notes(stored, metric)])


def markdown(stored, metric="average_precision"):
    """The table in Markdown, without the notes. The best of every column is bold, if all rest on the same configurations."""
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
    names = [field.name for field in dataclasses.fields(Cell) if field.name != "anomalies"]
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(["grid", "scale", "metric", "system", "detector", "score", "dataset", "configurations", *names, "thesis"])
    for system, dataset in _keys(stored):
        found = cell(stored, system, dataset, metric)
        writer.writerow(
            [stored.grid.name, stored.scale.name, metric, system.name, system.detector, system.score, dataset]
            + ([len(found.anomalies), *(getattr(found, name) for name in names)] if found else [0] + [""] * len(names))
            + [thesis.TABLE_5_1[system.name].get(dataset, "")]
        )
    return output.getvalue()


def notes(stored, metric="average_precision"):
    """Sentences: what the numbers are, where they are incomplete, what failed, what to be wary of."""
    shares = ", ".join(f"{DATASET_NAMES[dataset]} {stored.share(dataset):.3f}" for dataset in stored.datasets)
    said = [
        "Mean over configurations (each the mean of its seeds) ± standard deviation over configurations; seeds: the deviation "
        "over seeds, where there are several; then the runs it rests on, of those in the grid.",
        f"Share of anomalies, the average precision of a useless score: {shares}.",
    ]
    if metric == "pr_auc_trapezoid":
        said.append("Of a constant score the trapezoid PR-AUC is (1 + share) / 2: it decides nothing.")
    if stored.missing:
        there = stored.datasets
        absent = [DATASET_NAMES[name] for name in dict.fromkeys(run.dataset for run in stored.grid.runs) if name not in there]
        nothing = f" Nothing of {', '.join(absent)}." if absent else ""
        said.append(f"Incomplete: {len(stored.runs)} of the grid's {len(stored.grid.runs)} runs are stored.{nothing}")
    for dataset in stored.datasets:
        found = {row.anomalies for row in (cell(stored, system, dataset) for system in SYSTEMS) if row}
        if len(found) > 1:
            said.append(
                f"{DATASET_NAMES[dataset]}: the rows rest on different configurations, so their means do not compare; "
                "the paired differences do."
            )
        elif len(*found) < len(CONFIGURATIONS) and dataset in thesis.TABLE_5_1["AE"]:
            said.append(
                f"{DATASET_NAMES[dataset]}: only of configuration {', '.join(map(str, *found))}; the thesis' numbers are means "
                "over ten."
            )
    said += [f"Failed, so without scores: {run.name}: {run.failed}" for run in stored.failed]
    for detector in dict.fromkeys(system.detector for system in SYSTEMS):
        warned = [run for run in stored.of_detector(detector) if run.warning]
        if warned:
            names = ", ".join(run.name for run in warned[:3]) + (f" and {len(warned) - 3} more" if len(warned) > 3 else "")
            said.append(f"† {detector}: {len(warned)} runs have a warning ({names}): {warned[0].warning}")
    return said


def above_chance(stored, system, dataset):
    """How far its average precision lies above the share of anomalies.

    Returns:
        In how many configurations it does, and the significance.Comparison of the difference; None if nothing is stored.
    """
    shares = {(run.anomaly, run.seed): run.share for run in stored.of_detector(system.detector, dataset)}
    excess = {key: value - shares[key] for key, value in stored.of_system(system, dataset).items()}
    if not excess:
        return None
    above = sum(np.mean(found) > 0 for found in significance.of_configurations(excess).values())
    return int(above), significance.mean_with_interval(excess)


def sanity(stored):
    """Whether each system beats chance, and where it does not, what is known of it: a line each."""
    lines = []
    for dataset, system in itertools.product(stored.datasets, SYSTEMS):
        found = above_chance(stored, system, dataset)
        if found is None:
            continue
        above, excess = found
        line = (
            f"{DATASET_NAMES[dataset]:14} {system.name:11} above chance in {above} of {excess.configurations} configurations, "
        )
        line += f"by {excess.difference:+.3f} on average"
        line += "" if excess.low is None else f" ({excess.low:+.3f}, {excess.high:+.3f})"
        doubt = _doubt(stored, system, dataset, excess)
        lines.append(f"{line}; {doubt}" if doubt else line)
    return lines


def doubts(stored):
    """A sentence for every system that is not surely better than chance on a data set."""
    pairs = [(dataset, system, above_chance(stored, system, dataset)) for system, dataset in _keys(stored)]
    said = [(dataset, system, _doubt(stored, system, dataset, found[1])) for dataset, system, found in pairs if found]
    return [f"{DATASET_NAMES[dataset]}, {system.markdown}: {doubt}" for dataset, system, doubt in said if doubt]


def _doubt(stored, system, dataset, excess):
    """What is known of a system that is not surely better than chance; empty if it is, or if that cannot be told."""
    if excess.low is None or excess.low > 0:
        return ""
    runs = stored.of_detector(system.detector, dataset)
    trained, full = runs[0].stored["config"], preset(dataset, detector=system.detector)
    steps = trained["epochs"] * (runs[0].stored["metrics"]["train_images"] // trained["batch_size"])
    printed = thesis.TABLE_5_1[system.name].get(dataset)
    sentences = [
        "not surely better than chance" + (f", unlike the thesis' {printed}." if printed else "."),
        f"Its runs were {steps:,} steps long, {trained['epochs']} of the {full.epochs} epochs of its preset.",
        *sorted({run.warning for run in runs if run.warning}),
    ]
    return " ".join(sentences)


def sanity_markdown(stored):
    """The same as a table: in how many configurations it is above chance, and by how much on average."""
    lines = ["| | " + " | ".join(DATASET_NAMES[dataset] for dataset in stored.datasets) + " |"]
    lines.append("|---" * (len(stored.datasets) + 1) + "|")
    for system in SYSTEMS:
        found = [above_chance(stored, system, dataset) for dataset in stored.datasets]
        if any(found):
            lines.append(f"| {system.markdown} | " + " | ".join(_above(*pair) if pair else "–" for pair in found) + " |")
    return "\n".join(lines)


def _above(count, excess):
    interval = "" if excess.low is None else f" ({excess.low:+.3f}, {excess.high:+.3f})"
    return f"{count} of {excess.configurations}, {excess.difference:+.3f}{interval}"


def _keys(stored):
    return itertools.product(SYSTEMS, stored.datasets)


def _cells(stored, metric):
    return {(system.name, dataset): cell(stored, system, dataset, metric) for system, dataset in _keys(stored)}


def _best(stored, metric):
    """`{dataset: name of the best system}` of the data sets whose rows rest on the same configurations."""
    cells, best = _cells(stored, metric), {}
    for dataset in stored.datasets:
        found = {name: cell for (name, of), cell in cells.items() if of == dataset and cell}
        if len({cell.anomalies for cell in found.values()}) == 1 and len(found) > 1:
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
    return f"{mark}{found.mean:.4f}{mark}{spread}{seeds} ({found.runs}/{found.expected}){warned}"


_FORMATS = {"text": text, "markdown": markdown, "csv": as_csv}


def main(argv):
    del argv
    stored, chosen, metric = reading.load(), flags.FLAGS.format, flags.FLAGS.metric
    print(_FORMATS[chosen](stored, metric).rstrip("\n"))
    if chosen == "markdown":
        print("\n" + "\n".join(f"* {note}" for note in notes(stored, metric)))
    if chosen == "text":
        print("\n" + "\n".join(sanity(stored)) + "\n\n" + significance.text(stored))


if __name__ == "__main__":
    reading.define_flags()
    flags.DEFINE_enum("metric", "average_precision", sorted(METRICS), "Which metric.")
    flags.DEFINE_enum("format", "text", sorted(_FORMATS), "As text, with checks and comparisons; or the table in another form.")
    app.run(main)
