"""Arranges TensorFlow's and Keras' first import, so that their start-up notices do not bury what
this package prints.

Neither is imported before something needs it: what only reads stored results starts at once.
"""

import importlib.abc
import importlib.util
import os
import sys

from absl import logging

from tf_ssae.system.terminal import held_back_stderr

# Read by TensorFlow and Keras at their first import; a user's own choice stands, and shows all (see
# `native_logs`). Level 3 leaves out native errors too: what matters of them is raised as a Python
# exception, the rest is news such as a CPU without an instruction.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

# TensorFlow logs through absl, whose default inside absl.app.run is to print what it did as well as
# what is wrong.
logging.set_verbosity(logging.WARNING)


class _FirstImport(importlib.abc.MetaPathFinder):
    """Finds TensorFlow or Keras, whichever is imported first, and has its import quiet
    and checked.
    """

    def find_spec(self, name, path, target=None):
        if name not in ("tensorflow", "keras"):
            return None
        # The usual finders are to find it.
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        # Back: who asks may only want to know whether it is installed.
        sys.meta_path.insert(0, self)
        if spec is None:
            return None
        execute = spec.loader.exec_module

        def execute_quietly(module):
            # It imports the other one, which is no first import.
            sys.meta_path.remove(self)
            with held_back_stderr():
                execute(module)
                import keras  # noqa: F401
                import tensorflow as tf

                # The search for a GPU logs as well. It leaves the runtime uninitialised, so memory
                # growth can still be set.
                tf.config.list_physical_devices()
            _require_tensorflow_backend()

        spec.loader.exec_module = execute_quietly
        return spec


def _require_tensorflow_backend():
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            f"tf_ssae needs Keras on the TensorFlow backend, found {keras.backend.backend()!r}. Set"
            " KERAS_BACKEND=tensorflow, or remove it from the environment and from"
            " ~/.keras/keras.json."
        )


if "keras" in sys.modules:
    _require_tensorflow_backend()
elif "tensorflow" not in sys.modules:
    sys.meta_path.insert(0, _FirstImport())
