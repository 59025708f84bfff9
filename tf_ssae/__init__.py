"""Self-supervised auto-encoder for image anomaly detection (W. Kim, POSTECH 2019), on Keras 3 and
TensorFlow.

Importing it does one thing: it sets two environment variables, unless they are set already.
"""

import os
from typing import TYPE_CHECKING

from tf_ssae._version import __version__

if TYPE_CHECKING:
    from tf_ssae.scoring.model import Model

__all__ = ["__version__", "load"]

# Read by TensorFlow and Keras at their first import. Level 3 leaves out native errors too: what
# matters of them is raised as a Python exception, the rest is news such as a CPU without an
# instruction.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def load(path: "str | os.PathLike[str]") -> "Model":
    """A trained detector, ready for images.

        model = tf_ssae.load("runs/parts-locator-seed-0")
        for result in model.predict(["part1.png", "part2.jpg"]):
            print(result.name, result.decision, result.p_value, result.boxes)

    Args:
        path: a run's folder, an exported version (`exported/NAME/VERSION`), or a `.tflite` or
            OpenVINO `.xml` file with its `.json`.

    Raises:
        FileNotFoundError, ValueError: `path` is none of these.
    """
    # Imported here: the package itself is imported at once, without TensorFlow.
    from tf_ssae.scoring import model

    return model.load(path)
