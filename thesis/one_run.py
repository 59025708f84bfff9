"""Trains one run of a grid and stores its result. `worker` starts it in a process of its own: a
crash then ends one run only.

Its only argument is a JSON object: grid, scale, name, results and work. It ends when its standard
input does, so that it never outlives its worker, which holds the claim on the run.
"""

import base64
import csv
import json
import os
import pathlib
import shutil
import sys
import threading
import time

from thesis import results
from thesis.grids import GRIDS, Scale

STORED, UNUSABLE, BUSY = 0, 2, 75


def main(job):
    """Trains and stores; a training that failed is a result as well.

    Returns:
        The exit status: STORED; UNUSABLE settings or data, the reason printed; BUSY, the run folder
            is another's.
    """
    # Only now, so that the watch on the parent begins at once.
    import keras

    from tf_ssae.config import preset
    from tf_ssae.runs import run_folder
    from tf_ssae.training import run as training
    from tf_ssae.training.health import TrainingFailed
    from thesis import watching

    started = time.time()
    grid, scale = GRIDS[job["grid"]], Scale(**job["scale"])
    (run,) = grid.select(names=[job["name"]])
    folder = pathlib.Path(job["work"]) / run.name
    failed, trained = None, []

    def watch(*args):
        return [
            *watching.watch(*args),
            keras.callbacks.LambdaCallback(on_train_end=lambda logs: trained.append(True)),
        ]

    try:
        config = preset(**grid.config_settings(run, scale))
        # A finished folder was left by a process that died before it had stored the result.
        if not folder.is_dir():
            training.run(config, folder, watch=watch)
    except (TrainingFailed, ValueError, OSError) as error:
        # A ValueError after training is about its scores: all the same, or not finite.
        if not isinstance(error, TrainingFailed) and not (
            trained and isinstance(error, ValueError)
        ):
            print(f"Error: {error}", flush=True)
            return BUSY if isinstance(error, run_folder.FolderBusy) else UNUSABLE
        failed, folder = str(error), folder.with_name(f"{folder.name}.partial")
    environment = json.loads((folder / "environment.json").read_text())
    metrics = None if failed else json.loads((folder / "metrics.json").read_text())
    history = _history(folder / "history.csv")
    value = {
        "format": results.FORMAT,
        "grid": grid.name,
        "scale": job["scale"],
        "name": run.name,
        "settings": dict(run.settings),
        "failed": failed,
        "command": results.run_command(grid.name, scale, name=run.name),
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(max(time.time() - started, sum(row["seconds"] for row in history)), 1),
        "config": run_folder.read_config(folder).to_dict(),
        **{
            name: environment[name]
            for name in ("versions", "git_revision", "machine", "split_fingerprint")
        },
        # What trained the first epochs, if it was another revision or machine.
        "earlier": environment.get("earlier", []),
        "metrics": metrics,
        "history": history,
        "reconstructions": _png(folder / watching.OF_CLASSES),
        "reconstructions_of_anomalies": _png(folder / watching.OF_ANOMALIES),
    }
    results.write(results.path_of(job["results"], grid.name, scale, run.name), value)
    # Only now: until the result is stored, this is what a next process goes on from.
    shutil.rmtree(folder)
    return STORED


def _history(path):
    if not path.is_file():
        return []
    with open(path, newline="") as file:
        return [
            {name: round(float(value), 6) for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _png(path):
    return base64.b64encode(path.read_bytes()).decode() if path.is_file() else None


def _end_with_parent():
    """Ends this process when its standard input ends, which is when the worker does, however that
    died.
    """

    def wait():
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _end_with_parent()
    sys.exit(main(json.loads(sys.argv[1])))
