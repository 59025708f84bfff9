"""A worker trains the runs of a grid that nobody has finished and nobody else is training, until
all are finished.

Any number of workers may share the two folders, on one machine or many.
"""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np

from thesis import one_run, results
from thesis.claims import ClaimLost, Claims

# A worker that gave no sign for so long is taken for dead; it gives one every 20 seconds.
EXPIRY_SECONDS = 300
_ATTEMPTS = 3
_CHILD = [sys.executable, "-m", one_run.__name__]
_POLL_SECONDS = 2


class GridStopped(RuntimeError):
    """Nothing could be trained: settings or data are unusable. The message is the run's own."""


class Worker:
    """Trains runs of a grid.

    Args:
        grid, scale: a Grid and a Scale.
        results_root: the folder of all results.
        work_root: the folder of unfinished runs, shared as well, so that another worker goes on
            with a dead one's.
        say: takes each line of progress.
        expiry: seconds after which a silent worker's run is taken over.
    """

    def __init__(self, grid, scale, results_root, work_root, say=print, expiry=EXPIRY_SECONDS):
        self._grid, self._scale, self._results, self._say = grid, scale, str(results_root), say
        self._work = pathlib.Path(work_root) / grid.name / scale.name
        self._claims = Claims(self._work / "claims", expiry)
        self._beat = min(20.0, expiry / 10)
        self._attempts = {}

    def work(self, runs):
        """Trains the runs that have no result, in their order; waits for those that other workers
        train.

        Returns:
            The names of runs that crashed again and again; one with a stored result, failed or not,
            is none of them.

        Raises:
            GridStopped: settings or data are unusable.
        """
        self._say(
            f"{len(runs)} runs at scale {self._scale.name}, {self._count_stored(runs)} of them"
            f" stored. {self._estimate(runs, self._claims.live() + 1)}"
        )
        waiting = False
        while todo := self._todo(runs):
            trained = sum([self._train(run, runs) for run in todo])
            if not trained and self._todo(runs):
                if not waiting:
                    self._say(
                        f"Waiting for {len(self._todo(runs))} runs that other workers train ..."
                    )
                waiting = True
                time.sleep(_POLL_SECONDS)
        self._tidy(runs)
        return [name for name, attempts in self._attempts.items() if attempts >= _ATTEMPTS]

    def _todo(self, runs):
        return [
            run
            for run in runs
            if not self._path(run).exists() and self._attempts.get(run.name, 0) < _ATTEMPTS
        ]

    def _count_stored(self, runs):
        return sum(self._path(run).exists() for run in runs)

    def _path(self, run):
        return results.path_of(self._results, self._grid.name, self._scale, run.name)

    def _train(self, run, runs):
        """Trains one run if it can be claimed. Returns whether it was."""
        if self._path(run).exists():
            return False
        claim = self._claims.take(run.name)
        if claim is None:
            return False
        try:
            # Its worker may have stored it between our look and our claim, or have died right
            # after.
            status = one_run.STORED if self._path(run).exists() else self._in_child(run, claim)
        except ClaimLost as error:
            self._say(str(error))
            return True
        except BaseException:
            claim.give_up()
            raise
        if self._path(run).exists():
            self._say(self._finished(run, runs))
            self._remove_work(run)
            claim.finish()
            return True
        claim.give_up()
        said = self._last_line(run)
        if status == one_run.UNUSABLE:
            raise GridStopped(f"{run.name}: {said.removeprefix('Error: ')}")
        if status == one_run.BUSY:
            # It did not begin: a process that lost its claim is about to end.
            time.sleep(_POLL_SECONDS)
            return False
        self._attempts[run.name] = self._attempts.get(run.name, 0) + 1
        again = (
            "It will be tried again." if self._attempts[run.name] < _ATTEMPTS else "It is left out."
        )
        self._say(
            f"{run.name} ended with status {status}: {said} {again} All it said is in"
            f" {self._log(run)}."
        )
        return True

    def _in_child(self, run, claim):
        """The exit status of a process that trains the run, while this one keeps the claim."""
        job = {
            "grid": self._grid.name,
            "scale": dataclasses.asdict(self._scale),
            "name": run.name,
            "results": self._results,
            "work": str(self._work),
        }
        self._say(f"{run.name} begins; it writes to {self._log(run)}.")
        with open(self._log(run), "a") as log:
            child = subprocess.Popen(
                [*_CHILD, json.dumps(job)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the worker, which then ends the child.
                start_new_session=True,
            )
            try:
                while True:
                    try:
                        return child.wait(self._beat)
                    except subprocess.TimeoutExpired:
                        claim.keep()
            finally:
                child.kill()
                child.wait()
                child.stdin.close()

    def _log(self, run):
        return self._work / f"{run.name}.log"

    def _last_line(self, run):
        lines = (
            self._log(run).read_text(errors="replace").split("\n")
            if self._log(run).exists()
            else []
        )
        return next((line for line in reversed(lines) if line.strip()), "It said nothing.")

    def _remove_work(self, run):
        self._log(run).unlink(missing_ok=True)
        for name in (run.name, f"{run.name}.partial"):
            shutil.rmtree(self._work / name, ignore_errors=True)

    def _tidy(self, runs):
        """Removes what workers left behind that died after the result of their run was stored."""
        for run in runs:
            if self._path(run).exists() and self._claims.latest(run.name):
                claim = self._claims.take(run.name)
                if claim:
                    self._remove_work(run)
                    claim.finish()

    def _finished(self, run, runs):
        stored = json.loads(self._path(run).read_text())
        done = self._count_stored(runs)
        if stored["failed"]:
            outcome = f"failed: {stored['failed'].rstrip('.')}"
        else:
            scores = stored["metrics"]["scores"].items()
            outcome = "average precision " + ", ".join(
                f"{name} {values['average_precision']:.3f}" for name, values in scores
            )
        estimate = self._estimate(runs, self._claims.live())
        return f"[{done}/{len(runs)}] {run.name}: {stored['seconds']:.0f} s, {outcome}. {estimate}"

    def _estimate(self, runs, workers):
        """When so many workers will have finished the grid, as a sentence."""
        todo = self._todo(runs)
        if not todo:
            return (
                "All are stored."
                if self._count_stored(runs) == len(runs)
                else "The others are left out."
            )
        seconds = expected_seconds(todo, self._stored())
        if seconds is None:
            return f"{len(todo)} to go."
        seconds /= max(1, workers)
        finish = time.strftime("%a %H:%M", time.localtime(time.time() + seconds))
        return f"{len(todo)} to go, about {duration(seconds)}, until {finish}."

    def _stored(self):
        try:
            return results.load(self._results, self._grid.name, self._scale.name).runs
        except ValueError:
            # Nothing yet; or a mixture, which is for the table to say.
            return ()


def expected_seconds(todo, stored):
    """How long the runs `todo` will take one after the other, from the stored ones; None if there
    are none.

    Each is expected to take what those of its data set and detector took on average; if there are
    none, those of its detector; if there are none, all.
    """
    if not stored:
        return None

    def mean(run):
        alike = [other for other in stored if other.detector == run.detector]
        same = [other for other in alike if other.dataset == run.dataset]
        return np.mean([other.seconds for other in same or alike or stored])

    return float(sum(map(mean, todo)))


def duration(seconds):
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
