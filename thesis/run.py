"""Trains the runs of a grid that have no stored result, one after the other.

    python -m thesis.run --grid=table_5_1 python -m thesis.run
    --grid=table_5_1 --max_train_images=6000 --epochs=5 --max_test_images=4000 python -m
    thesis.run --grid=table_5_1 --dataset=mnist --detector=ssae,ensemble --seed=0
    python -m thesis.run --grid=smoke

Stop it with Ctrl-C, or kill it: the same command goes on from the last finished epoch. Start it
several times, on machines that share --results and --work, and they divide the runs among them.
TFDS_DATA_DIR names a folder of prepared data sets.
"""

import sys

from absl import app, flags

from thesis import results
from thesis.grids import GRIDS, Scale
from thesis.worker import GridStopped, Worker

_GRID = flags.DEFINE_enum("grid", None, sorted(GRIDS), "The runs, see grids.py.", required=True)
_DATASET = flags.DEFINE_list("dataset", [], "Only these data sets.")
_ANOMALY = flags.DEFINE_list(
    "anomaly", [], "Only these configurations: the class that is the ANOMALY."
)
_DETECTOR = flags.DEFINE_list("detector", [], "Only these detectors.")
_SEED = flags.DEFINE_list("seed", [], "Only these seeds.")
_NAME = flags.DEFINE_list("name", [], "Only the runs of these names, such as mnist-2-ssae-seed-0.")
_MAX_TRAIN_IMAGES = flags.DEFINE_integer(
    "max_train_images", 0, "Train on so many images. 0: all.", lower_bound=0
)
_EPOCHS = flags.DEFINE_integer(
    "epochs", 0, "Passes over them. 0: as in each detector's preset.", lower_bound=0
)
_MAX_TEST_IMAGES = flags.DEFINE_integer(
    "max_test_images", 0, "Test on so many, anomalies in the same share. 0: all.", lower_bound=0
)
_ROTATIONS = flags.DEFINE_enum(
    "rotations", "", ["", "all", "sampled"], "As in train.py; empty: as in the preset."
)
_RESULTS = flags.DEFINE_string(
    "results", results.DEFAULT, "Folder for the results, one JSON file a run."
)
_WORK = flags.DEFINE_string("work", "runs/experiments", "Folder for unfinished runs and claims.")


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(
            f"Unexpected arguments: {' '.join(argv[1:])}. Flags look like --name=value."
        )
    grid = GRIDS[_GRID.value]
    scale = Scale(_MAX_TRAIN_IMAGES.value, _EPOCHS.value, _MAX_TEST_IMAGES.value, _ROTATIONS.value)
    try:
        anomalies, seeds = _numbers(_ANOMALY), _numbers(_SEED)
        runs = grid.select(_DATASET.value, anomalies, _DETECTOR.value, seeds, _NAME.value)
        worker = Worker(
            grid, scale, _RESULTS.value, _WORK.value, say=lambda line: print(line, flush=True)
        )
        left_out = worker.work(runs)
    except (ValueError, OSError, GridStopped) as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from the last finished epoch.")
    if left_out:
        sys.exit(f"Error: {len(left_out)} runs crashed again and again: {', '.join(left_out)}.")


def _numbers(flag):
    try:
        return [int(value) for value in flag.value]
    except ValueError:
        raise ValueError(f"--{flag.name}={','.join(flag.value)}: expected numbers.") from None


if __name__ == "__main__":
    app.run(main)
