"""The campaign "Death", small; `death.py` runs it large."""

import ast

import pytest
from conftest import ROOT, run_python


@pytest.mark.parametrize(
    "signal, deaths",
    [
        ("SIGKILL", {"train": 0, "score": 0, "export": 1, "calibrate": 1}),
        ("SIGTERM", {"train": 1, "score": 1, "export": 0, "calibrate": 0}),
    ],
)
def test_whatever_ends_a_command_the_next_one_finishes_it(signal, deaths):
    program = str(ROOT / "tests" / "campaigns" / "death.py")
    flags = [f"--{name}={count}" for name, count in deaths.items()]
    done = run_python(program, *flags, f"--signal={signal}", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [ast.literal_eval(line.split(": ", 1)[1]) for line in done.stdout.splitlines()]
    assert len(found) == 2 and all(figures["lost"] == [] for figures in found)
