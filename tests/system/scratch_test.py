import os
import signal
import subprocess
import sys
import tempfile

import pytest
from conftest import ROOT

from tf_ssae.system.scratch import building, temporary

_PROGRAM = """
import pathlib, sys, time
from tf_ssae.system.scratch import building
with building(pathlib.Path(sys.argv[1]), ".exporting-") as folder:
    (folder / "half").write_text("half")
    print(folder, flush=True)
    time.sleep(1000)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that builds in the same place: the process and its folder."""
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.mark.parametrize("failure", [None, OSError, KeyboardInterrupt])
def test_the_folder_is_gone_afterwards_whatever_happened(tmp_path, failure):
    try:
        with building(tmp_path, ".exporting-") as folder:
            (folder / "half").write_text("half")
            if failure:
                raise failure
    except (OSError, KeyboardInterrupt) as error:
        assert type(error) is failure
    assert not list(tmp_path.iterdir())


def test_what_was_renamed_stays(tmp_path):
    with building(tmp_path, ".exporting-") as folder:
        (folder / "model").write_text("whole")
        os.rename(folder, tmp_path / "1")
    assert [path.name for path in tmp_path.rglob("*")] == ["1", "model"]


def test_the_next_process_removes_what_a_killed_one_left(tmp_path, other):
    process, left = other
    (tmp_path / "mine").mkdir()
    with building(tmp_path, ".exporting-") as folder:
        # It still lives.
        assert os.path.exists(left) and str(folder) != left
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.path.exists(left)
    with building(tmp_path, ".exporting-") as folder:
        assert not os.path.exists(left)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_temporary_folder_of_a_killed_process_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "tf_ssae-of-a-user").mkdir()
    program = "import os; from tf_ssae.system.scratch import temporary\n"
    program += "with temporary() as folder: print(folder, flush=True), os.kill(os.getpid(), 9)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    left = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert os.path.isdir(left.stdout.strip())
    with temporary() as folder:
        assert folder.parent == tmp_path and not os.path.exists(left.stdout.strip())
    assert [path.name for path in tmp_path.iterdir()] == ["tf_ssae-of-a-user"]
