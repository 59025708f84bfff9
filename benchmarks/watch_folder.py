"""Files copied into a folder that `tf-ssae score --watch` watches while it is killed with -9 and
started again: rows lost and doubled, and how long after a file is complete its row is written.

    python benchmarks/watch_folder.py --model_dir=runs/parts --images=parts/test
"""

import csv
import datetime
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
from absl import app, flags

ROOT = pathlib.Path(__file__).parent.parent

FLAGS = flags.FLAGS
flags.DEFINE_string("model_dir", None, "A run's folder or an export.", required=True)
flags.DEFINE_string("images", None, "Folder of images to copy, again and again.", required=True)
flags.DEFINE_integer("files", 2000, "How many are copied.")
flags.DEFINE_float("per_second", 50.0, "How fast.")
flags.DEFINE_integer("kills", 5, "How often the process is killed.")


def rows_of(folder: pathlib.Path) -> list[dict]:
    rows = []
    for path in sorted(folder.glob("scores-*.csv")):
        with open(path, newline="") as file:
            rows += csv.DictReader(file)
    return rows


def main(argv: list[str]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        watched = folder / "in"
        watched.mkdir()
        sources = sorted(pathlib.Path(FLAGS.images).rglob("*.png"))
        copied = []

        def copy() -> None:
            began = time.monotonic()
            for i in range(FLAGS.files):
                time.sleep(max(0.0, began + i / FLAGS.per_second - time.monotonic()))
                target = watched / f"{i:05}.png"
                shutil.copyfile(sources[i % len(sources)], target)
                copied.append(target)

        def start() -> subprocess.Popen:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout.readline().startswith("Watching")
            ready.append(datetime.datetime.now(datetime.UTC))
            return process

        command = [
            *(sys.executable, str(ROOT / "score.py"), "--watch", f"--model_dir={FLAGS.model_dir}"),
            *(f"--images={watched}", f"--output={folder / 'scores.csv'}"),
        ]
        ready: list[datetime.datetime] = []
        killed = []
        process = start()
        camera = threading.Thread(target=copy)
        camera.start()
        for part in range(1, FLAGS.kills + 1):
            while len(copied) < FLAGS.files * part / (FLAGS.kills + 1):
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            killed.append(datetime.datetime.now(datetime.UTC))
            process.wait()
            process = start()
        camera.join()
        while len({row["path"] for row in rows_of(folder)}) < FLAGS.files:
            time.sleep(0.2)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        process.wait()

        rows = rows_of(folder)
        paths = [row["path"] for row in rows]
        waited, under_watch = [], []
        for row in rows:
            modified, scored = (
                datetime.datetime.fromisoformat(row[name]) for name in ("modified", "scored")
            )
            waited.append((scored - modified).total_seconds())
            # Complete while a process watched that had caught up with what lay there before.
            since = max(moment for moment in ready if moment <= max(modified, ready[0]))
            down = any(kill <= modified < up for kill, up in zip(killed, ready[1:]))
            gone = any(modified <= kill <= scored for kill in killed)
            if not down and not gone and (modified - since).total_seconds() > 3:
                under_watch.append(waited[-1])
        print(
            f"{len(copied):,} files, {FLAGS.kills} kills: {len(rows):,} rows,"
            f" {len(set(map(str, copied)) - set(paths))} lost, {len(paths) - len(set(paths))}"
            " doubled."
        )
        for name, values in (("all", waited), ("while it watched", under_watch)):
            if not values:
                print(f"Seconds from complete to written, {name}: none to time.")
                continue
            print(
                f"Seconds from complete to written, {name} ({len(values):,}): median"
                f" {np.median(values):.2f}, 99th percentile {np.quantile(values, 0.99):.2f}."
            )


if __name__ == "__main__":
    app.run(main)
