"""Whether the layers that are written for CPUs compute as Keras' own do, which are faster on a
GPU.
"""

import tensorflow as tf


def is_faster() -> bool:
    """Whether this process computes on a GPU."""
    return bool(tf.config.get_visible_devices("GPU"))
