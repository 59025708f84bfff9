"""The campaign "Death", small; `death.py` runs it large."""

import ast

from conftest import ROOT, run_python


def test_whatever_ends_a_command_the_next_one_finishes_it():
    program = str(ROOT / "tests" / "campaigns" / "death.py")
    counts = {"train": 0, "score": 0, "export": 1, "calibrate": 1}
    flags = [f"--{name}={count}" for name, count in counts.items()]
    done = run_python(program, *flags, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [ast.literal_eval(line.split(": ", 1)[1]) for line in done.stdout.splitlines()]
    assert len(found) == 2 and all(figures["lost"] == [] for figures in found)
