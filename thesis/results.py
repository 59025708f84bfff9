"""Stored results: one JSON file per run, `RESULTS/GRID/SCALE/NAME.json`, written once and never
changed; read as pandas tables.
"""

import dataclasses
import functools
import json
import os
import pathlib
from typing import Any

import pandas as pd

from tf_ssae.system import files
from thesis.grids import GRIDS, Grid, Run, Scale
from thesis.systems import DATASET_NAMES, SYSTEMS, System

DEFAULT = "results"
FORMAT = 1
METRICS = {
    "average_precision": "average precision",
    "pr_auc_trapezoid": "trapezoid PR-AUC",
    "auroc": "AUROC",
    "average_precision_at_0.1": "average precision at a share of anomalies of 0.1",
}
# The column of a run's history for each kind of test image, "normal" and "anomalous".
ROTATION_ACCURACY = "test_rotation_accuracy_{}"

# In these fields of Config the runs of a grid differ, and in those that a run's `settings` name.
# Runs of one data set and detector that differ in any other field cannot be averaged.
_VARIES = ["dataset", "anomaly", "detector", "seed"]
_SYSTEM_NAMES = {(system.detector, system.score): system.name for system in SYSTEMS}


@dataclasses.dataclass(frozen=True)
class Results:
    """All stored results of a grid at one scale.

    Attributes:
        folder: where they are.
        runs: a row per run, failed ones too, in the grid's order: `name`, `dataset`, `anomaly`,
            `detector`, `seed`, `settings` as grids.Run has them; `seconds`, wall time, at least the
            training; `failed`, why it gave no scores, or None; `warning`, such as that a GAN
            collapsed, or None; `checked`, whether its version looks for everything that is warned
            of; `stored`, all that its file holds.
    """

    grid: Grid
    scale: Scale
    folder: pathlib.Path
    runs: pd.DataFrame

    @property
    def done(self) -> pd.DataFrame:
        """The runs that did not fail."""
        return self.runs[self.runs.failed.isna()]

    @functools.cached_property
    def scores(self) -> pd.DataFrame:
        """A row per score of each run that did not fail: the run's `dataset`, `anomaly`,
        `detector`, `seed` and `settings`; `score`; `system`, its row of table 5.1; `share`, of
        anomalies among the test images, the average precision of a useless score; and METRICS.
        """
        of_run = [*_VARIES, "settings"]
        rows = [
            {
                **{name: getattr(run, name) for name in of_run},
                **{"score": score, "system": _SYSTEM_NAMES.get((run.detector, score))},
                **{"share": run.stored["metrics"]["share"], **metrics},
            }
            for run in self.done.itertuples()
            for score, metrics in run.stored["metrics"]["scores"].items()
        ]
        return pd.DataFrame(rows, columns=[*of_run, "score", "system", "share", *METRICS])

    def of_system(
        self, system: System, dataset: str, metric: str = "average_precision"
    ) -> pd.Series:
        """A column of `scores` for a row of table 5.1, by `(anomaly, seed)`."""
        found = self.scores.query("system == @system.name and dataset == @dataset")
        return found.set_index(["anomaly", "seed"])[metric].sort_index()

    @property
    def missing(self) -> list[Run]:
        """The runs of the grid that have no stored result."""
        there = set(self.runs.name)
        return [run for run in self.grid.runs if run.name not in there]

    @property
    def datasets(self) -> list[str]:
        """The data sets that have scores."""
        return [name for name in DATASET_NAMES if name in set(self.done.dataset)]

    def share(self, dataset: str) -> float:
        """The mean share of anomalies in the test sets of a data set."""
        of_runs = self.done[self.done.dataset == dataset].stored
        return float(of_runs.map(lambda stored: stored["metrics"]["share"]).mean())


def warnings(runs: pd.DataFrame) -> str:
    """`3 of 10 runs with a warning`, and how many others may have missed theirs; empty if there is
    nothing to say.
    """
    warned, unsure = runs.warning.notna(), runs.warning.isna() & ~runs.checked
    if not warned.any() and not unsure.any():
        return ""
    said = f"{warned.sum()} of {len(runs)} runs with a warning"
    if unsure.any():
        said += (
            f" (in another {unsure.sum()} an older version did not check whether the networks"
            " invert each other)"
        )
    return said


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def run_command(grid: str, scale: Scale, **filters: Any) -> str:
    """The command that trains the runs of a grid, one line."""
    given = {"grid": grid, **scale.settings, **filters}
    return "python -m thesis.run " + " ".join(f"--{name}={value}" for name, value in given.items())


def path_of(root: str | os.PathLike, grid: str, scale: Scale, name: str) -> pathlib.Path:
    """Where the result of the run `name` is, or will be."""
    return pathlib.Path(root) / grid / scale.name / f"{name}.json"


def write(path: pathlib.Path, value: dict[str, Any]) -> bool:
    """Writes a result in one piece. Returns False, and leaves what is there, if there is one."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1) + "\n")
    return True


def scales(root: str | os.PathLike, grid: str) -> list[str]:
    """The names of the scales at which something of a grid is stored, `full` first."""
    names = {file.parent.name for file in (pathlib.Path(root) / grid).glob("*/*.json")}
    return sorted(names, key=lambda name: (name != "full", name))


def load(root: str | os.PathLike, grid_name: str, scale_name: str | None = None) -> Results:
    """The Results of a grid.

    Args:
        root: the folder of all results.
        scale_name: the name of a Scale; None: the only one that there is.

    Raises:
        ValueError: nothing is stored; there are several scales and none was named; a file is
            corrupt or in the wrong place; or runs cannot be averaged: of one data set and detector
            with different settings, or of one configuration on different splits.
    """
    grid, there = GRIDS[grid_name], scales(root, grid_name)
    if scale_name is None and len(there) > 1:
        raise ValueError(
            f"Grid {grid_name} has results of several scales, which do not mix:"
            f" --scale={'|'.join(there)}."
        )
    if not there or scale_name not in (None, *there):
        at = f" at scale {scale_name}" if scale_name else ""
        elsewhere = f" There are some at {', '.join(there)}." if there else ""
        raise ValueError(
            f"Nothing is stored of grid {grid_name}{at} in {root}/{grid_name}.{elsewhere} To train:"
            f" {run_command(grid_name, Scale())}, with --max_train_images, --epochs and"
            " --max_test_images for a smaller scale."
        )
    folder = pathlib.Path(root) / grid_name / (scale_name or there[0])
    found = {file.stem: _read(file, grid_name) for file in sorted(folder.glob("*.json"))}
    if unknown := found.keys() - {run.name for run in grid.runs}:
        raise ValueError(
            f"{folder} holds results that are not of grid {grid_name}:"
            f" {', '.join(sorted(unknown))}."
        )
    runs = pd.DataFrame([found[run.name] for run in grid.runs if run.name in found])
    _require_alike(folder, runs)
    return Results(grid, Scale(**runs.stored[0]["scale"]), folder, runs)


def _read(file: pathlib.Path, grid_name: str) -> dict[str, Any]:
    """A row of `Results.runs`."""
    try:
        stored = json.loads(file.read_text())
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']}, expected {FORMAT}")
        place = (stored["grid"], Scale(**stored["scale"]).name, stored["name"])
        metrics = {} if stored["failed"] else stored["metrics"]
        if not stored["failed"]:
            _ = metrics["scores"], metrics["share"], stored["history"], stored["split_fingerprint"]
        health = metrics.get("health")
        row = {
            **{name: stored["config"][name] for name in _VARIES},
            **{name: stored[name] for name in ("name", "failed", "seconds")},
            "settings": tuple(stored["settings"].items()),
            "warning": " ".join(health["warnings"]) or None if health else None,
            # Only GANs have a health.
            "checked": not health or "reconstruction_explained" in health,
            "stored": stored,
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is not a stored result: {error!r}.") from error
    if place != (grid_name, file.parent.name, file.stem):
        raise ValueError(
            f"{file} belongs to {'/'.join(place)}.json: results of different grids or scales do not"
            " mix."
        )
    return row


def _require_alike(folder: pathlib.Path, runs: pd.DataFrame) -> None:
    """Raises ValueError unless the runs differ only in what the grid varies."""
    configs: dict[Any, Any] = {}
    splits: dict[Any, Any] = {}
    for run in runs.itertuples():
        config, varied = run.stored["config"], dict(run.settings)
        first, known = configs.setdefault(
            (run.dataset, run.detector, tuple(varied)), (run.name, config)
        )
        # A field that one of the two versions did not have yet had its default's meaning.
        common = (config.keys() & known.keys()) - {*_VARIES, *varied}
        if different := [name for name in sorted(common) if config[name] != known[name]]:
            settings = ", ".join(f"{name} {known[name]} and {config[name]}" for name in different)
            raise ValueError(
                f"{folder} mixes runs of different settings: {first} and {run.name} have"
                f" {settings}. Move those that are not meant to be there to another folder."
            )
        if run.stored["failed"]:
            continue
        split = run.stored["split_fingerprint"]
        first, known = splits.setdefault((run.dataset, run.anomaly), (run.name, split))
        if split != known:
            raise ValueError(f"{folder} mixes splits: {first} and {run.name} saw different images.")
