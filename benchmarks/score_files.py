"""How fast image files are scored, and in how much memory, beside a plain loop around
`keras.Model.predict`.

    python benchmarks/score_files.py --model_dir=RUN --images=FOLDER

Each measurement runs in a process of its own. "memory" is the largest resident set of that process,
in MB.
"""

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from absl import app, flags

_MODEL_DIR = flags.DEFINE_string("model_dir", None, "A run folder.", required=True)
_IMAGES = flags.DEFINE_string("images", None, "A folder of images.", required=True)
_MEASURE = flags.DEFINE_string(
    "measure", "", "What a child process measures; empty: all, in child processes."
)

_FEW = 1_000


def paths(count=None):
    """The first so many image files."""
    from tf_ssae.data.find import find

    return find(_IMAGES.value)[:count]


def ours(count=None):
    """tf_ssae.scoring, as from the command line: reading, scoring, table and report."""
    from tf_ssae.scoring import run as scoring

    with tempfile.TemporaryDirectory() as folder:
        names = pathlib.Path(folder) / "images.txt"
        names.write_text("\n".join(map(str, paths(count))))
        start = time.perf_counter()
        result = scoring.score(_MODEL_DIR.value, names, pathlib.Path(folder) / "scores.csv")
        return result.scored, time.perf_counter() - start


def predict(count, batch_size):
    """A loop that decodes some files and calls `predict` on them. Loading and compiling are not
    counted.
    """
    import numpy as np
    from PIL import Image

    from tf_ssae import runs

    detector = runs.load(_MODEL_DIR.value)
    chosen = paths(count)

    def score(names):
        images = np.stack(
            [np.asarray(Image.open(name)).reshape(detector.image_shape) for name in names]
        )
        return detector.predict(images, verbose=0)

    score(chosen[:batch_size])
    start = time.perf_counter()
    for i in range(0, len(chosen), batch_size):
        score(chosen[i : i + batch_size])
    return len(chosen), time.perf_counter() - start


MEASUREMENTS = {
    f"scoring, {_FEW:,} images": lambda: ours(_FEW),
    "scoring, all images": ours,
    "predict, 256 images a call": lambda: predict(20 * 256, 256),
    "predict, 1 image a call": lambda: predict(500, 1),
}


def main(argv):
    if _MEASURE.value:
        count, seconds = MEASUREMENTS[_MEASURE.value]()
        # In kilobytes on Linux.
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(
            json.dumps(
                {
                    "images": count,
                    "images_per_second": round(count / seconds, 1),
                    "memory": round(memory),
                }
            )
        )
        return
    print(f"{'':30}{'images':>10}{'images/s':>12}{'memory':>10}")
    for name in MEASUREMENTS:
        command = [
            sys.executable,
            *argv,
            f"--model_dir={_MODEL_DIR.value}",
            f"--images={_IMAGES.value}",
            f"--measure={name}",
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{name:30}{result['images']:>10,}{result['images_per_second']:>12,.0f}"
            f"{result['memory']:>7,} MB",
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
