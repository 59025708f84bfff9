"""Death: kill -9, or SIGTERM, at random moments of train, score, export and calibrate, and then the
same command again: weights, rows and folders as if nothing had happened.

    python tests/campaigns/death.py --train=50 --score=50 --export=20 --calibrate=20
    python tests/campaigns/death.py --signal=SIGTERM --train=20 --score=20 --export=9 --calibrate=9

Small runs on scikit-learn's digits. What SIGTERM stops has to say so in one sentence, and to leave
nothing in the temporary folder.
"""

import argparse
import json
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable

import commands
import h5py
import numpy as np
from PIL import Image

from tf_ssae.data import digits, protocols
from tf_ssae.detectors.registry import preset
from tf_ssae.runs import calibrations

# What depends on time, and not on what was done.
_TIMED = ("seconds", "training_seconds", "training_images_per_second")
_STOPPED = re.compile(r"\s*Stopped\.[^\n]*\n")

Command = Callable[[pathlib.Path], list[str]]


def ended(arguments: list[str], after: float | None = None, number: int = signal.SIGKILL) -> bool:
    """Runs a command. Returns whether the signal ended it, sent `after` seconds.

    Raises:
        RuntimeError: it failed, or was not stopped as it ought to be.
    """
    how = commands.run(arguments, after, number)
    if how.status == 0:
        return False
    if how.stopped and number == signal.SIGKILL and how.status == -number:
        return True
    orderly = _STOPPED.fullmatch(how.said) and not how.left
    if how.stopped and how.status == 128 + number and orderly:
        return True
    raise RuntimeError(f"{arguments} ended with {how}")


def campaign(
    name: str, deaths: int, command: Command, seen: Callable[[pathlib.Path], dict],
    chance: random.Random, folder: pathlib.Path, number: int,
) -> dict:  # fmt: skip
    """Ends the command so many times at random moments of it, several times in a row, and compares
    what the last one leaves with what an undisturbed one leaves.

    Args:
        command: from a folder to work in to the arguments; an empty list if nothing is to be done.
        seen: what is compared, of that folder.
    """
    began = time.monotonic()
    ended(command(folder / "undisturbed"))
    takes = time.monotonic() - began
    expected, done, rounds, lost = seen(folder / "undisturbed"), 0, 0, []
    while done < deaths:
        place = folder / f"round-{rounds}"
        # Up to three deaths in a row, anywhere in what is left to do.
        for _ in range(min(chance.randint(1, 3), deaths - done)):
            while not (arguments := command(place)) or not ended(
                arguments, chance.uniform(0, takes), number
            ):
                shutil.rmtree(place, ignore_errors=True)
            done += 1
        if arguments := command(place):
            ended(arguments)
        found = seen(place)
        if found != expected:
            lost.append(f"{name}, round {rounds}: {difference(expected, found)}")
        shutil.rmtree(place)
        rounds += 1
    seconds = round(time.monotonic() - began)
    return {"deaths": done, "rounds": rounds, "seconds": seconds, "lost": lost}


def difference(expected: dict, found: dict) -> str:
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


def seen_of_calibration(folder: pathlib.Path) -> dict:
    run = folder / "run"
    found = calibrations.read(run, calibrations.current(run))
    # A process that is killed after it stored one, and before it was current, leaves one more.
    numbers = {path.name for path in (run / "calibrations").glob("[0-9]*.json")}
    files = [path for path in listed(folder) if pathlib.Path(path).name not in numbers]
    return {"files": files, "calibration": found.calibration.to_dict(), "of": found.fingerprint}


def main(
    train: int, score: int, export: int, calibrate: int, seed: int = 0, number: int = signal.SIGKILL
) -> dict[str, dict]:
    """The figures of each campaign; `lost` holds what was not as if nothing had happened."""
    chance, found = random.Random(seed), {}
    commands.export_quickly()
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        run, images, goods = work / "model" / "run", work / "images", work / "goods"

        def training_of(place: pathlib.Path) -> list[str]:
            # A run that was finished when the signal came is finished.
            settings = [f"--{name}={value}" for name, value in commands.SETTINGS.items()]
            done = (place / "run").exists()
            return [] if done else ["train", *settings, f"--model_dir={place / 'run'}"]

        def scoring_of(place: pathlib.Path) -> list[str]:
            place.mkdir(exist_ok=True)
            output = place / "scores.jsonl"
            flags = [f"--model_dir={run}", f"--images={images}", f"--output={output}"]
            return [] if output.exists() else ["score", *flags]

        def export_of(place: pathlib.Path) -> list[str]:
            flags = [f"--model_dir={run}", f"--export_dir={place}", "--name=parts"]
            return [] if (place / "parts" / "1").exists() else ["export", *flags]

        def calibration_of(place: pathlib.Path) -> list[str]:
            if not place.exists():
                shutil.copytree(run, place / "run")
            return ["calibrate", f"--model_dir={place / 'run'}", f"--images={goods}"]

        ended(training_of(work / "model"))
        write_goods(goods)
        # All digits, twice.
        _save(images, np.tile(digits.load(preset("digits"), work).images, [2, 1, 1, 1]))
        for name, deaths, of, seen in (
            ("train", train, training_of, seen_of_run),
            ("score", score, scoring_of, seen_of_table),
            ("export", export, export_of, seen_of_export),
            ("calibrate", calibrate, calibration_of, seen_of_calibration),
        ):
            if deaths:
                (work / name).mkdir()
                found[name] = campaign(name, deaths, of, seen, chance, work / name, number)
                print(f"{name}: {found[name]}", flush=True)
    return found


def write_goods(folder: pathlib.Path) -> None:
    """Makes a folder of normal digits that do not train."""
    config = preset("digits", **commands.SETTINGS)
    test = protocols.split(digits.load(config, folder), config).test
    _save(folder, test.of(~test.is_anomaly).images)


def _save(folder: pathlib.Path, images: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    for i, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(folder / f"{i:04d}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    deaths = {"train": 50, "score": 50, "export": 20, "calibrate": 20, "seed": 0}
    for command, usual in deaths.items():
        parser.add_argument(f"--{command}", type=int, default=usual)
    parser.add_argument("--signal", choices=["SIGKILL", "SIGTERM", "SIGINT"], default="SIGKILL")
    flags = vars(parser.parse_args())
    number = signal.Signals[flags.pop("signal")]
    sys.exit(any(figures["lost"] for figures in main(**flags, number=number).values()))
