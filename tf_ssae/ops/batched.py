"""Runs a function over many images, a batch at a time, with one compilation whatever the size of
a batch.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import tensorflow as tf

from tf_ssae.ops.graph import graph

Arrays = dict[str, np.ndarray]
Item = TypeVar("Item")
# Images `[B, S, S, C]` to arrays or tensors whose first axis is B; it must treat every image alone.
Function = Callable[[np.ndarray], dict]


def at_once(side: int) -> int:
    """How many images of this side to run a function over at once, so that memory does not grow
    with their size.
    """
    return 256 if side <= 128 else max(1, 2**20 // side**2)


def padded(function: Function, batch_size: int) -> Callable[[np.ndarray], Arrays]:
    """The function, always called with batches of one size: missing images are zeros, and their
    outputs are dropped. It takes at most `batch_size` images at once.
    """

    def outputs(images: np.ndarray) -> Arrays:
        missing = batch_size - len(images)
        if missing:
            images = np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])
        full = batch_size - missing
        return {name: np.asarray(value)[:full] for name, value in function(images).items()}

    return outputs


def of_any_number(
    function: Callable[[tf.Tensor], dict[str, tf.Tensor]],
    image_shape: tuple[int, ...],
    jit_compile: bool = False,
) -> Callable[[np.ndarray], Arrays]:
    """A function of images `[N, S, S, C]`, compiled for any N when it is first called, once for
    each type of numbers: who waits for the answer for one does not wait for a batch.

    `jit_compile`: with XLA, which knows batches of one size only.
    """
    most = at_once(image_shape[0]) if jit_compile else None

    @functools.cache
    def of(dtype: tf.DType) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        spec = tf.TensorSpec([most, *image_shape], dtype)
        compiled = graph(function, input_signature=[spec], jit_compile=jit_compile)
        # Not `compiled` itself: TensorFlow counts the tracings of all that come from one place in a
        # source, and warns of "retracing".
        return compiled.get_concrete_function()

    def outputs(images: np.ndarray) -> Arrays:
        tensor = tf.convert_to_tensor(images)
        return {name: value.numpy() for name, value in of(tensor.dtype)(tensor).items()}

    if most is None:
        return outputs
    return lambda images: in_batches(padded(outputs, most), images, most)


def in_groups(
    function: Function, groups: Iterable[tuple[Item, np.ndarray]], batch_size: int
) -> Iterator[tuple[Item, Arrays]]:
    """Yields each item with the outputs of `function` for its images.

    Args:
        groups: items with images `[n, S, S, C]`, n at least 1. Those of several items go through
            the function together.
        batch_size: how many images at once, at most.
    """
    waiting: list[tuple[Item, np.ndarray]] = []

    def flush() -> Iterator[tuple[Item, Arrays]]:
        if waiting:
            outputs = in_batches(function, np.concatenate([i for _, i in waiting]), batch_size)
            start = 0
            for item, images in waiting:
                stop = start + len(images)
                yield item, {name: values[start:stop] for name, values in outputs.items()}
                start = stop
            waiting.clear()

    for group in groups:
        waiting.append(group)
        if sum(len(images) for _, images in waiting) >= batch_size:
            yield from flush()
    yield from flush()


def in_batches(function: Function, images: np.ndarray, batch_size: int) -> Arrays:
    """The outputs of `function` for images `[N, S, S, C]`, called with `batch_size` at a time."""
    return joined(function(images[i : i + batch_size]) for i in range(0, len(images), batch_size))


def joined(parts: Iterable[dict]) -> Arrays:
    """One dict from dicts of arrays with the same names, joined along the first axis."""
    found: dict[str, list] = {}
    for part in parts:
        for name, values in part.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}
