"""The campaign "Bombs", small; `bombs.py` runs it large."""

from conftest import ROOT, run_python


def test_a_small_file_that_claims_much_costs_little(digits_run, exported):
    program = str(ROOT / "tests" / "campaigns" / "bombs.py")
    flags = [f"--run={digits_run[0]}", f"--export={exported}", "--files=5", "--hold=0"]
    done = run_python(program, *flags, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 files that claim 9999x9999 pixels, scored: " in done.stdout
