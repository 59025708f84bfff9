"""The README says what the project does now."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT, run_python
from PIL import Image

README = (ROOT / "README.md").read_text()


def test_ci_runs_the_test_command_of_the_readme():
    command = re.search(r"the test command.*?```sh\n(.*?)\n```", README, re.S).group(1)
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize(
    "title, run",
    [("MNIST", "mnist-anomaly-2-8000-images"), ("CIFAR-10", "cifar10-anomaly-5-6000-images")],
)
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_exports_are_those_stored(title, run, kind):
    files = json.loads((ROOT / "results" / run / "parity.json").read_text())["files"]
    entry, scores = files[kind], files[kind]["scores"]
    cells = [f"{title}, {kind}", f"{entry['bytes'] / 1e6:.2f} MB", f"{entry['latency_ms']:.2f} ms"]
    cells += [
        f"{scores[name]['average_precision']:.4f}" for name in ("a_rec", "a_cls", "a_ws", "a_max")
    ]
    assert f"| {' | '.join(cells)} |" in README.splitlines()


def test_every_file_it_names_exists():
    paths = re.findall(r"\]\(([\w/.-]+)\)", README)
    assert paths
    for path in paths:
        assert (ROOT / path).is_file(), path


def test_its_python_runs(tmp_path):
    program = re.search(r"the program that a test runs.*?```python\n(.*?)```", README, re.S).group(
        1
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "shape=(3,)" in done.stdout and (tmp_path / "runs" / "mine" / "metrics.json").is_file()


def test_its_program_that_decides_runs(exported, digit_images, tmp_path):
    program = re.search(r"A decision a part.*?```python\n(.*?)```", README, re.S).group(1)
    Image.fromarray(digit_images.images[0, ..., 0]).save(tmp_path / "part.png")
    program = program.replace("exported/textures-ssae-seed-0/1", str(exported))
    done = run_python("-c", program, cwd=tmp_path)
    assert re.fullmatch(r"(True|False) -?[\d.]+\n", done.stdout), done.stderr
