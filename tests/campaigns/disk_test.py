"""The campaign "Full disks", small; `disk.py` runs it large."""

import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

_OWN_MOUNTS = ["unshare", "--map-root-user", "--mount"]


def _may_mount():
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*_OWN_MOUNTS, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="no file system may be mounted here")
def test_what_finds_no_room_says_so_and_is_finished_when_there_is_some():
    program = [sys.executable, str(ROOT / "tests" / "campaigns" / "disk.py"), "--sizes=3"]
    done = subprocess.run(
        [*_OWN_MOUNTS, *program], cwd=ROOT, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3.0 MB: full {'train': " in done.stdout
