"""How much the detectors find on photos, beside peers: the table in the README.

    python benchmarks/real_photos.py --work=/tmp/photos [--folders=bolts,screws]

Trains detectors on solar cells (PyPI's elpv-dataset; without the package they are left out), on the
made-up cloth of `examples/textures.py`, and on any folders in MVTec AD's layout that are named,
stores a row per run in `results/real_photos/`, and puts their table into the README. What is found
is counted at the threshold that a run ships, fitted to held-out good images, never at one that test
images chose. A run that has its row is not repeated, so that it may be stopped and started again.
"""

import csv
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import zlib

import numpy as np
from absl import app, flags
from sklearn.metrics import average_precision_score, roc_auc_score

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORED = ROOT / "results" / "real_photos"
README = ROOT / "README.md"
# The table below the comment that names it.
PRINTED = re.compile(r"(<!-- the table of benchmarks/real_photos\.py -->\n)((?:\|.*\n)*)")
PEERS = ("pca", "imagenet")

_WORK = flags.DEFINE_string("work", None, "Folder for images and runs.", required=True)
_FOLDERS = flags.DEFINE_list("folders", [], "More folders of images, in MVTec AD's layout.")
_SETS = flags.DEFINE_list("sets", ["elpv", "textures"], "The sets to use beside --folders.")
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of each detector.")
_METHODS = flags.DEFINE_list(
    "methods", ["locator", "ssae", *PEERS], "Detectors of the package, and the peers."
)


def elpv(folder):
    """Solar cells: those surely good (probability 0) and surely defective (1). Of the good ones,
    those train whose `crc32(file name) % 10` is below 8.
    """
    found = importlib.util.find_spec("elpv_dataset")
    if found is None:
        return None
    data = pathlib.Path(found.origin).parent / "data"
    for line in (data / "labels.csv").read_text().splitlines():
        if not line.strip():
            continue
        path, probability, kind = line.split()
        name = pathlib.Path(path).name
        if float(probability) in (0.0, 1.0):
            good = "train/good" if zlib.crc32(name.encode()) % 10 < 8 else "test/good"
            target = folder / (f"test/{kind}" if float(probability) else good)
            target.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(data / path, target / name)
    return folder


def textures(folder):
    """The made-up cloth."""
    command = [sys.executable, ROOT / "examples" / "textures.py", f"--output={folder}"]
    subprocess.run(command, check=True)
    return folder


def folders(work):
    """`{name: folder}` of the images."""
    found = {}
    for make in (elpv, textures):
        if make.__name__ in _SETS.value:
            folder = work / make.__name__
            found[make.__name__] = folder if folder.exists() else make(folder)
    found |= {pathlib.Path(folder).name: pathlib.Path(folder) for folder in _FOLDERS.value}
    return {name: folder for name, folder in found.items() if folder is not None}


def judged(held_out, good, bad):
    """What scores of held-out good, good and bad test images say."""
    from tf_ssae.calibration import conformal

    truth, scores = np.repeat([0, 1], [len(good), len(bad)]), np.concatenate([good, bad])
    found = {
        "auroc": roc_auc_score(truth, scores),
        "average_precision": average_precision_score(truth, scores),
        "held_out": len(held_out),
    }
    for target in (0.01, 0.05):
        threshold = conformal.threshold(held_out, target)
        found[f"found_at_{target}"] = float((bad > threshold).mean())
        found[f"false_alarms_at_{target}"] = float((good > threshold).mean())
    return found


def relative(environment, work):
    """A run's environment with the paths of its command relative to --work."""
    command = environment["command"].replace(f"{work}/", "").replace(str(work), ".")
    return {**environment, "command": command}


def of_package(detector, seed, folder, work):
    """Trains a detector by its command."""
    from tf_ssae import runs

    model_dir = work / "runs" / f"{folder.name}-{detector}-{seed}"
    command = f"train.py --dataset=folder --data_dir={folder} --detector={detector} --seed={seed}"
    if not model_dir.exists():
        arguments = [sys.executable, *command.split(), f"--model_dir={model_dir}"]
        subprocess.run(arguments, cwd=ROOT, check=True)
    calibration = runs.load(model_dir).calibration
    score = calibration.deciding_score
    with open(model_dir / "scores.csv", newline="", encoding="utf-8") as file:
        tested = [(row["is_anomaly"] == "1", float(row[score])) for row in csv.DictReader(file)]
    good, bad = (np.array([x for is_bad, x in tested if is_bad == kind]) for kind in (False, True))
    metrics = json.loads((model_dir / "metrics.json").read_text())
    return {
        "score": score,
        **judged(calibration.scores[score], good, bad),
        **metrics.get("pixels", {}),
        "training_seconds": metrics["training_seconds"],
        "environment": relative(json.loads((model_dir / "environment.json").read_text()), work),
    }


def of_peer(peer, folder, work):
    """A peer, on the images and the split that the package's detectors have."""
    import peers

    from tf_ssae.data import protocols, sources
    from tf_ssae.detectors.registry import preset
    from tf_ssae.runs import provenance

    config = preset("folder", data_dir=str(folder))
    split = protocols.split(sources.load(config, work / "images.cache"), config)
    started = time.perf_counter()
    scores = getattr(peers, peer)(split.train.images)
    test, is_bad = scores(split.test.images), split.test.is_anomaly
    return {
        **judged(scores(split.calibration.images), test[~is_bad], test[is_bad]),
        "seconds": time.perf_counter() - started,
        "environment": relative(provenance.environment(), work),
    }


def table():
    """The stored rows in Markdown: means over seeds."""
    lines = [
        "| images | method | AUROC | AP | found at 1% (false alarms) | at 5% | pixel AUROC | AUPRO"
        " | seeds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for folder in sorted(STORED.iterdir()):
        of_method = {}
        for file in sorted(folder.glob("*.json")):
            of_method.setdefault(file.stem.rsplit("-", 1)[0], []).append(
                json.loads(file.read_text())
            )
        for method, rows in of_method.items():

            def mean(name, rows=rows):
                return np.mean([found[name] for found in rows])

            def shown(name, rows=rows, mean=mean):
                return f"{mean(name):.3f}" if name in rows[0] else ""

            at = [
                f"{mean(f'found_at_{t}'):.1%} ({mean(f'false_alarms_at_{t}'):.1%})"
                for t in (0.01, 0.05)
            ]
            whole, pixels = ("auroc", "average_precision"), ("pixel_auroc", "aupro")
            cells = [
                *(folder.name, method),
                *map(shown, whole),
                *at,
                *map(shown, pixels),
                str(len(rows)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def replaced(page):
    """A page with the table of the stored rows."""
    return PRINTED.sub(lambda found: found[1] + table() + "\n", page)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}.")
    work = pathlib.Path(_WORK.value).resolve()
    work.mkdir(parents=True, exist_ok=True)
    for name, folder in folders(work).items():
        (STORED / name).mkdir(parents=True, exist_ok=True)
        for method in _METHODS.value:
            # A peer draws nothing that a seed of ours would change.
            for seed in ["0"] if method in PEERS else _SEEDS.value:
                stored = STORED / name / f"{method}-{seed}.json"
                if not stored.exists():
                    if method in PEERS:
                        found = of_peer(method, folder, work)
                    else:
                        found = of_package(method, seed, folder, work)
                    stored.write_text(json.dumps(found, indent=2) + "\n")
                    print(name, method, seed, found, flush=True)
    print(table())
    README.write_text(replaced(README.read_text()))


if __name__ == "__main__":
    app.run(main)
