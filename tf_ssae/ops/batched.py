"""Runs a function over many images, a batch at a time, with one compilation whatever the size of
the last batch.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

Arrays = dict[str, np.ndarray]
# Images `[B, S, S, C]` to arrays or tensors whose first axis is B; it must treat every image alone.
Function = Callable[[np.ndarray], dict]


def padded(function: Function, batch_size: int) -> Callable[[np.ndarray], Arrays]:
    """The function, always called with batches of one size: the missing images are zeros, and what
    it says of them is dropped. At most `batch_size` images at once.
    """

    def outputs(images: np.ndarray) -> Arrays:
        missing = batch_size - len(images)
        if missing:
            images = np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])
        full = batch_size - missing
        return {name: np.asarray(value)[:full] for name, value in function(images).items()}

    return outputs


def batched(
    function: Function, batches: Iterable[tf.Tensor], jit_compile: bool
) -> Iterator[Arrays]:
    """Yields what `function`, compiled, says of every batch.

    Args:
        batches: of images; the first is the largest.
        jit_compile: whether to compile with XLA.
    """
    compiled = tf.function(function, jit_compile=jit_compile)
    of_batch = None
    for images in batches:
        of_batch = of_batch or padded(compiled, int(images.shape[0]))
        yield of_batch(images)


def in_batches(function: Function, images: np.ndarray, batch_size: int) -> Arrays:
    """What `function` says of `[N, S, S, C]`, asked `batch_size` at a time."""
    return joined(function(images[i : i + batch_size]) for i in range(0, len(images), batch_size))


def joined(parts: Iterable[dict]) -> Arrays:
    """Dicts of arrays with the same names as one, joined along the first axis."""
    found: dict[str, list] = {}
    for part in parts:
        for name, values in part.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}
