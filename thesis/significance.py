"""Whether OURS is better than each other system, and each system better than chance.

    python -m thesis.significance --scale=full

Both of a pair saw the same images, with the same seed. Differences are averaged over the seeds of a
configuration, then over configurations. The 95% interval is Student's t over configurations: it is
symmetric, so differences that are skewed to the right reach 0 sooner than with a resampled one.
"""

import itertools
from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd
from scipy import stats

from thesis import reading
from thesis.results import Results, warnings
from thesis.systems import BY_NAME, DATASET_NAMES, OTHERS, OURS, SYSTEMS, System

COMPARED = ("OURS A_ws", "OURS A_max")
# With fewer configurations nobody can see whether they are near normal, as Student's t assumes; and
# those that were trained first were not chosen at random.
_FEWEST = 5
_WORDS = {
    "better": "better than",
    "worse": "worse than",
    "undecided": "undecided against",
    "untested": "too few configurations to compare with",
}
# A thesis' mean of ten configurations so little above the share of anomalies says that its system
# was useless as well.
_NEAR = 0.05


def compare(ours: pd.Series, other: pd.Series) -> dict[str, Any] | None:
    """The mean difference of values by `(anomaly, seed)`, over the keys of both.

    Returns:
        `difference`; `configurations`, on how many it rests, and in how many it is `above` 0; `low`
        and `high` of the 95% interval, NaN of fewer than five configurations; and the `verdict`:
        better or worse; undecided where the interval holds 0; untested without one. None if they
        share no key.
    """
    values = (ours - other).dropna().groupby("anomaly").mean()
    if values.empty:
        return None
    mean, count, half, verdict = values.mean(), len(values), float("nan"), "untested"
    if count >= _FEWEST:
        half = stats.sem(values) * stats.t.interval(0.95, count - 1)[1]
        verdict = "undecided" if abs(mean) <= half else "better" if mean > 0 else "worse"
    found = {"difference": mean, "low": mean - half, "high": mean + half, "verdict": verdict}
    return {**found, "configurations": count, "above": int((values > 0).sum())}


def against_others(stored: Results, compared: Collection[str] = COMPARED) -> pd.DataFrame:
    """A row for each data set and pair of which there is something to compare: `dataset`, `system`,
    one of `compared`; `other`, one that is not OURS; and what `compare` finds in average precision.
    """
    return _compared(stored, itertools.product([BY_NAME[name] for name in compared], OTHERS))


def against_chance(stored: Results) -> pd.DataFrame:
    """The same of each system and the share of anomalies, which is what a useless score has."""
    return _compared(stored, ((system, None) for system in SYSTEMS))


def _compared(stored: Results, pairs: Iterable[tuple[System, System | None]]) -> pd.DataFrame:
    rows = []
    for dataset, (system, other) in itertools.product(stored.datasets, pairs):
        than = stored.of_system(other or system, dataset, "average_precision" if other else "share")
        if found := compare(stored.of_system(system, dataset), than):
            names = {"system": system.name, "other": other.name if other else "chance"}
            rows.append({"dataset": dataset, **names, **found})
    columns = ["dataset", "system", "other", "difference", "low", "high", "verdict"]
    found = pd.DataFrame(rows, columns=[*columns, "configurations", "above"])
    found["shown"] = pd.Series([_shown(row) for row in found.itertuples()], dtype=str)
    return found


def _shown(row: Any) -> str:
    """`+0.034 (+0.010, +0.051)`."""
    interval = "no interval" if pd.isna(row.low) else f"{row.low:+.3f}, {row.high:+.3f}"
    return f"{row.difference:+.3f} ({interval})"


def markdown(stored: Results) -> str:
    """The differences, bold where the sign is sure: a row for each other system, a column for each
    data set and score of ours.
    """
    found = against_others(stored)
    sure = found.verdict.isin(["better", "worse"])
    bold = found.shown.str.replace(r"^(\S+)", r"**\1**", regex=True)
    columns = found.dataset.map(DATASET_NAMES) + ", " + found.system.map(_markdown)
    return _table(found.other, columns, found.shown.mask(sure, bold))


def markdown_against_chance(stored: Results) -> str:
    """In how many configurations each system is better than chance, and by how much on average."""
    found = against_chance(stored)
    counts = found.above.astype(str) + " of " + found.configurations.astype(str)
    return _table(found.system, found.dataset.map(DATASET_NAMES), counts + ", " + found.shown)


def _table(systems: pd.Series, columns: pd.Series, cells: pd.Series) -> str:
    table = pd.DataFrame({"": systems.map(_markdown), "column": columns, "cell": cells})
    table = table.pivot(index="", columns="column", values="cell")
    rows = [system.markdown for system in SYSTEMS if system.markdown in table.index]
    table = table.reindex(index=rows, columns=columns.unique()).fillna("–")
    return table.to_markdown(tablefmt="github", disable_numparse=True)


def _markdown(name: str) -> str:
    return BY_NAME[name].markdown


def sentences(stored: Results) -> list[str]:
    """What may be claimed of each score of ours on each data set: which systems it beats, which
    beat it, and where that is not sure or cannot be tested.
    """
    found = against_others(stored)
    return [
        f"{DATASET_NAMES[dataset]}, {_markdown(system)}: "
        + "; ".join(
            f"{words} {', '.join(map(_markdown, rows.other[rows.verdict == verdict]))}"
            for verdict, words in _WORDS.items()
            if (rows.verdict == verdict).any()
        )
        + "."
        for (dataset, system), rows in found.groupby(["dataset", "system"], sort=False)
    ]


def doubts(stored: Results, named: str = "markdown") -> list[str]:
    """Which systems are not surely better than chance, a sentence for each data set and length of
    training.

    Args:
        named: the attribute of a System that names it.
    """
    doubted: dict[tuple[str, str], list[str]] = {}
    for row in against_chance(stored).query("low <= 0").itertuples():
        system, runs = BY_NAME[row.system], stored.done[stored.done.dataset == row.dataset]
        runs = runs[runs.detector == system.detector]
        printed, near = system.thesis.get(row.dataset), ""
        if printed is not None:
            near = ", near chance too" if printed - stored.share(row.dataset) < _NEAR else ""
            near = f" (thesis {printed:.4f}{near})"
        facts = "; ".join(filter(None, [f"{steps(runs):,} steps per run", warnings(runs)]))
        doubted.setdefault((row.dataset, facts), []).append(getattr(system, named) + near)
    return [
        f"{DATASET_NAMES[dataset]}, not surely better than chance: {', '.join(names)}; {facts}."
        for (dataset, facts), names in doubted.items()
    ]


def steps(runs: pd.DataFrame) -> int:
    """How many steps the first of the runs was trained for."""
    stored = runs.stored.iloc[0]
    config = stored["config"]
    return config["epochs"] * (stored["metrics"]["train_images"] // config["batch_size"])


def text(found: pd.DataFrame) -> str:
    """Comparisons for a terminal, a line each."""
    shown = found.assign(
        dataset=found.dataset.map(DATASET_NAMES),
        above=found.above.astype(str) + " of " + found.configurations.astype(str),
    )
    columns = {"shown": "difference (95% interval)", "above": "above 0 in"}
    return shown.rename(columns=columns)[
        ["dataset", "system", "other", *columns.values(), "verdict"]
    ].to_string(index=False)


if __name__ == "__main__":
    found = reading.load(reading.parser(__doc__).parse_args())
    print(text(against_others(found, [system.name for system in OURS])))
