"""Table 5.1 from stored results: ours beside the thesis' numbers, what each cell rests on, and
where it is incomplete.

    python -m thesis.table --scale=full
    python -m thesis.table --scale=full --metric=pr_auc_trapezoid --format=markdown

It takes a second. The headline is average precision; the thesis prints "PR-AUC", which may be the
trapezoid one.
"""

from typing import Any

import pandas as pd

from thesis import reading, results, significance
from thesis.grids import CONFIGURATIONS
from thesis.results import METRICS, Results
from thesis.systems import BY_NAME, DATASET_NAMES, LARGEST_IMPROVEMENTS, SYSTEMS


def cells(stored: Results, metric: str = "average_precision") -> pd.DataFrame:
    """A row for each system and data set, by these two, in the table's order.

    Columns: `mean`, over configurations, each the mean of its seeds; `configurations_sd`, the
    standard deviation over configurations; `seeds_sd`, the mean over configurations of the
    deviation over seeds; `configurations` and `runs`, how many it rests on; `expected`, how many
    runs the grid has; `warned`, how many of the runs have a warning; `thesis`, what it prints;
    `keys`, the `(anomaly, seed)` of the runs. What there is nothing of is NaN.
    """
    by, scores = ["system", "dataset"], stored.scores
    scores = scores.assign(key=list(zip(scores.anomaly, scores.seed)))
    found = scores.groupby([*by, "anomaly"])[metric].agg(["mean", "std", "count"])
    found = found.groupby(by).agg(
        mean=("mean", "mean"),
        configurations_sd=("mean", "std"),
        seeds_sd=("std", "mean"),
        configurations=("mean", "size"),
        runs=("count", "sum"),
    )
    found["keys"] = scores.groupby(by).key.agg(lambda keys: tuple(sorted(keys)))
    order = pd.MultiIndex.from_product([BY_NAME, stored.datasets], names=by)
    found = found.reindex(order)
    trained = [(BY_NAME[name].detector, dataset) for name, dataset in order]
    planned = [(run.detector, run.dataset) for run in stored.grid.runs]
    warned = stored.done[stored.done.warning.notna()]
    warned = list(zip(warned.detector, warned.dataset))
    return found.assign(
        expected=[planned.count(pair) for pair in trained],
        warned=[warned.count(pair) for pair in trained],
        thesis=[BY_NAME[name].thesis.get(dataset) for name, dataset in order],
    )


def text(stored: Results, metric: str = "average_precision") -> str:
    """The table for a terminal, with notes, and for average precision with comparisons."""
    lines = [
        f"{METRICS[metric].capitalize()}, grid {stored.grid.name}, scale {stored.scale.name}:",
        _table(stored, metric, "plain", "name", "*"),
        *notes(stored, metric),
    ]
    if metric == "average_precision":
        lines += ["", significance.text(significance.against_chance(stored))]
        lines += significance.doubts(stored, "name")
        lines += ["", significance.text(significance.against_others(stored))]
    return "\n".join(lines)


def markdown(stored: Results, metric: str = "average_precision") -> str:
    """The table in Markdown, without the notes."""
    return _table(stored, metric, "github", "markdown", "**")


def _table(stored: Results, metric: str, style: str, named: str, mark: str) -> str:
    """The largest value of a column is marked; of ours, only if all rows rest on the same runs."""
    found, table = cells(stored, metric), pd.DataFrame(index=[getattr(s, named) for s in SYSTEMS])
    for dataset in stored.datasets:
        rows = found.xs(dataset, level="dataset")
        best, best_printed = _best(rows), rows.thesis == rows.thesis.max()
        ours = [_shown(row, mark * (row.Index == best)) for row in rows.itertuples()]
        table[DATASET_NAMES[dataset]] = ours
        printed = [
            "–" if pd.isna(value) else f"{mark * marked}{value:.4f}{mark * marked}"
            for value, marked in zip(rows.thesis, best_printed)
        ]
        table[f"thesis, {DATASET_NAMES[dataset]}"] = printed
    table.columns = [title.partition(",")[0] for title in table.columns]
    return table.to_markdown(tablefmt=style, disable_numparse=True)


def _best(rows: pd.DataFrame) -> str | None:
    """The system of a data set with the largest mean, if all of them rest on the same runs."""
    there = rows.dropna(subset="mean")
    return there["mean"].idxmax() if len(there) > 1 and there["keys"].nunique() == 1 else None


def _shown(row: Any, mark: str) -> str:
    """`0.6187 ± 0.212, seeds 0.010 (10/30) †`."""
    if pd.isna(row.mean):
        return "–"
    spread = "" if pd.isna(row.configurations_sd) else f" ± {row.configurations_sd:.3f}"
    seeds = "" if pd.isna(row.seeds_sd) else f", seeds {row.seeds_sd:.3f}"
    warned = " †" if row.warned else ""
    return f"{mark}{row.mean:.4f}{mark}{spread}{seeds} ({row.runs:.0f}/{row.expected}){warned}"


def as_csv(stored: Results, metric: str = "average_precision") -> str:
    """A row per cell, with all of it; empty where nothing is stored."""
    found = cells(stored, metric).drop(columns="keys").fillna({"configurations": 0, "runs": 0})
    systems = [BY_NAME[name] for name, _ in found.index]
    found = found.assign(
        grid=stored.grid.name,
        scale=stored.scale.name,
        metric=metric,
        detector=[system.detector for system in systems],
        score=[system.score for system in systems],
    )
    return found.to_csv()


def notes(stored: Results, metric: str = "average_precision") -> list[str]:
    """What the numbers are, where they are incomplete, what failed, what to be wary of."""
    shares = [f"{DATASET_NAMES[name]} {stored.share(name):.3f}" for name in stored.datasets]
    said = [
        "Mean over configurations (each the mean of its seeds) ± standard deviation over"
        " configurations; seeds: the deviation over seeds, where there are several; in brackets,"
        " the runs it rests on, of those in the grid.",
        f"Share of anomalies, the average precision of a useless score: {', '.join(shares)}.",
    ]
    if metric == "auroc":
        said.append("The AUROC of a useless score is 0.5.")
    if metric == "pr_auc_trapezoid":
        said.append(
            "A constant score has the trapezoid PR-AUC (1 + share) / 2: it decides nothing."
        )
    found = cells(stored, metric).groupby("dataset")
    if any(_best(rows.droplevel("dataset")) for _, rows in found):
        said.append("Marked: the largest mean of its column, which need not be a sure difference.")
    if stored.missing:
        planned = dict.fromkeys(run.dataset for run in stored.grid.runs)
        absent = [DATASET_NAMES[name] for name in planned if name not in stored.datasets]
        said.append(
            f"Incomplete: {len(stored.runs)} of the grid's {len(stored.grid.runs)} runs are stored."
            + (f" Nothing of {', '.join(absent)}." if absent else "")
        )
    for dataset in stored.datasets:
        said += _notes_on_rows(stored, dataset, found.get_group(dataset))
    failed = stored.runs[stored.runs.failed.notna()]
    said += [f"Failed, so without scores: {run.name}: {run.failed}" for run in failed.itertuples()]
    for detector in dict.fromkeys(system.detector for system in SYSTEMS):
        runs = stored.done[stored.done.detector == detector]
        if sentence := results.warnings(runs):
            warned = [
                f"{run.name}: {run.warning}" for run in runs.dropna(subset="warning").itertuples()
            ]
            mark, first = (" (†)", f" The first, {warned[0]}") if warned else ("", "")
            said.append(f"{detector}{mark}: {sentence}.{first}")
    return said


def _notes_on_rows(stored: Results, dataset: str, rows: pd.DataFrame) -> list[str]:
    """What keeps rows from being compared with each other, and with the thesis' numbers."""
    title, said = DATASET_NAMES[dataset], []
    if rows["keys"].nunique() > 1:
        said.append(
            f"{title}: the rows rest on different runs, so their means cannot be compared; the"
            " paired differences can."
        )
    there = sorted(set(stored.done[stored.done.dataset == dataset].anomaly))
    if len(there) < len(CONFIGURATIONS) and rows.thesis.notna().any():
        said.append(
            f"{title}: only of configuration {', '.join(map(str, there))}; the thesis' numbers are"
            " means over ten."
        )
        if dataset == "mnist" and set(there) <= set(LARGEST_IMPROVEMENTS):
            said[-1] += (
                f" Its figure 5.5 shows {', '.join(map(str, LARGEST_IMPROVEMENTS))} because its"
                " method improves most there: they may favour the method."
            )
    return said


_FORMATS = {"text": text, "markdown": markdown, "csv": as_csv}

if __name__ == "__main__":
    flags = reading.parser(__doc__)
    flags.add_argument("--metric", default="average_precision", choices=sorted(METRICS))
    flags.add_argument(
        "--format", default="text", choices=sorted(_FORMATS), help="text: with comparisons."
    )
    given = flags.parse_args()
    stored = reading.load(given)
    print(_FORMATS[given.format](stored, given.metric).rstrip("\n"))
    if given.format == "markdown":
        print("\n" + "\n".join(f"* {note}" for note in notes(stored, given.metric)))
