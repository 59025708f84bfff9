"""Death: kill -9 at random moments of train, score and export, each followed by the same command
again: weights, rows and folders as if nothing had happened.

    python tests/campaigns/death.py --train=50 --score=50 --export=20

Small runs on scikit-learn's digits. A process is forked from this one, which has imported
TensorFlow but not used it, so that it is killed at its work and not at its imports.
"""

import argparse
import functools
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable

import h5py
import numpy as np
from PIL import Image

from tf_ssae.cli import quiet

quiet.import_tensorflow()

from tf_ssae.data import digits  # noqa: E402
from tf_ssae.detectors.registry import preset  # noqa: E402
from tf_ssae.export import publish, tflite, timing  # noqa: E402
from tf_ssae.scoring import run as scoring  # noqa: E402
from tf_ssae.training import run as training  # noqa: E402

# What depends on time, and not on what was done.
_TIMED = ("seconds", "training_seconds", "training_images_per_second")
_SPEED = {"latency_ms": 1.0, "latency_p99_ms": 1.0, "images_per_second": {"1": 1.0}}
_LONGEST = 300.0  # seconds, for one command


def forked(work: Callable[[], object], after: float | None = None) -> bool:
    """Does the work in a process of its own. Returns whether it was killed, `after` seconds.

    Raises:
        RuntimeError: it failed.
    """
    sys.stdout.flush()
    child = os.fork()
    if not child:
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            work()
            os._exit(0)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
    deadline = time.monotonic() + (_LONGEST if after is None else after)
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if status:
                raise RuntimeError(f"the command failed: {status}")
            return False
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if after is None:
        raise RuntimeError(f"the command did not end in {_LONGEST:.0f} s")
    return True


def campaign(
    name: str, deaths: int, work: Callable[[pathlib.Path], object],
    seen: Callable[[pathlib.Path], object], chance: random.Random, folder: pathlib.Path,
) -> dict:  # fmt: skip
    """Kills the work so many times at random moments of it, several times in a row, and compares
    what the last command leaves with what an undisturbed one leaves.

    Args:
        work: takes a folder to work in.
        seen: what is compared, of that folder.
    """
    began = time.monotonic()
    forked(lambda: work(folder / "undisturbed"))
    takes = time.monotonic() - began
    expected, done, rounds, lost = seen(folder / "undisturbed"), 0, 0, []
    while done < deaths:
        place = folder / f"round-{rounds}"
        again = functools.partial(work, place)
        # Up to three deaths in a row, anywhere in what is left to do.
        for _ in range(min(chance.randint(1, 3), deaths - done)):
            while not forked(again, chance.uniform(0, takes)):
                shutil.rmtree(place, ignore_errors=True)
            done += 1
        forked(again)
        found = seen(place)
        if found != expected:
            lost.append(f"{name}, round {rounds}: {_difference(expected, found)}")
        shutil.rmtree(place)
        rounds += 1
    seconds = round(time.monotonic() - began)
    return {"deaths": done, "rounds": rounds, "seconds": seconds, "lost": lost}


def _difference(expected: dict, found: dict) -> str:
    return "; ".join(
        f"{key}: {expected.get(key)!r:.200} became {found.get(key)!r:.200}"
        for key in sorted({*expected, *found})
        if expected.get(key) != found.get(key)
    )


def listed(folder: pathlib.Path) -> list[str]:
    """Every file and folder below, hidden ones too, but for what is named after a time."""
    paths = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    return [path for path in paths if "tfevents" not in path]


def seen_of_run(folder: pathlib.Path) -> dict:
    run = folder / "run"
    metrics = json.loads((run / "metrics.json").read_text())
    with tempfile.TemporaryDirectory() as unpacked:
        shutil.unpack_archive(run / "model.keras", unpacked, "zip")
        weights: list[bytes] = []
        with h5py.File(pathlib.Path(unpacked) / "model.weights.h5") as file:
            file.visititems(
                lambda _, item: (
                    weights.append(item[()].tobytes()) if isinstance(item, h5py.Dataset) else None
                )
            )
    return {
        "files": listed(folder),
        "weights": weights,
        "scores": (run / "scores.csv").read_text(),
        "metrics": {name: value for name, value in metrics.items() if name not in _TIMED},
    }


def seen_of_table(folder: pathlib.Path) -> dict:
    rows = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    return {"files": listed(folder), "rows": rows}


def seen_of_export(folder: pathlib.Path) -> dict:
    report = json.loads((folder / "parts" / "1" / "parity.json").read_text())
    models = sorted((folder / "parts" / "1" / "tflite").glob("*.tflite"))
    return {
        "files": listed(folder),
        "scores": {kind: entry["scores"] for kind, entry in report["files"].items()},
        "tflite": [path.read_bytes() for path in models],
    }


def main(train: int, score: int, export: int, seed: int = 0) -> dict[str, dict]:
    """The figures of each campaign; `lost` holds what was not as if nothing had happened."""
    chance, found = random.Random(seed), {}
    config = preset(
        "digits", detector="autoencoder", max_train_images=256, epochs=4, learning_rate=1e-3,
        output_activation="sigmoid",
    )  # fmt: skip
    # What takes longest and has nothing to lose.
    timing.of_saved_model = lambda folder, image_shape: _SPEED
    timing.of_tflite = lambda model: _SPEED
    tflite.KINDS = ("float32",)
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        run, images = work / "model" / "run", work / "images"
        forked(lambda: training.train(config, run))
        images.mkdir()
        for i, image in enumerate(np.tile(digits.load(config, work).images, [2, 1, 1, 1])):
            Image.fromarray(image[..., 0]).save(images / f"{i:04d}.png")

        def training_of(place: pathlib.Path) -> object:
            # A run that was finished when the signal came is finished.
            return (place / "run").exists() or training.train(config, place / "run")

        def scoring_of(place: pathlib.Path) -> object:
            place.mkdir(exist_ok=True)
            output = place / "scores.jsonl"
            return output.exists() or scoring.score(run, images, output)

        def export_of(place: pathlib.Path) -> object:
            return (place / "parts" / "1").exists() or publish.export(run, place, name="parts")

        for name, deaths, of, seen in (
            ("train", train, training_of, seen_of_run),
            ("score", score, scoring_of, seen_of_table),
            ("export", export, export_of, seen_of_export),
        ):
            if deaths:
                (work / name).mkdir()
                found[name] = campaign(name, deaths, of, seen, chance, work / name)
                print(f"{name}: {found[name]}", flush=True)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for command, deaths in (("train", 50), ("score", 50), ("export", 20), ("seed", 0)):
        parser.add_argument(f"--{command}", type=int, default=deaths)
    sys.exit(any(figures["lost"] for figures in main(**vars(parser.parse_args())).values()))
