"""A detector in operation, on solar cells (PyPI's elpv-dataset): a threshold from goods that never
trained, ten known defects that choose it, and the light of another day.

    python benchmarks/operation.py --work=FOLDER

Of the cells that are surely good (probability 0), in the order of `crc32(file name)`, 800 train,
200 calibrate, 200 test, and the others are another day's goods: taken 15% darker, or with noise
too. Of those that are surely defective (1), the first ten in this order are known; the others test.
Images that a run has trained on or was calibrated with are never counted.
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import zlib

import numpy as np
from absl import app, flags
from PIL import Image
from pyarrow import parquet
from scipy import stats
from sklearn.metrics import roc_auc_score

_WORK = flags.DEFINE_string("work", None, "A folder for images, run and tables.", required=True)

_TRAIN, _CALIBRATE, _TEST, _KNOWN = 800, 200, 200, 10
# Of another day: the folder, the share of the light, and the deviation of noise in grey levels.
_DAYS = {"dark": (0.85, 0.0), "dark and noisy": (0.85, 8.0)}
_PROGRAM = "import sys; from tf_ssae.cli.main import main; sys.exit(main(sys.argv[1:]))"


def tf_ssae(verb, **given):
    """Runs a command; prints it and what it says at its end."""
    arguments = [f"--{name}={value}" for name, value in given.items()]
    print(f"\n$ tf-ssae {verb} {' '.join(arguments)}", flush=True)
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, verb, *arguments], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    print("\n".join(done.stdout.splitlines()[-25:]), flush=True)


def in_order(cells):
    """By a hash of the name, which nothing in the image decides."""
    return sorted(cells, key=number)


def number(path):
    return zlib.crc32(path.name.encode())


def images(work):
    """The folders of images, made once."""
    folder = work / "images"
    if folder.exists():
        return folder
    found = importlib.util.find_spec("elpv_dataset")
    if found is None:
        sys.exit("The solar cells are PyPI's elpv-dataset: pip install --no-deps elpv-dataset.")
    data = pathlib.Path(found.origin).parent / "data"
    cells = {0.0: [], 1.0: []}
    for line in filter(str.strip, (data / "labels.csv").read_text().splitlines()):
        path, probability, _ = line.split()
        cells.setdefault(float(probability), []).append(data / path)
    good, bad = in_order(cells[0.0]), in_order(cells[1.0])
    ends = np.cumsum([_TRAIN, _CALIBRATE, _TEST])
    sets = {
        "parts/train/good": good[: ends[0]],
        "calibration": good[ends[0] : ends[1]],
        "parts/test/good": good[ends[1] : ends[2]],
        "known": bad[:_KNOWN],
        "parts/test/bad": bad[_KNOWN:],
    }
    for day in _DAYS:
        sets |= {
            f"{day}/calibration": good[ends[2] :],
            f"{day}/parts/test/good": good[ends[1] : ends[2]],
            f"{day}/parts/test/bad": bad[_KNOWN:],
        }
    making = folder.with_name("images.making")
    for name, paths in sets.items():
        (making / name).mkdir(parents=True, exist_ok=True)
        for path in paths:
            with Image.open(path) as image:
                light, noise = _DAYS.get(name.split("/")[0], (1.0, 0.0))
                taken = light * np.asarray(image.convert("L"), np.float64)
            taken += noise * np.random.default_rng(number(path)).normal(size=taken.shape)
            made = Image.fromarray(taken.round().clip(0, 255).astype(np.uint8))
            made.save(making / name / path.name)
    making.rename(folder)
    return folder


def scored(work, run, name, photos):
    """The deciding scores of photos, and whether each is good; scored once."""
    table = work / f"{name}.parquet"
    if not table.exists():
        tf_ssae("score", model_dir=run, images=photos, output=table)
    rows = parquet.read_table(table).to_pylist()
    score, _ = current(run)
    is_good = np.array(["/good/" in row["path"] for row in rows])
    return np.array([row[score] for row in rows]), is_good


def current(run):
    """The name of the score that decides, and its threshold."""
    folder = run / "calibrations"
    number = json.loads((folder / "current.json").read_text())["number"]
    calibration = json.loads((folder / f"{number}.json").read_text())["calibration"]
    return calibration["deciding_score"], calibration["thresholds"][calibration["deciding_score"]]


def share(hits):
    """Of an array of bools, with its exact 95% interval (Clopper and Pearson)."""
    interval = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci()
    return f"{hits.mean():.1%} ({interval.low:.1%} to {interval.high:.1%})"


def judged(what, run, scores, is_good):
    _, threshold = current(run)
    print(
        f"{what}: above {threshold:.4g}, false alarms {share(scores[is_good] > threshold)} of"
        f" {is_good.sum()}, found {share(scores[~is_good] > threshold)} of {(~is_good).sum()};"
        f" AUROC {roc_auc_score(~is_good, scores):.3f}.",
        flush=True,
    )


def main(argv):
    work = pathlib.Path(_WORK.value).resolve()
    work.mkdir(parents=True, exist_ok=True)
    folder, run = images(work), work / "run"
    if not run.exists():
        tf_ssae("train", dataset="folder", data_dir=folder / "parts", model_dir=run)
    known = folder / "known"

    def calibrated(what, test=folder, on=folder, **more):
        tf_ssae("calibrate", model_dir=run, images=on / "calibration", **more)
        judged(what, run, *scored(work, run, test.name, test / "parts/test"))

    for target in (0.01, 0.05):
        calibrated(f"Target {target:.0%}", target_fpr=target)
    for choice in ("zero_miss", "zero_false_alarm"):
        calibrated(choice, known_defects=known, choose=choice)
    calibrated("A miss costs 10", known_defects=known, choose="min_cost", cost_miss=10)
    for day in _DAYS:
        taken = folder / day
        calibrated(f"Photos {day}, as before", taken, target_fpr=0.01)
        calibrated(f"Photos {day}, calibrated on such", taken, taken, target_fpr=0.01)


if __name__ == "__main__":
    app.run(main)
