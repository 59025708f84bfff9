"""Imports TensorFlow and Keras so that their start-up notices do not bury what this package prints."""

import os

from absl import logging

from tf_ssae.native_logs import held_back_stderr

# Read by TensorFlow and Keras at their first import; a user's own choice stands. Level 3 leaves out native errors too:
# what matters of them is raised as a Python exception, the rest is news such as a CPU without an instruction.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

with held_back_stderr():
    import keras
    import tensorflow as tf

    # The search for a GPU logs as well. It leaves the runtime uninitialised, so memory growth can still be set.
    tf.config.list_physical_devices()

# TensorFlow logs through absl, whose default inside absl.app.run is to print what it did as well as what is wrong.
logging.set_verbosity(logging.WARNING)

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"tf_ssae needs Keras on the TensorFlow backend, found {keras.backend.backend()!r}. "
        "Set KERAS_BACKEND=tensorflow, or remove it from the environment and from ~/.keras/keras.json."
    )
