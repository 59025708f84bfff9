"""What several test files share: real images of the right kind, made on the spot, and train.py in a process of its own."""

import pathlib
import subprocess
import sys

import pytest

import tf_ssae  # noqa: F401  (before TensorFlow: it decides what TensorFlow prints)

# isort: split
import numpy as np
import tensorflow as tf
from stored_results import Store, fill_one_seed

from tf_ssae import training
from tf_ssae.config import preset
from tf_ssae.datasets import digits

ROOT = pathlib.Path(__file__).parent.parent

# A run that takes seconds: 19 steps an epoch would be 4 here.
QUICK = dict(max_train_images=256, epochs=3, learning_rate=1e-3, rotations="sampled", output_activation="sigmoid")
QUICK_FLAGS = [f"--{name}={value}" for name, value in QUICK.items()]


@pytest.fixture(scope="session")
def digit_images():
    """scikit-learn's digits, LabelledImages `[1797, 8, 8, 1]`."""
    return digits.load(preset("digits"), None)


@pytest.fixture(scope="session")
def prepared_tfds(tmp_path_factory, digit_images):
    """A folder of prepared tensorflow-datasets, as a download would leave it, holding an MNIST made of the digits."""
    import tensorflow_datasets as tfds

    images = np.pad(digit_images.images.repeat(3, axis=1).repeat(3, axis=2), [(0, 0), (2, 2), (2, 2), (0, 0)])
    data_dir = tmp_path_factory.mktemp("tfds")

    def split(chosen):
        return tf.data.Dataset.from_tensor_slices({"image": images[chosen], "label": digit_images.labels[chosen]})

    tfds.dataset_builders.store_as_tfds_dataset(
        name="mnist",
        version="3.0.1",
        data_dir=data_dir,
        features=tfds.features.FeaturesDict(
            {"image": tfds.features.Image(shape=(28, 28, 1)), "label": tfds.features.ClassLabel(num_classes=10)}
        ),
        split_datasets={"train": split(slice(None, 1500)), "test": split(slice(1500, None))},
    )
    return data_dir


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """What a new user runs first: train.py on digits, its defaults. The run's folder, not to be changed, and the process."""
    model_dir = tmp_path_factory.mktemp("runs") / "digits"
    return model_dir, train(f"--model_dir={model_dir}")


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory):
    """The folder of a finished run. It is not to be changed."""
    model_dir = tmp_path_factory.mktemp("runs") / "quick"
    training.run(preset("digits", **QUICK), model_dir)
    return model_dir


@pytest.fixture(scope="session")
def digits_export(digits_run, tmp_path_factory):
    """`digits_run` as export.py exports it: the folder, not to be changed, which holds model "parts", and the process."""
    export_dir = tmp_path_factory.mktemp("exported")
    return export_dir, run_command("export.py", f"--model_dir={digits_run[0]}", f"--export_dir={export_dir}", "--name=parts")


@pytest.fixture(scope="session")
def exported(digits_export):
    """The folder of version 1 of model "parts"."""
    return digits_export[0] / "parts" / "1"


@pytest.fixture
def store(tmp_path):
    """A Store of made-up results of grids, empty."""
    return Store(tmp_path / "results")


@pytest.fixture(scope="session")
def one_seed(tmp_path_factory):
    """A Store, not to be changed: see `fill_one_seed`."""
    store = Store(tmp_path_factory.mktemp("stored") / "results")
    fill_one_seed(store)
    return store


def train_command(*flags):
    """The argument list of `python train.py` with these flags."""
    return [sys.executable, str(ROOT / "train.py"), *flags]


def train(*flags):
    """Runs `python train.py` to its end: a CompletedProcess with text in `stdout` and `stderr`."""
    return run_command("train.py", *flags)


def run_command(script, *flags):
    """Runs a Python file of the project's top level to its end: a CompletedProcess with text."""
    return subprocess.run([sys.executable, str(ROOT / script), *flags], capture_output=True, text=True, timeout=300)
