"""Trains one run of a grid and stores its result, with what the figures need beside its metrics.
All that thesis/ uses of training in tf_ssae is here.

`worker` starts it in a process of its own. Its only argument is a JSON object: grid, scale, name,
results, and work, the run's folder. It ends when its standard input does, so that it never outlives
its worker, which holds the lock.
"""

import base64
import json
import pathlib
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from tf_ssae.system.child import end_with_parent
from thesis import results
from thesis.grids import GRIDS, Scale

if TYPE_CHECKING:
    import keras

    from tf_ssae.data.split import Split
    from tf_ssae.detectors.base import Detector

# Exit statuses.
STORED, FAILED, UNUSABLE, BUSY = 0, 1, 2, 75

# A hundred would do for figure 5.5; four rotations of 500 images leave an error of one point.
_WATCHED = 500
# Two strips of ten originals above their reconstructions: the first test image of each class, and
# the first anomalous ones.
OF_CLASSES, OF_ANOMALIES = "reconstructions_of_classes.png", "reconstructions_of_anomalies.png"
_PLACES = 10


def main(job: dict[str, Any]) -> int:
    """Trains and stores; a training that failed is a result as well.

    Returns:
        The exit status: STORED; FAILED, stored without scores; UNUSABLE settings or data, the
        reason printed; BUSY, the run folder is another's.
    """
    # Only now: the watch on the worker begins at once, and reading results takes no TensorFlow.
    import keras

    from tf_ssae.detectors.health import TrainingFailed
    from tf_ssae.detectors.registry import preset
    from tf_ssae.runs import run_folder
    from tf_ssae.training import run as training

    started = time.time()
    grid, scale = GRIDS[job["grid"]], Scale(**job["scale"])
    (run,) = grid.select(name=[job["name"]])
    folder = pathlib.Path(job["work"]) / "run"
    failed, trained = None, []

    def callbacks(*args: Any) -> list[keras.callbacks.Callback]:
        ended = keras.callbacks.LambdaCallback(on_train_end=lambda logs: trained.append(True))
        return [*watch(*args), ended]

    try:
        config = preset(**grid.config_settings(run, scale))
        # A finished folder was left by a process that died before it had stored the result.
        if not folder.is_dir():
            training.train(config, folder, watch=callbacks)
    except (TrainingFailed, ValueError, OSError) as error:
        # A ValueError after training is about its scores: all the same, or not finite.
        if not isinstance(error, TrainingFailed) and not (
            trained and isinstance(error, ValueError)
        ):
            print(f"Error: {error}", flush=True)
            return BUSY if isinstance(error, run_folder.FolderBusy) else UNUSABLE
        failed, folder = str(error), folder.with_name(f"{folder.name}.partial")
    environment = json.loads((folder / "environment.json").read_text())
    table = folder / "history.csv"
    rows = pd.read_csv(table) if table.is_file() else pd.DataFrame({"seconds": []})
    history = [
        # Not every value is measured in every epoch.
        {name: value for name, value in row.items() if pd.notna(value)}
        for row in rows.astype(float).round(6).to_dict("records")
    ]
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
        "metrics": None if failed else json.loads((folder / "metrics.json").read_text()),
        "history": history,
        "reconstructions": _png(folder / OF_CLASSES),
        "reconstructions_of_anomalies": _png(folder / OF_ANOMALIES),
    }
    results.write(results.path_of(job["results"], grid.name, scale, run.name), value)
    return FAILED if failed else STORED


def _png(path: pathlib.Path) -> str | None:
    return base64.b64encode(path.read_bytes()).decode() if path.is_file() else None


def watch(
    detector: "Detector", split: "Split", folder: pathlib.Path
) -> list["keras.callbacks.Callback"]:
    """The callbacks of a training that record what the figures need. They choose nothing.

    * Figure 5.5: each epoch's `test_rotation_accuracy_normal` and `..._anomalous`, of the first 500
      test images of each kind.
    * Figure 1.1, of MNIST: the strips OF_CLASSES and OF_ANOMALIES, after training.
    """
    import keras

    from tf_ssae.ops.graph import graph

    test, callbacks = split.test, []
    if detector.trained_on_rotations:
        watched = {
            kind: test.of(test.is_anomaly == anomalous).first(_WATCHED).images
            for kind, anomalous in (("normal", False), ("anomalous", True))
        }
        probabilities = graph(lambda x: detector.networks(x)["rotation_probabilities"])

        def measure(epoch: int, logs: dict[str, float]) -> None:
            for kind, some in watched.items():
                # `[N, 4, 4]`: of the image so rotated, the probability of each rotation.
                answers = probabilities(some).numpy().argmax(axis=2)
                logs[results.ROTATION_ACCURACY.format(kind)] = float(
                    np.mean(answers == np.arange(answers.shape[1]))
                )

        callbacks.append(keras.callbacks.LambdaCallback(on_epoch_end=measure))
    is_mnist = test.data.image_shape[2] == 1 and set(test.data.class_names) == set("0123456789")
    if detector.reconstructs and is_mnist:
        classes, first = np.unique(test.labels, return_index=True)
        of_classes = test.data.images[test.index[first]]
        anomalies = test.of(test.is_anomaly).first(_PLACES).images

        def draw(logs: dict[str, float]) -> None:
            write_strip(detector, of_classes, classes.tolist(), folder / OF_CLASSES)
            write_strip(detector, anomalies, range(len(anomalies)), folder / OF_ANOMALIES)

        callbacks.append(keras.callbacks.LambdaCallback(on_train_end=draw))
    return callbacks


def write_strip(
    detector: "Detector", images: np.ndarray, places: Sequence[int], path: pathlib.Path
) -> None:
    """Writes a PNG of grey images `[N, S, S, 1]` above their reconstructions, ten places wide; a
    place without an image, of a small test set, stays white.
    """
    from tf_ssae.report import png

    originals = np.asarray(detector.preprocess(images))
    rows = np.ones([2, _PLACES, *originals.shape[1:]], np.float32)
    rows[0, places], rows[1, places] = originals, detector.networks(images)["reconstruction"]
    strip = png.image_grid(*rows)[..., 0]
    Image.fromarray(np.round(255 * strip).astype(np.uint8)).save(path, optimize=True)


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main(json.loads(sys.argv[1])))
