"""Runs a function over many images, a batch at a time, with one compilation whatever the size of
the last batch.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import tensorflow as tf

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


def batched(
    function: Function, batches: Iterable[tf.Tensor], jit_compile: bool
) -> Iterator[Arrays]:
    """Yields the outputs of `function`, compiled, for every batch.

    Args:
        batches: of images; the first is the largest.
        jit_compile: whether to compile with XLA.
    """
    compiled = tf.function(function, jit_compile=jit_compile)
    of_batch = None
    for images in batches:
        of_batch = of_batch or padded(compiled, int(images.shape[0]))
        yield of_batch(images)


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
