"""What importing the package does, and what it does not do, in fresh processes."""

import os

import pytest
from conftest import ROOT, run_python


@pytest.mark.parametrize(
    "program", ["import tf_ssae.networks, keras", "import keras, tf_ssae.networks"]
)
def test_another_backend_of_keras_is_refused(program, tmp_path):
    # In place of Keras, which would need the other backend's own package.
    (tmp_path / "keras.py").write_text(
        "class backend:\n    backend = staticmethod(lambda: 'jax')\n"
    )
    done = run_python("-c", program, env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert done.returncode == 1
    assert "ImportError: tf_ssae needs Keras on the TensorFlow backend, found 'jax'." in done.stderr


_IMPORT_CHANGES_NOTHING = """
import logging, os, sys, warnings
from absl import logging as absl_logging

def state():
    return {
        "finders": list(sys.meta_path),
        "hooks": list(sys.path_hooks),
        "verbosity": absl_logging.get_verbosity(),
        "handlers": [list(logging.getLogger(name).handlers) for name in (None, "absl")],
        "stderr": (os.fstat(2).st_ino, os.fstat(2).st_dev, sys.stderr),
        "warnings": list(warnings.filters),
    }

before, variables = state(), dict(os.environ)
import tf_ssae
after = state()
assert after == before, (before, after)
new = {name: value for name, value in os.environ.items() if variables.get(name) != value}
assert new == {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}, new
heavy = {"tensorflow", "keras", "numpy", "PIL"} & set(sys.modules)
assert not heavy, heavy
"""


def test_importing_the_package_sets_two_variables_and_does_nothing_else():
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")
    }
    done = run_python("-c", _IMPORT_CHANGES_NOTHING, cwd=ROOT, env=environment)
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_a_users_own_choice_stands():
    program = "import os, tf_ssae; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    done = run_python("-c", program, cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0"})
    assert done.stdout == "0\n"


def test_reading_images_changes_no_filter_of_warnings():
    program = (
        "import warnings, tf_ssae, tensorflow, PIL.Image; before = list(warnings.filters)\n"
        "import tf_ssae.data\n"
        "assert warnings.filters == before"
    )
    done = run_python("-c", program, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_training_loads_no_interpreter_no_plots_and_no_export():
    # Keras itself imports matplotlib where it is installed; here it is not to be had.
    program = """
import sys
sys.modules["matplotlib"] = None
import tf_ssae.training.run
heavy = ("ai_edge_litert", "tf_ssae.export", "tf_ssae.scoring")
found = {name for name in heavy for loaded in sys.modules if f"{loaded}.".startswith(f"{name}.")}
assert not found, found
"""
    done = run_python("-c", program, cwd=ROOT)
    assert done.returncode == 0, done.stderr


_OTHER_DEFAULTS = """
import keras
from tf_ssae.detectors import registry
assert keras.config.image_data_format() == "channels_first"
try:
    registry.make(registry.preset("digits", detector="autoencoder"), (8, 8, 1))
    raise SystemExit("made")
except ValueError as error:
    assert "Keras is set to channels_first and float16; tf_ssae needs" in str(error), error
from tf_ssae.cli import quiet
quiet.import_tensorflow()
detector = registry.make(registry.preset("digits", detector="autoencoder"), (8, 8, 1))
assert {variable.dtype for variable in detector.trainable_variables} == {"float32"}
assert detector.networks(keras.ops.zeros([2, 8, 8, 1]))["a_rec"].shape == (2,)
"""


def test_other_defaults_of_keras_are_refused_and_set_by_the_commands(tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"image_data_format": "channels_first", "floatx": "float16", "backend": "tensorflow"}'
    )
    environment = {**os.environ, "KERAS_HOME": str(tmp_path)}
    done = run_python("-c", _OTHER_DEFAULTS, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
