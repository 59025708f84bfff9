import os
import signal
import subprocess
import sys

import pytest
from conftest import ROOT

from tf_ssae.system.files import replacing


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("old")
    return path


def test_a_reader_finds_the_old_file_until_the_new_one_is_whole(path):
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old" and temporary.parent == path.parent
    assert path.read_text() == "new" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(path, failure):
    with pytest.raises(failure), replacing(path) as temporary:
        temporary.write_text("ne")
        raise failure
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


def test_a_rename_that_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    def full(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"), replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_left_is_written_over(path):
    program = (
        "import os, signal, sys\n"
        "from tf_ssae.system.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old" and len(list(path.parent.iterdir())) == 2
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and list(path.parent.iterdir()) == [path]
