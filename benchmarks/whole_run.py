"""What a run costs beside its steps: train.py's images a second beside those of the bare step, and
its start-up.

    python benchmarks/whole_run.py --dataset=mnist --rotations=sampled --data_dir=PREPARED

Takes the flags of `train_speed.py`. A run and the bare step take turns, each in a process of its
own; the run is that of train.py, with its pipeline, callbacks, report and checkpoints. Its speed is
that from the beginning of the second epoch to the end of the last; the first one holds what is done
once, of which the start-up, from the start of the process to the end of the first step, is the
most.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import train_speed
from absl import app, flags
from train_speed import keras_step, settings

_DATA_DIR = flags.DEFINE_string("data_dir", "", "As in train.py.")
_EPOCHS = flags.DEFINE_integer("epochs", 2, "Of each run.", lower_bound=2)
_TURNS = flags.DEFINE_integer("turns", 3, "Turns of each of the two.")
_CHILD = flags.DEFINE_enum(
    "child", None, ["run", "step"], "What this process times; none: both, in turns."
)
_STARTED = flags.DEFINE_float(
    "started", 0, "When this process was started, for the child that is the run."
)
# For --help, which lists the flags of the program's own file.
flags.adopt_module_key_flags(train_speed)
_STEPS = 60


def time_run():
    """Prints the seconds of the start-up, and the images a second of the epochs after the first."""
    import keras

    from tf_ssae.data import pipeline
    from tf_ssae.training import run as training

    # One epoch or two are too few for some decoders to reconstruct anything, which is no matter
    # here.
    config = settings(epochs=_EPOCHS.value, data_dir=_DATA_DIR.value, output_activation="sigmoid")
    found = {}

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            found.setdefault("startup", time.time() - _STARTED.value)

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                found["second_epoch"] = time.time()

        def on_train_end(self, logs=None):
            found["end"] = time.time()

    def watch(detector, split, folder):
        found["images"] = (
            pipeline.steps_per_epoch(len(split.train.index), config)
            * config.batch_size
            * (config.epochs - 1)
        )
        return [Watch()]

    with tempfile.TemporaryDirectory() as folder:
        training.train(config, pathlib.Path(folder) / "run", watch=watch)
    speed = found["images"] / (found["end"] - found["second_epoch"])
    print("\n" + json.dumps({"startup": found["startup"], "speed": speed}))


def time_step():
    """Prints the images a second of the bare step."""
    config = settings()
    step = keras_step(config)
    for _ in range(5):
        step()
    start = time.time()
    for _ in range(_STEPS):
        step()
    print(json.dumps({"speed": _STEPS * config.batch_size / (time.time() - start)}))


def child(kind):
    done = subprocess.run(
        [sys.executable, *sys.argv, f"--child={kind}", f"--started={time.time()}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(done.args)} failed:\n{done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def main(argv):
    del argv
    if _CHILD.value:
        return time_run() if _CHILD.value == "run" else time_step()
    config, rows = settings(), []
    print(f"{config.detector}, {config.dataset}, rotations={config.rotations}")
    print(f"{'bare step, images/s':>20}{'train.py, images/s':>20}{'of it':>8}{'start-up, s':>13}")
    # A bare step before and after each run, so that a machine that slows down does so for both.
    before = child("step")["speed"]
    for _ in range(_TURNS.value):
        run, after = child("run"), child("step")["speed"]
        step = (before + after) / 2
        print(
            f"{step:20.0f}{run['speed']:20.0f}{run['speed'] / step:8.0%}{run['startup']:13.1f}",
            flush=True,
        )
        rows.append({"step": step, **run})
        before = after
    print(json.dumps(rows))


if __name__ == "__main__":
    app.run(main)
