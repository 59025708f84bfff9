"""The campaign "Hostile models", small; `hostile.py` runs it large."""

import json

from conftest import ROOT, run_python


def test_what_is_tampered_with_is_refused_or_scores_and_nothing_of_it_runs(digits_run, exported):
    command = [str(ROOT / "tests" / "campaigns" / "hostile.py"), "--random=12"]
    done = run_python(*command, f"--run={digits_run[0]}", f"--export={exported}", cwd=ROOT)
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["wrong"] == [], found
    assert found["models"] == 25 and found["refused"] > 12
