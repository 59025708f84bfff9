"""The largest resident memory of training on a whole data set, and of scoring few and many image
files.

    python benchmarks/memory.py --data_dir=PREPARED

Each row is a process of its own, run from the command line as a user would. Training is for one
epoch: the next ones are like it. The files are small PNGs, made here.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from absl import app, flags
from PIL import Image

_DATA_DIR = flags.DEFINE_string("data_dir", "", "As in train.py.")
_DATASETS = flags.DEFINE_list("datasets", ["mnist", "cifar10"], "Data sets to train on, whole.")
_IMAGES = flags.DEFINE_list("images", ["1000", "100000"], "Numbers of files to score.")


def measure(command):
    """Seconds, and the largest resident set in MB, of a command and what it starts."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{output}")
    # In kilobytes on Linux.
    return time.perf_counter() - start, usage.ru_maxrss / 1e3


def write_images(folder, count):
    rng = np.random.default_rng(0)
    for i in range(count):
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(folder / f"{i:06}.png")


def main(argv):
    del argv
    rows = {}

    def row(name, command):
        seconds, megabytes = measure(command)
        print(f"{name:40}{megabytes:10,.0f} MB{seconds:10,.0f} s", flush=True)
        rows[name] = {"megabytes": round(megabytes), "seconds": round(seconds)}

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for dataset in _DATASETS.value:
            name = f"training, {dataset}, one epoch"
            flags_ = [
                f"--dataset={dataset}",
                "--epochs=1",
                f"--data_dir={_DATA_DIR.value}",
                f"--model_dir={folder / dataset}",
            ]
            # One epoch is too few for some decoders to reconstruct anything, which is no matter
            # here.
            row(name, [sys.executable, "train.py", "--output_activation=sigmoid", *flags_])
        model = folder / "digits"
        measure(
            [
                sys.executable,
                "train.py",
                "--epochs=3",
                "--output_activation=sigmoid",
                f"--model_dir={model}",
            ]
        )
        for count in map(int, _IMAGES.value):
            images = folder / str(count)
            images.mkdir()
            write_images(images, count)
            options = [
                f"--model_dir={model}",
                f"--images={images}",
                f"--output={folder / f'{count}.csv'}",
            ]
            row(f"scoring, {count:,} files", [sys.executable, "score.py", *options])
    print(json.dumps(rows))


if __name__ == "__main__":
    app.run(main)
