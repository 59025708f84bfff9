"""Makes the figures of the README's two examples, by its own commands, and copies what they print.

    python benchmarks/readme_runs.py

About a quarter of an hour on 2 cores. It trains on the digits and the made-up textures, scores the
textures' test images and 1,000 new good ones, stores both runs in `results/readme/`, and puts what
they printed into the README and docs/own_images.md, below the comments that name the two folders.
The sentences around them are written by hand; `tests/readme_test.py` compares their numbers.
"""

import collections
import csv
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from absl import app

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORED = ROOT / "results" / "readme"
PAGES = (ROOT / "README.md", ROOT / "docs" / "own_images.md")
PRINTED = re.compile(r"(<!-- printed by the run in (\S+) -->\n```\n)(.*?)(?=```\n)", re.S)

TRAIN_DIGITS = "train.py"
TRAIN_TEXTURES = (
    "examples/textures.py --output=textures",
    "train.py --dataset=folder --data_dir=textures",
)
SCORE_TEST = (
    "score.py --model_dir=runs/textures-locator-seed-0 --images=textures/test --output=scores.csv"
)
SCORE_NEW = (
    "examples/textures.py --output=new --images=1000 --seed=1",
    "score.py --model_dir=runs/textures-locator-seed-0 --images=new/train/good --output=new.csv",
)


def run(command: str, folder: pathlib.Path) -> str:
    """What a program of the checkout prints; its paths are relative to `folder`."""
    print(f"python {command}", flush=True)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, *shlex.split(command)]
    return subprocess.run(
        arguments, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def store(run_folder: pathlib.Path, printed: str, name: str) -> pathlib.Path:
    """Keeps a run's settings, metrics and origin, and the table that it printed at its end."""
    folder = STORED / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in ("config.json", "metrics.json", "environment.json", "history.csv"):
        shutil.copyfile(run_folder / file, folder / file)
    table = re.search(r"^score .*?\n(?=\n|\Z)", printed, re.M | re.S).group()
    (folder / "printed.txt").write_text(table)
    return folder


def counts(table: pathlib.Path) -> dict[str, dict[str, int]]:
    """From a table of scores to the numbers of images and anomalies in each folder."""
    found = collections.defaultdict(lambda: {"images": 0, "anomalies": 0})
    with open(table, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            of_kind = found[pathlib.Path(row["path"]).parent.name]
            of_kind["images"] += 1
            of_kind["anomalies"] += row["decision"] == "anomaly"
    return dict(found)


def replaced(page: str) -> str:
    """A page with what the stored runs printed below the comments that name their folders."""
    return PRINTED.sub(lambda block: block[1] + (ROOT / block[2] / "printed.txt").read_text(), page)


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name in ("train.py", "score.py", "examples"):
            (folder / name).symlink_to(ROOT / name)
        store(folder / "runs" / "digits-anomaly-0-ssae-seed-0", run(TRAIN_DIGITS, folder), "digits")
        printed = [run(command, folder) for command in TRAIN_TEXTURES][-1]
        stored = store(folder / "runs" / "textures-locator-seed-0", printed, "textures")
        for command in (SCORE_TEST, *SCORE_NEW):
            run(command, folder)
        called = {"test": counts(folder / "scores.csv"), "new": counts(folder / "new.csv")["good"]}
        (stored / "called_anomalies.json").write_text(json.dumps(called, indent=2) + "\n")
    for page in PAGES:
        page.write_text(replaced(page.read_text()))


if __name__ == "__main__":
    app.run(main)
