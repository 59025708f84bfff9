"""Workers finish every run of a grid once, whatever dies."""

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import run_python
from stored_results import Store

from thesis import results, table, worker
from thesis.claims import Claim, Claims
from thesis.grids import GRIDS, Run, Scale
from thesis.results import Result
from thesis.worker import GridStopped, Worker

SMOKE = GRIDS["smoke"]

# In place of training: the next line of a plan for each run says what becomes of it.
_CHILD = """
import json, pathlib, sys, time
sys.path.insert(0, {tests!r})
from stored_results import Store
from thesis.grids import GRIDS
job = json.loads(sys.argv[1])
(run,) = GRIDS[job["grid"]].select(names=[job["name"]])
plan = pathlib.Path({plan!r}) / run.name
steps = plan.read_text().split() if plan.exists() else ["store"]
plan.write_text(" ".join(steps[1:] or ["store"]))
with open({log!r}, "a") as log:
    log.write(run.name + " " + steps[0] + "\\n")
if steps[0] == "store":
    time.sleep(0.05)
    Store(job["results"]).add(run, 0.5, grid=job["grid"])
elif steps[0] == "sleep":
    time.sleep(60)
elif steps[0] == "crash":
    print("Segmentation fault")
    sys.exit(139)
else:
    print("Error: No prepared data set mnist.")
    sys.exit(2)
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Replaces training by the plan; returns a function that sets a run's, and the log of what was
    tried.
    """
    program, folder, log = tmp_path / "child.py", tmp_path / "plan", tmp_path / "tried"
    folder.mkdir()
    log.touch()
    tests = str(pathlib.Path(__file__).parent.parent)
    program.write_text(_CHILD.format(tests=tests, plan=str(folder), log=str(log)))
    monkeypatch.setattr(worker, "_CHILD", [sys.executable, str(program)])
    monkeypatch.setattr(worker, "_POLL_SECONDS", 0.05)
    return lambda name, steps: (folder / name).write_text(steps), log


def make_worker(folder, said):
    return Worker(SMOKE, Scale(), folder / "results", folder / "work", said.append)


def test_several_workers_train_each_run_once(plan, tmp_path):
    said = [[], [], []]
    threads = [
        threading.Thread(target=make_worker(tmp_path, lines).work, args=[SMOKE.runs])
        for lines in said
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(plan[1].read_text().splitlines()) == sorted(
        f"{run.name} store" for run in SMOKE.runs
    )
    assert len(Store(tmp_path / "results").load("smoke").runs) == 4
    # Nothing is left of the work but the empty folder of claims.
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []


def test_stored_runs_are_skipped_and_progress_is_said(plan, tmp_path):
    Store(tmp_path / "results").add(SMOKE.runs[0], 0.5, grid="smoke")
    said = []
    assert make_worker(tmp_path, said).work(SMOKE.runs) == []
    assert said[0].startswith(
        "4 runs at scale full, 1 of them stored. 3 to go, about 3 min, until "
    )
    assert said[2].startswith(
        f"[2/4] {SMOKE.runs[1].name}: 60 s, average precision a_rec 0.500, a_cls 0.500"
    )
    assert "2 to go, about 2 min, until" in said[2]
    assert said[-1].endswith("All are stored.")
    assert SMOKE.runs[0].name not in plan[1].read_text()


def test_a_crashed_run_is_tried_again_and_then_left_out(plan, tmp_path):
    first, second = SMOKE.runs[0].name, SMOKE.runs[1].name
    plan[0](first, "crash store")
    plan[0](second, "crash crash crash crash")
    said = []
    assert make_worker(tmp_path, said).work(SMOKE.runs) == [second]
    assert plan[1].read_text().splitlines().count(f"{second} crash") == 3
    assert any(
        "ended with status 139: Segmentation fault It will be tried again." in line for line in said
    )
    assert {run.name for run in Store(tmp_path / "results").load("smoke").runs} == {
        run.name for run in SMOKE.runs
    } - {second}


def test_unusable_data_stop_the_worker(plan, tmp_path):
    plan[0](SMOKE.runs[0].name, "unusable")
    with pytest.raises(GridStopped, match="digits-0-ssae-seed-0: No prepared data set mnist."):
        make_worker(tmp_path, []).work(SMOKE.runs)
    assert len(plan[1].read_text().splitlines()) == 1
    # Its claim is free.
    assert make_worker(tmp_path, []).work(SMOKE.runs) == []


def test_what_a_worker_left_that_died_after_storing_is_removed(plan, tmp_path):
    assert make_worker(tmp_path, []).work(SMOKE.runs[:1]) == []
    left = tmp_path / "work" / "smoke" / "full"
    Claims(left / "claims", 60).take(SMOKE.runs[0].name).give_up()
    (left / SMOKE.runs[0].name).mkdir()
    (left / f"{SMOKE.runs[0].name}.log").touch()
    assert make_worker(tmp_path, []).work(SMOKE.runs[:1]) == []
    assert [path.name for path in left.rglob("*")] == ["claims"] and len(
        plan[1].read_text().splitlines()
    ) == 1


def test_a_run_that_was_taken_over_is_left_to_its_new_worker(plan, tmp_path, monkeypatch):
    """As of a worker whose machine slept: its child is ended, and it goes on with other runs."""
    name, said = SMOKE.runs[0].name, []
    plan[0](name, "sleep store")
    monkeypatch.setattr(Claim, "keep", lose_once(Claim.keep, name, plan[1]))
    assert (
        Worker(SMOKE, Scale(), tmp_path / "results", tmp_path / "work", said.append, expiry=1).work(
            SMOKE.runs
        )
        == []
    )
    assert any(f"{name} was taken over" in line for line in said)
    assert plan[1].read_text().splitlines().count(f"{name} store") == 1


def lose_once(keep, name, log):
    """`Claim.keep`, but that another worker takes the run over, and at once gives it up, once its
    child has begun.
    """
    lost = []

    def keep_or_lose(claim):
        if claim.name == name and not lost and name in log.read_text():
            lost.append(claim)
            claim.give_up()
            claim.claims.take(name).give_up()
        keep(claim)

    return keep_or_lose


def test_expected_seconds():
    def stored(dataset, detector, seconds):
        return Result({"config": {"dataset": dataset, "detector": detector}, "seconds": seconds})

    done = [
        stored("mnist", "ssae", 10),
        stored("mnist", "ssae", 30),
        stored("cifar10", "ssae", 80),
        stored("mnist", "egbad", 4),
    ]
    todo = [
        Run("mnist", 3, "ssae", 0),
        Run("fashion_mnist", 3, "ssae", 0),
        Run("cifar10", 3, "ganomaly", 0),
    ]
    assert [worker.expected_seconds([run], done) for run in todo] == [20, 40, 31]
    assert worker.expected_seconds(todo, done) == 91 and worker.expected_seconds(todo, []) is None
    assert [worker.duration(seconds) for seconds in (45, 720, 12_000)] == [
        "45 s",
        "12 min",
        "3 h 20 min",
    ]


def arguments(folder, *flags):
    paths = [f"--results={folder / 'results'}", f"--work={folder / 'work'}"]
    return ["-m", "thesis.run", "--grid=smoke", *paths, *flags]


def children(process):
    return [
        int(pid)
        for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        .read_text()
        .split()
    ]


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_workers_one_killed_half_way_finish_every_run_once(tmp_path):
    """For real, on digits: the other worker goes on with the dead one's run from its last finished
    epoch.
    """
    first, second = (
        subprocess.Popen(
            [sys.executable, *arguments(tmp_path, "--anomaly=0")], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    )
    try:
        said = [
            process.stdout.readline() + process.stdout.readline() for process in (first, second)
        ]
        names = [text.splitlines()[1].split()[0] for text in said]
        assert sorted(names) == ["digits-0-ensemble-seed-0", "digits-0-ssae-seed-0"]
        partial = tmp_path / "work" / "smoke" / "full" / f"{names[0]}.partial"
        wait_until((partial / "checkpoints" / "checkpoint").exists)
        (child,) = children(first)
        first.send_signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
        wait_until(lambda: not os.path.exists(f"/proc/{child}"), 20)
        with open(partial / "history.csv") as file:
            seconds = float(next(csv.DictReader(file))["seconds"])
        output, _ = second.communicate(timeout=240)
        assert second.returncode == 0
    finally:
        first.kill()
        second.kill()
    assert [output.count(f"/2] {name}: ") for name in names] == [1, 1] and "[2/2]" in output
    stored = Store(tmp_path / "results").load("smoke")
    assert [run.name for run in stored.runs] == sorted(names, reverse=True) and not stored.failed
    # The epoch that the dead worker had surely done, since there was a checkpoint, was not done
    # again.
    (resumed,) = [run for run in stored.runs if run.name == names[0]]
    assert resumed.stored["history"][0]["seconds"] == seconds
    for run in stored.runs:
        assert [row["epoch"] for row in run.stored["history"]] == [1, 2, 3]
        assert all(
            0 <= row["test_rotation_accuracy_anomalous"] <= 1 for row in run.stored["history"]
        )
        assert run.stored["command"] == f"python -m thesis.run --grid=smoke --name={run.name}"
        assert len(run.stored["split_fingerprint"]) == 64 and run.stored["reconstructions"]
        assert str(tmp_path) not in json.dumps(run.stored)
    # Each result is the only one of its run, and nothing is left of the work.
    assert sorted(path.name for path in stored.folder.iterdir()) == sorted(
        f"{name}.json" for name in names
    )
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []
    assert "OURS A_ws" in table.text(stored)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--anomaly=11"], "Error: Grid smoke has no run with anomaly 11. It has 0, 1."),
        (["--seed=one"], "Error: --seed=one: expected numbers."),
        (["mnist"], "Unexpected arguments: mnist"),
    ],
)
def test_the_command_line_says_what_is_wrong(flags, message, tmp_path):
    done = run_python(*arguments(tmp_path, *flags))
    assert done.returncode == 1 and message in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_results_are_where_the_readme_says(tmp_path):
    path = results.path_of("results", "table_5_1", Scale(6000, 5, 4000), "mnist-2-ssae-seed-0")
    assert (
        path.as_posix()
        == "results/table_5_1/6000-images-5-epochs-4000-test/mnist-2-ssae-seed-0.json"
    )
