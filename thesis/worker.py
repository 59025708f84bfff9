"""Trains the runs of a grid that have no stored result, each in a process of its own: a crash ends
one run only.

Workers that share both folders skip what another is training: whoever trains a run holds its lock
until the result is stored, and the system frees it when the process dies.
"""

import dataclasses
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

import filelock
import pandas as pd

from tf_ssae.system.child import THREADS
from thesis import one_run, results
from thesis.grids import Grid, Run, Scale
from thesis.one_run import BUSY, FAILED, STORED, UNUSABLE

_CHILD = [sys.executable, "-m", one_run.__name__]


class GridStopped(RuntimeError):
    """Nothing could be trained: settings or data are unusable. The message is the run's own."""


@dataclasses.dataclass(frozen=True)
class Worker:
    """Trains runs of a grid.

    Attributes:
        results: the folder of all results.
        work: the folder of unfinished runs, from which they are resumed.
        say: takes each line of progress.
    """

    grid: Grid
    scale: Scale
    results: str | os.PathLike
    work: str | os.PathLike
    say: Callable[[str], None]

    def train(self, runs: Sequence[Run]) -> list[str]:
        """Trains the runs that have no result, in their order. What another process is training is
        skipped, and looked at again after the others.

        Returns:
            The names of the runs that failed: that crashed, or gave no scores.

        Raises:
            GridStopped: settings or data are unusable.
        """
        done = [run for run in runs if self._path(run).exists()]
        self.say(
            f"{len(runs)} runs at scale {self.scale.name}, {len(done)} of them stored."
            f" {self._time_left(runs)}"
        )
        # The folder of a stored run was left by a process that died after it had stored the result.
        todo = [run for run in runs if run not in done or self._folder(run).exists()]
        failed = []
        while todo:
            outcomes = {run: self._train(run, runs) for run in todo}
            failed += [run.name for run, outcome in outcomes.items() if outcome == FAILED]
            busy = [run for run, outcome in outcomes.items() if outcome == BUSY]
            if busy == todo:
                names = ", ".join(run.name for run in busy)
                self.say(f"Left to other processes, which are training them: {names}.")
                break
            todo = busy
        return failed

    def train_on(self, address: str, cpus: int, runs: Sequence[Run]) -> list[str]:
        """As `train`, on the nodes of a cluster, which share both folders and the working folder.

        Raises:
            ClusterFailed: there is no such cluster, or no node has so many CPUs.
        """
        # Else Ray would be needed on one machine too.
        from tf_ssae.cluster.runs import each

        done = [run for run in runs if self._path(run).exists()]
        self.say(f"{len(runs)} runs at scale {self.scale.name}, {len(done)} of them stored.")
        tasks = {
            run.name: functools.partial(_train_there, self, run, pathlib.Path.cwd(), cpus)
            for run in runs
            if run not in done
        }
        failed = []
        for ended in each(tasks, address, cpus):
            (run,) = (run for run in runs if run.name == ended.name)
            if self._path(run).exists():
                self.say(self._outcome(run, runs))
            if ended.failed or ended.result:
                self.say(f"{ended.name} failed. {ended.failed}".strip())
                failed.append(ended.name)
        return failed

    def _path(self, run: Run) -> pathlib.Path:
        return results.path_of(self.results, self.grid.name, self.scale, run.name)

    def _folder(self, run: Run) -> pathlib.Path:
        return pathlib.Path(self.work) / self.grid.name / self.scale.name / run.name

    def _train(self, run: Run, runs: Sequence[Run]) -> int:
        """Trains one run, unless another process is: STORED, FAILED or BUSY."""
        path, folder = self._path(run), self._folder(run)
        log, status, last = folder / "log", STORED, ""
        # Beside the folder, since that is removed.
        lock = folder.with_name(f"{run.name}.lock")
        try:
            with filelock.FileLock(lock, blocking=False):
                # Else another process has stored it since we looked.
                if trained := not path.exists():
                    status = self._in_child(run, log)
                    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
                if path.exists():
                    shutil.rmtree(folder, ignore_errors=True)
                    lock.unlink(missing_ok=True)
        except filelock.Timeout:
            return BUSY
        if status == UNUSABLE:
            raise GridStopped(f"{run.name}: {last.removeprefix('Error: ')}")
        if trained and path.exists():
            self.say(self._outcome(run, runs))
        elif status not in (STORED, BUSY):
            self.say(
                f"{run.name} ended with status {status}: {last or 'it said nothing.'} Run the same"
                f" command again to resume it. All it said is in {log}."
            )
        return status if status in (STORED, BUSY) else FAILED

    def _in_child(self, run: Run, log: pathlib.Path) -> int:
        """The exit status of a process that trains the run."""
        job = {
            "grid": self.grid.name,
            "scale": dataclasses.asdict(self.scale),
            "name": run.name,
            "results": str(self.results),
            "work": str(log.parent),
        }
        log.parent.mkdir(exist_ok=True)
        self.say(f"{run.name} begins; it writes to {log}.")
        with (
            open(log, "a") as output,
            subprocess.Popen(
                [*_CHILD, json.dumps(job)],
                # It ends when this pipe does: when this process dies, or leaves this block.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for this process.
                start_new_session=True,
            ) as child,
        ):
            return child.wait()

    def _outcome(self, run: Run, runs: Sequence[Run]) -> str:
        stored = json.loads(self._path(run).read_text())
        done = sum(self._path(one).exists() for one in runs)
        if stored["failed"]:
            outcome = f"failed: {stored['failed'].rstrip('.')}"
        else:
            outcome = "average precision " + ", ".join(
                f"{name} {values['average_precision']:.3f}"
                for name, values in stored["metrics"]["scores"].items()
            )
        seconds = f"{stored['seconds']:.0f} s"
        return f"[{done}/{len(runs)}] {run.name}: {seconds}, {outcome}. {self._time_left(runs)}"

    def _time_left(self, runs: Sequence[Run]) -> str:
        """When this process, if alone, will have trained the rest, as a sentence."""
        todo = [run for run in runs if not self._path(run).exists()]
        if not todo:
            return "All are stored."
        try:
            stored = results.load(self.results, self.grid.name, self.scale.name).runs
        except ValueError:
            # Nothing yet; or a mixture, which is for the table to say.
            return f"{len(todo)} to go."
        seconds = expected_seconds(todo, stored)
        finish = time.strftime("%a %H:%M", time.localtime(time.time() + seconds))
        return f"{len(todo)} to go, about {results.duration(seconds)} alone, until {finish}."


def _train_there(worker: Worker, run: Run, where: pathlib.Path, cpus: int) -> list[str]:
    """`Worker.train` of one run in a process of its own on a node. `where`: the working folder."""
    os.chdir(where)
    os.environ.update(dict.fromkeys(THREADS, str(cpus)))
    return worker.train([run])


def expected_seconds(todo: Sequence[Run], stored: pd.DataFrame) -> float:
    """How long the runs `todo` will take one after the other: each what stored runs of its data set
    and detector took on average; if there are none, those of its detector; if there are none, all.
    """
    same = stored.groupby(["detector", "dataset"]).seconds.mean()
    alike = stored.groupby("detector").seconds.mean()
    others = stored.seconds.mean()
    return sum(
        same.get((run.detector, run.dataset), alike.get(run.detector, others)) for run in todo
    )
