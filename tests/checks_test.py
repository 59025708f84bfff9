"""The checks of the code itself: what `CONTRIBUTING.md` has a person run by hand."""

import os
import pathlib
import subprocess
import sys

import pytest
from conftest import ROOT

BIN = pathlib.Path(sys.executable).parent


@pytest.mark.parametrize(
    "command", ["ruff check", "ruff format --check", "lint-imports", "mypy --no-error-summary"]
)
def test_it_reports_nothing(command):
    program, *arguments = command.split()
    # lint-imports looks for the packages beside it, not in the folder it is called in.
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [BIN / program, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
