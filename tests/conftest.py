"""What several test files share: real images of the right kind, made on the spot, and train.py in a
process of its own.
"""
# ruff: noqa: E402  (the lines between the imports have to run there)

import contextlib
import ctypes
import gc
import html
import os
import pathlib
import pickle
import re
import subprocess
import sys

import filelock
import pytest

# One core each for the processes of pytest-xdist and what they start: their threads would else wait
# for each other. Before TensorFlow, which counts the cores once.
if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})

# isort: split
from tf_ssae.cli import quiet

# Before anything else imports it: the suite's own output is not to be buried.
quiet.import_tensorflow()

# isort: split
import numpy as np
import tensorflow as tf
from stored_results import Store, fill_one_seed

from tf_ssae.data import digits
from tf_ssae.detectors.registry import preset
from tf_ssae.export import tflite, timing
from tf_ssae.training import run as training

pytest_plugins = ["own_process"]

ROOT = pathlib.Path(__file__).parent.parent

# A run that takes seconds, with 4 steps per epoch.
QUICK = dict(
    max_train_images=256,
    epochs=3,
    learning_rate=1e-3,
    rotations="sampled",
    output_activation="sigmoid",
)
QUICK_FLAGS = [f"--{name}={value}" for name, value in QUICK.items()]
# Of the run that a new user begins with.
DIGITS_EPOCHS = 8


# They take longest, and begin first: no process is to wait at the end for the other's last file.
# The first needs what the others need.
LONGEST = (
    "training/run_test.py", "detectors/conformance_test.py", "detectors/steps_test.py",
    "region_of_interest_test.py", "export/export_test.py", "detectors/export_conformance_test.py",
    "detectors/bfloat16_test.py", "own_images_test.py", "readme_test.py",
    "campaigns/death_test.py", "scoring/run_test.py", "training/precision_test.py",
    "export/saved_model_test.py", "outputs_inside_test.py", "campaigns/hostile_test.py",
    "training/recalibrate_test.py", "thesis/worker_test.py", "own_process_test.py",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    ranks = {ROOT / "tests" / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


def pytest_runtest_logreport(report):
    """Names a failure as it happens: a suite of minutes need not run to its end to be mended."""
    if report.failed:
        print(f"\nFAILED {report.nodeid} ({report.when})", flush=True)


def give_back_memory():
    """Frees models and traced functions that are not used any more, to the system."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture(scope="session")
def digit_images():
    """scikit-learn's digits, LabelledImages `[1797, 8, 8, 1]`."""
    return digits.load(preset("digits"), None)


@pytest.fixture(scope="session")
def prepared_tfds(tmp_path_factory, digit_images):
    """A folder of prepared tensorflow-datasets, as a download would leave it, holding an MNIST made
    of the digits.
    """
    import tensorflow_datasets as tfds

    images = np.pad(
        digit_images.images.repeat(3, axis=1).repeat(3, axis=2), [(0, 0), (2, 2), (2, 2), (0, 0)]
    )
    data_dir = tmp_path_factory.mktemp("tfds")

    def split(chosen):
        return tf.data.Dataset.from_tensor_slices(
            {"image": images[chosen], "label": digit_images.labels[chosen]}
        )

    tfds.dataset_builders.store_as_tfds_dataset(
        name="mnist",
        version="3.0.1",
        data_dir=data_dir,
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(28, 28, 1)),
                "label": tfds.features.ClassLabel(num_classes=10),
            }
        ),
        split_datasets={"train": split(slice(None, 1500)), "test": split(slice(1500, None))},
    )
    return data_dir


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """What a new user runs first: train.py on digits, its defaults but for fewer epochs. The
    run's folder, not to be changed, and the process.
    """
    model_dir = shared_folder(tmp_path_factory) / "digits"
    flags = [f"--epochs={DIGITS_EPOCHS}", f"--model_dir={model_dir}"]
    return model_dir, once(model_dir, lambda: train(*flags))


@pytest.fixture(scope="session")
def quick_run(tmp_path_factory):
    """The folder of a finished run. It is not to be changed."""
    model_dir = shared_folder(tmp_path_factory) / "quick"
    once(model_dir, lambda: training.train(preset("digits", **QUICK), model_dir))
    return model_dir


@pytest.fixture(scope="session")
def digits_export(digits_run, tmp_path_factory):
    """`digits_run` as export.py exports it: the folder, not to be changed, which holds model
    "parts", and the process.
    """
    export_dir = shared_folder(tmp_path_factory) / "exported"
    flags = [f"--model_dir={digits_run[0]}", f"--export_dir={export_dir}", "--name=parts"]
    return export_dir, once(export_dir, lambda: run_command("export.py", *flags))


@pytest.fixture(scope="session")
def exported(digits_export):
    """The folder of version 1 of model "parts"."""
    assert digits_export[1].returncode == 0, digits_export[1].stderr
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


@contextlib.contextmanager
def quick_export():
    """Leaves out of exports what takes longest and is tested once: speed, and the int8 file."""
    speed = {"latency_ms": 1.0, "latency_p99_ms": 1.0, "images_per_second": {"1": 1.0}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite, "KINDS", ("float32", "float16"))
        patch.setattr(timing, "of_saved_model", lambda folder, image_shape: speed)
        patch.setattr(timing, "of_tflite", lambda model: speed)
        yield


@contextlib.contextmanager
def without_report():
    """Leaves out of runs their page, which takes a fifth of so small a run, and others have."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.report, "write", lambda *_: None)
        yield


def read_page(path):
    """The source of a report, without the places where its lines may break."""
    return path.read_text(encoding="utf-8").replace("<wbr>", "")


def first_shown(page, title):
    """The name of the first image in a section of a report."""
    pattern = rf'<h2>{re.escape(title)}</h2>.*?class="name">(?:<a [^>]*>)?<bdi>(.*?)</bdi>'
    return html.unescape(re.search(pattern, page, re.S).group(1))


def code(page, mark, language):
    """The block of code that follows a comment in a page of Markdown."""
    return re.search(rf"<!-- {mark}.*?-->\n```{language}\n(.*?)```", page, re.S).group(1)


def shared_folder(tmp_path_factory):
    """A folder that all processes of pytest-xdist see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def once(path, run):
    """What `run()` returns, which makes `path`, in whichever process of tests asks first."""
    done = path.with_name(f"{path.name}.done")
    with filelock.FileLock(path.with_name(f"{path.name}.lock")):
        if not done.exists():
            done.write_bytes(pickle.dumps(run()))
        return pickle.loads(done.read_bytes())


def train_command(*flags: str) -> list[str]:
    """The argument list of `python train.py` with these flags."""
    return [sys.executable, str(ROOT / "train.py"), *flags]


def train(*flags):
    """Runs `python train.py` to its end: a CompletedProcess with text in `stdout` and `stderr`."""
    return run_command("train.py", *flags)


def run_command(script, *flags):
    """Runs a Python file of the project's top level to its end: a CompletedProcess with text."""
    return run_python(str(ROOT / script), *flags)


def run_python(*arguments, **options):
    """Runs `python` with these arguments to its end: a CompletedProcess with text. What hangs
    fails.
    """
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=1200, **options
    )
