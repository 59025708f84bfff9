"""The campaign "Death", small; `death.py` runs it large."""

import json

from conftest import ROOT, run_python


def test_what_is_killed_is_done_again_as_if_nothing_had_happened():
    command = [str(ROOT / "tests" / "campaigns" / "death.py"), "--train=2", "--score=2"]
    done = run_python(*command, "--export=1", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert sum("'lost': []" in line for line in lines) == 3, json.dumps(lines)
