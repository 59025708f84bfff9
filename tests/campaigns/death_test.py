"""The campaign "Death", small; `death.py` runs it large."""

import ast

import pytest
from conftest import ROOT, run_python


@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM"])
def test_whatever_ends_a_command_the_next_one_finishes_it(signal):
    deaths = ["--train=2", "--score=2", "--export=1", "--calibrate=2", f"--signal={signal}"]
    done = run_python(str(ROOT / "tests" / "campaigns" / "death.py"), *deaths, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [ast.literal_eval(line.split(": ", 1)[1]) for line in done.stdout.splitlines()]
    assert [figures["deaths"] for figures in found] == [2, 2, 1, 2]
    assert all(figures["lost"] == [] for figures in found)
