"""Runs a compiled function over batches of images, with one compilation whatever the size of the
last batch.
"""

import numpy as np
import tensorflow as tf


def batched(function, batches, jit_compile):
    """Applies `function` to every batch.

    Args:
        function: images `[B, S, S, C]` -> dict of tensors whose first axis is B. It must treat
            every image alone.
        batches: an iterable of image batches; the first is the largest.
        jit_compile: whether to compile with XLA.

    Yields:
        One dict of numpy arrays a batch.
    """
    compiled = tf.function(function, jit_compile=jit_compile)
    size = None
    for images in batches:
        count = int(images.shape[0])
        size = size or count
        if count < size:
            images = tf.pad(images, [[0, size - count], [0, 0], [0, 0], [0, 0]])
        yield {name: np.asarray(value)[:count] for name, value in compiled(images).items()}
