"""Self-supervised auto-encoder for image anomaly detection (W. Kim, POSTECH 2019), on Keras 3 and
TensorFlow.

Importing it does one thing: it sets two environment variables, unless they are set already.
"""

import os

from tf_ssae._version import __version__

__all__ = ["__version__"]

# Read by TensorFlow and Keras at their first import. Level 3 leaves out native errors too: what
# matters of them is raised as a Python exception, the rest is news such as a CPU without an
# instruction.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
