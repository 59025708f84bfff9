"""Functions as TensorFlow's graphs, made as they are written.

They consist of TensorFlow's operators. AutoGraph, which would rewrite the source of all that they
call, down into Keras, to look for Python's `if` and `for` on tensors, finds none: it took a sixth
of the processor time of a training on digits.
"""

import functools
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# For what is given to `tf.data.Dataset.map`, which makes a graph by itself.
as_written = tf.autograph.experimental.do_not_convert


def graph(function: Callable | None = None, **options: Any) -> Any:
    """As `tf.function`, also as a decorator."""
    if function is None:
        return functools.partial(graph, **options)
    # Both: functions inside, such as that of `tf.map_fn`, look at what they are called by.
    return tf.function(as_written(function), autograph=False, **options)
