"""What becomes of a run's folder when several processes want it, or one of them dies."""

import json
import os
import signal
import subprocess
import sys

import pytest
from conftest import ROOT

from tf_ssae.config import preset
from tf_ssae.runs.run_folder import FolderBusy, RunFolder, write_json

# Locks a run's folder, says so, and waits.
_HOLDER = """
import sys
from tf_ssae.config import preset
from tf_ssae.runs.run_folder import RunFolder
folder = RunFolder(sys.argv[1], preset("digits"))
folder.open()
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process, which holds the folder `run`."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "run")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "open\n"
    yield process
    process.kill()
    process.communicate()


def test_two_processes_do_not_write_one_folder(tmp_path, holder):
    folder = RunFolder(tmp_path / "run", preset("digits"))
    with pytest.raises(FolderBusy, match="Another process is training in .*run.partial"):
        folder.open()
    assert (tmp_path / "run.partial" / "config.json").exists()


def test_nor_does_one_process_twice(tmp_path):
    first, second = (RunFolder(tmp_path / "run", preset("digits")) for _ in range(2))
    first.open()
    with pytest.raises(FolderBusy):
        second.open()
    first.release()
    second.open()


def test_a_killed_process_leaves_no_lock_behind(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    folder = RunFolder(tmp_path / "run", preset("digits"))
    folder.open()
    folder.finish()
    folder.release()
    assert os.listdir(tmp_path) == ["run"] and os.listdir(tmp_path / "run") == ["config.json"]


def test_a_run_that_another_process_finished_meanwhile_is_not_begun_again(tmp_path):
    first, second = (RunFolder(tmp_path / "run", preset("digits")) for _ in range(2))
    first.open()
    first.finish()
    with pytest.raises(FileExistsError, match="holds this very run, finished"):
        second.open()
    assert [path.name for path in tmp_path.iterdir()] == ["run"] and os.listdir(
        tmp_path / "run"
    ) == ["config.json"]


def test_a_process_that_died_before_it_wrote_its_settings_has_begun_nothing(tmp_path):
    (tmp_path / "run.partial").mkdir()
    (tmp_path / "run.partial" / "lock").touch()
    (tmp_path / "run.partial" / "config.json.tmp").write_text('{"dataset": "dig')
    folder = RunFolder(tmp_path / "run", preset("digits"))
    folder.open()
    assert not folder.resumed
    assert set(os.listdir(folder.partial)) == {"lock", "config.json"}


def test_a_run_keeps_where_its_earlier_epochs_come_from(tmp_path):
    for revision in ("old", "old", "new"):
        folder = RunFolder(tmp_path / "run", preset("digits"))
        folder.open()
        folder.write_environment({"git_revision": revision})
        folder.release()
    written = json.loads((tmp_path / "run.partial" / "environment.json").read_text())
    assert written == {"git_revision": "new", "earlier": [{"git_revision": "old"}]}


def test_a_run_needs_a_name():
    with pytest.raises(ValueError, match="model_dir='.': expected the name of a folder"):
        RunFolder(".", preset("digits"))


def test_json_that_cannot_be_written_leaves_the_old_one(tmp_path):
    write_json(tmp_path / "metrics.json", {"auroc": 0.5})
    with pytest.raises(TypeError):
        write_json(tmp_path / "metrics.json", {"auroc": object()})
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"auroc": 0.5}
    assert os.listdir(tmp_path) == ["metrics.json"]
