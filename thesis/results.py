"""Stored results: one JSON file a run, `RESULTS/GRID/SCALE/NAME.json`, written once and never
changed.
"""

import dataclasses
import json
import os
import pathlib

import numpy as np

from thesis.grids import GRIDS, Scale

# The column of a run's history for each kind of test image, "normal" and "anomalous".
ROTATION_ACCURACY = "test_rotation_accuracy_{}"

DEFAULT = "results"
FORMAT = 1
# In these fields of Config the runs of a grid differ, and in those that a run's `settings` name.
# Runs of one data set and detector that differ in any other field cannot be averaged.
_VARIES = {"dataset", "anomaly", "detector", "seed"}


@dataclasses.dataclass(frozen=True)
class Result:
    """What is stored of one run.

    Attributes:
        stored: the whole content of its file.
    """

    stored: dict

    @property
    def name(self):
        return self.stored["name"]

    @property
    def dataset(self):
        return self.stored["config"]["dataset"]

    @property
    def anomaly(self):
        return self.stored["config"]["anomaly"]

    @property
    def detector(self):
        return self.stored["config"]["detector"]

    @property
    def seed(self):
        return self.stored["config"]["seed"]

    @property
    def settings(self):
        """`{name: value}` of what sets it apart inside its grid, beside the four above."""
        return self.stored["settings"]

    @property
    def failed(self):
        """Why it gave no scores; None if it did."""
        return self.stored["failed"]

    @property
    def warning(self):
        """What was wrong with its training, such as a GAN that collapsed; None if
        nothing was seen.
        """
        return (
            " ".join(((self.stored["metrics"] or {}).get("health") or {}).get("warnings", ()))
            or None
        )

    @property
    def looked_for_all(self):
        """Whether the version that trained it looks for all that `warning` can tell, which concerns
        GANs alone.
        """
        health = (self.stored["metrics"] or {}).get("health")
        return not health or "reconstruction_explained" in health

    @property
    def share(self):
        """Of anomalies among its test images: the average precision of a useless score."""
        return self.stored["metrics"]["share"]

    @property
    def seconds(self):
        """How long it took, wall time: at least the training, which may have been spread over
        several processes.
        """
        return self.stored["seconds"]

    def metric(self, score, metric):
        """A metric of one of its scores; raises KeyError for a score it does not have."""
        return self.stored["metrics"]["scores"][score][metric]


@dataclasses.dataclass(frozen=True)
class Results:
    """All stored results of a grid at one scale.

    Attributes:
        grid: the Grid.
        scale: the Scale.
        folder: where they lie.
        runs: the Results, those of failed runs too, in the grid's order.
    """

    grid: object
    scale: Scale
    folder: pathlib.Path
    runs: tuple

    @property
    def failed(self):
        return [run for run in self.runs if run.failed]

    @property
    def missing(self):
        """The runs of the grid, grids.Run, of which nothing is stored."""
        there = {run.name for run in self.runs}
        return [run for run in self.grid.runs if run.name not in there]

    def of_detector(self, detector, dataset=None, **settings):
        """The runs of a detector that did not fail, with these settings, or with none."""
        return [
            run
            for run in self.runs
            if run.detector == detector
            and not run.failed
            and run.settings == settings
            and dataset in (None, run.dataset)
        ]

    def of_system(self, system, dataset, metric="average_precision"):
        """`{(anomaly, seed): value}` of a row of table 5.1."""
        return {
            (run.anomaly, run.seed): run.metric(system.score, metric)
            for run in self.of_detector(system.detector, dataset)
        }

    @property
    def datasets(self):
        """Those of which there are scores, in the grid's order."""
        there = {run.dataset for run in self.runs if not run.failed}
        return [
            name for name in dict.fromkeys(run.dataset for run in self.grid.runs) if name in there
        ]

    def share(self, dataset):
        """The mean share of anomalies in the test sets of a data set."""
        return float(
            np.mean([run.share for run in self.runs if run.dataset == dataset and not run.failed])
        )


def warnings(runs):
    """A sentence on the warnings that runs of a detector have, the first of them in full; empty if
    there is nothing to say.
    """
    warned = [run for run in runs if run.warning]
    unsure = [run for run in runs if not run.warning and not run.looked_for_all]
    if not warned and not unsure:
        return ""
    said = f"{len(warned)} of {len(runs)} runs have a warning"
    if unsure:
        said += (
            f"; {len(unsure)} without one are of a version that did not yet look whether its"
            " networks invert each other"
        )
    return f"{said}." + (f" The first, {warned[0].name}: {warned[0].warning}" if warned else "")


def run_command(grid, scale, **filters):
    """The command that trains the runs of a grid, one line."""
    given = {"grid": grid, **scale.settings, **filters}
    return "python -m thesis.run " + " ".join(f"--{name}={value}" for name, value in given.items())


def path_of(root, grid_name, scale, name):
    """Where the result of the run `name` is, or will be."""
    return pathlib.Path(root) / grid_name / scale.name / f"{name}.json"


def write(path, value):
    """Writes a result in one piece. Returns False, and leaves what is there, if there is one
    already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=1) + "\n")
    try:
        os.link(temporary, path)
        return True
    except FileExistsError:
        return False
    finally:
        temporary.unlink()


def scales(root, grid_name):
    """The names of the scales at which something of a grid is stored, `full` first."""
    folder = pathlib.Path(root) / grid_name
    names = {file.parent.name for file in folder.glob("*/*.json")}
    return sorted(names, key=lambda name: (name != "full", name))


def load(root, grid_name, scale_name=None):
    """The Results of a grid.

    Args:
        root: the folder of all results.
        scale_name: the name of a Scale; None: the only one that there is.

    Raises:
        ValueError: nothing is stored; there are several scales and none was named; a file is
            corrupt or does not belong where it lies; or runs cannot be averaged: of one data set
            and detector with different settings, or of one configuration on different splits.
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
    found = {
        run.name: run for run in (_read(file, grid_name) for file in sorted(folder.glob("*.json")))
    }
    order = {run.name: i for i, run in enumerate(grid.runs)}
    unknown = sorted(set(found) - set(order))
    if unknown:
        raise ValueError(
            f"{folder} holds what is no run of grid {grid_name}: {', '.join(unknown)}."
        )
    runs = sorted(found.values(), key=lambda run: order[run.name])
    _require_alike(folder, runs)
    return Results(grid, Scale(**runs[0].stored["scale"]), folder, tuple(runs))


def _read(file, grid_name):
    try:
        stored = json.loads(file.read_text())
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']}, expected {FORMAT}")
        run = Result(stored)
        place = (stored["grid"], Scale(**stored["scale"]).name, run.name)
        if not run.failed:
            _ = (
                run.share,
                run.stored["metrics"]["scores"],
                run.stored["history"],
                run.stored["split_fingerprint"],
            )
        _ = (run.dataset, run.anomaly, run.detector, run.seed, run.settings, run.seconds)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is no stored result: {error!r}.") from error
    if place != (grid_name, file.parent.name, file.stem):
        raise ValueError(
            f"{file} belongs to {'/'.join(place)}.json: results of different grids or scales do not"
            " mix."
        )
    return run


def _require_alike(folder, runs):
    """Raises ValueError unless the runs differ only in what the grid varies."""
    configs, splits = {}, {}
    for run in runs:
        config = {
            name: value
            for name, value in run.stored["config"].items()
            if name not in _VARIES and name not in run.settings
        }
        first, known = configs.setdefault(
            (run.dataset, run.detector, tuple(run.settings)), (run.name, config)
        )
        # A field that one of the two versions did not have yet had its default's meaning.
        different = [name for name in config if name in known and config[name] != known[name]]
        if different:
            settings = ", ".join(f"{name} {known[name]} and {config[name]}" for name in different)
            raise ValueError(
                f"{folder} mixes runs of different settings: {first} and {run.name} have"
                f" {settings}. Move those that are not meant to be there to another folder."
            )
        if not run.failed:
            split = run.stored["split_fingerprint"]
            first, known = splits.setdefault((run.dataset, run.anomaly), (run.name, split))
            if split != known:
                raise ValueError(
                    f"{folder} mixes splits: {first} and {run.name} saw different images."
                )
