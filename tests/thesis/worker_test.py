"""Workers finish every run of a grid once, whatever dies."""

import concurrent.futures
import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import filelock
import pandas as pd
import pytest
from conftest import run_python
from stored_results import Store

from thesis import run, table, worker
from thesis.grids import GRIDS, Run, Scale
from thesis.worker import GridStopped, Worker

SMOKE = GRIDS["smoke"]
NAMES = [one.name for one in SMOKE.runs]

# In place of training: the next word of a run's plan says how it ends. What it stores was made
# before, so that it imports nothing that takes time.
_CHILD = """
import json, os, pathlib, sys
job = json.loads(sys.argv[1])
name, results = job["name"], pathlib.Path(job["results"])
plan = pathlib.Path({plan!r}) / name
steps = plan.read_text().split() if plan.exists() else ["store"]
plan.write_text(" ".join(steps[1:] or ["store"]))
with open({log!r}, "a") as log:
    log.write(name + " " + steps[0] + "\\n")
said = {{"crash": "Segmentation fault", "unusable": "Error: No prepared data set mnist."}}
print(said.get(steps[0], "Fine."))
if steps[0] in ("store", "fail"):
    made = pathlib.Path({made!r}) / steps[0]
    (path,) = made.rglob(name + ".json")
    where = results / path.relative_to(made)
    where.parent.mkdir(parents=True, exist_ok=True)
    os.link(path, where)  # an error if another has stored it
sys.exit({{"store": 0, "fail": 1, "unusable": 2, "crash": 139}}[steps[0]])
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """Replaces training by the plan; returns a function that sets a run's plan, and one that
    returns what was tried.
    """
    program, folder, log = tmp_path / "child.py", tmp_path / "plan", tmp_path / "tried"
    made = tmp_path / "made"
    for one in SMOKE.runs:
        Store(made / "store").add(one, 0.5, grid="smoke")
        Store(made / "fail").add(one, 0.5, grid="smoke", failed="The decoder died.")
    folder.mkdir()
    log.touch()
    program.write_text(_CHILD.format(plan=str(folder), log=str(log), made=str(made)))
    monkeypatch.setattr(worker, "_CHILD", [sys.executable, str(program)])
    return lambda name, steps: (folder / name).write_text(steps), lambda: log.read_text().split(
        "\n"
    )


def train(folder, said=None, runs=SMOKE.runs):
    say = [].append if said is None else said.append
    return Worker(SMOKE, Scale(), folder / "results", folder / "work", say).train(runs)


def left(folder):
    return [path for path in (folder / "work").rglob("*") if path.is_file()]


def test_several_workers_train_each_run_once(plan, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert list(pool.map(train, [tmp_path] * 3)) == [[], [], []]
    assert sorted(filter(None, plan[1]())) == sorted(f"{name} store" for name in NAMES)
    assert len(Store(tmp_path / "results").load("smoke").runs) == 4 and not left(tmp_path)


def test_stored_runs_are_skipped_and_progress_is_printed(plan, tmp_path):
    Store(tmp_path / "results").add(SMOKE.runs[0], 0.5, grid="smoke")
    said = []
    assert train(tmp_path, said) == []
    assert said[0].startswith(
        "4 runs at scale full, 1 of them stored. 3 to go, about 3 min alone, until "
    )
    scores = "a_rec 0.500, a_cls 0.500, a_ws 0.500, a_max 0.500"
    assert said[2].startswith(f"[2/4] {NAMES[1]}: 60 s, average precision {scores}. 2 to go, about")
    assert said[-1].endswith("All are stored.")
    assert not any(NAMES[0] in line for line in plan[1]())


def test_a_run_that_failed_does_not_stop_the_rest_and_is_named(plan, tmp_path, monkeypatch):
    plan[0](NAMES[0], "crash store")
    plan[0](NAMES[1], "fail")
    said = []
    assert train(tmp_path, said) == NAMES[:2]
    crash = f"{NAMES[0]} ended with status 139: Segmentation fault Run the same command again"
    assert any(line.startswith(crash) for line in said)
    assert any(f"{NAMES[1]}: 60 s, failed: The decoder died. 3 to go" in line for line in said)
    assert set(Store(tmp_path / "results").load("smoke").runs.name) == set(NAMES[1:])
    # The same again: what crashed is tried again, what is stored is not.
    assert train(tmp_path) == [] and plan[1]().count(f"{NAMES[0]} store") == 1
    assert plan[1]().count(f"{NAMES[1]} fail") == 1


def test_its_status_says_that_some_failed(plan, tmp_path, monkeypatch):
    plan[0](NAMES[0], "crash store")
    monkeypatch.setattr(sys, "argv", arguments(tmp_path)[1:])
    with pytest.raises(SystemExit, match=f"Error: 1 of 4 runs failed: {NAMES[0]}."):
        run.main()
    run.main()


def test_unusable_data_stop_the_worker(plan, tmp_path):
    plan[0](NAMES[0], "unusable")
    with pytest.raises(GridStopped, match=f"{NAMES[0]}: No prepared data set mnist."):
        train(tmp_path)
    assert len(list(filter(None, plan[1]()))) == 1
    assert train(tmp_path) == []


def test_what_another_process_is_training_is_left_to_it(plan, tmp_path):
    said = []
    with filelock.FileLock(tmp_path / "work" / "smoke" / "full" / f"{NAMES[0]}.lock"):
        assert train(tmp_path, said) == []
    assert said[-1] == f"Left to other processes, which are training them: {NAMES[0]}."
    assert sorted(filter(None, plan[1]())) == sorted(f"{name} store" for name in NAMES[1:])
    assert train(tmp_path) == [] and plan[1]().count(f"{NAMES[0]} store") == 1


def test_what_a_worker_left_that_died_after_storing_is_removed(plan, tmp_path):
    train(tmp_path)
    folder = tmp_path / "work" / "smoke" / "full" / NAMES[0]
    (folder / "run").mkdir(parents=True)
    (folder / "log").touch()
    assert train(tmp_path) == [] and not folder.exists()
    assert len(list(filter(None, plan[1]()))) == 4


def test_expected_seconds():
    rows = [("mnist", "ssae", 10), ("mnist", "ssae", 30), ("cifar10", "ssae", 80)]
    rows.append(("mnist", "egbad", 4))
    done = pd.DataFrame(rows, columns=["dataset", "detector", "seconds"])
    todo = [Run("mnist", 3, "ssae", 0), Run("fashion_mnist", 3, "ssae", 0)]
    todo.append(Run("cifar10", 3, "ganomaly", 0))
    assert [worker.expected_seconds([run], done) for run in todo] == [20, 40, 31]
    assert worker.expected_seconds(todo, done) == 91


def arguments(folder, *flags):
    paths = [f"--results={folder / 'results'}", f"--work={folder / 'work'}"]
    return ["-m", "thesis.run", "--grid=smoke", *paths, *flags]


def wait_until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_workers_one_killed_half_way_finish_every_run_once(tmp_path):
    """For real, on digits: the other worker resumes the dead one's run from its last finished
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
        partial = tmp_path / "work" / "smoke" / "full" / names[0] / "run.partial"
        wait_until((partial / "checkpoints" / "checkpoint").exists)
        children = pathlib.Path(f"/proc/{first.pid}/task/{first.pid}/children")
        (child,) = children.read_text().split()
        first.send_signal(signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL
        wait_until(lambda: not os.path.exists(f"/proc/{child}"), 20)
        with open(partial / "history.csv") as file:
            seconds = float(next(csv.DictReader(file))["seconds"])
        output, _ = second.communicate(timeout=600)
        assert second.returncode == 0
    finally:
        first.kill()
        second.kill()
    assert [output.count(f"/2] {name}: ") for name in names] == [1, 1] and "[2/2]" in output
    stored = Store(tmp_path / "results").load("smoke")
    assert list(stored.runs.name) == sorted(names, reverse=True) and len(stored.done) == 2
    # The epoch that the dead worker had surely done, since there was a checkpoint, was not done
    # again.
    (resumed,) = stored.runs[stored.runs.name == names[0]].stored
    assert resumed["history"][0]["seconds"] == seconds
    for name, of_run in zip(stored.runs.name, stored.runs.stored):
        assert [row["epoch"] for row in of_run["history"]] == [1, 2, 3]
        assert all(0 <= row["test_rotation_accuracy_anomalous"] <= 1 for row in of_run["history"])
        assert of_run["command"] == f"python -m thesis.run --grid=smoke --name={name}"
        assert len(of_run["split_fingerprint"]) == 64 and of_run["reconstructions"]
        assert str(tmp_path) not in json.dumps(of_run)
    # Each result is the only one of its run, and nothing is left of the work.
    assert {path.name for path in stored.folder.iterdir()} == {f"{name}.json" for name in names}
    assert not left(tmp_path) and "OURS A_ws" in table.text(stored)


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--anomaly=11"], "Error: Grid smoke has no run with anomaly 11. It has 0, 1."),
        (["--seed=one"], "Error: Grid smoke has no run with seed one. It has 0."),
        (["--shard=3/2"], "Error: --shard=3/2: expected I/N with I from 1 to N, such as 1/4."),
        (["--epochs=few"], "argument --epochs: invalid int value: 'few'"),
        (["mnist"], "unrecognized arguments: mnist"),
    ],
)
def test_the_command_line_says_what_is_wrong(flags, message, tmp_path):
    done = run_python(*arguments(tmp_path, *flags))
    assert done.returncode and message in done.stderr and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
