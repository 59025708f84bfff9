"""Random numbers in a graph, without a state."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

Shape = Sequence[int]


class Draws:
    """Stateless random numbers, each call from a seed of its own that follows from the first."""

    def __init__(self, seed: tf.Tensor):
        self._seed, self._count = seed, 0

    def _next(self) -> tf.Tensor:
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._count)

    def uniform(self, shape: Shape, low: float = 0.0, high: float = 1.0) -> tf.Tensor:
        return tf.random.stateless_uniform(shape, self._next(), low, high)

    def log_uniform(self, shape: Shape, low: float, high: float) -> tf.Tensor:
        return tf.exp(self.uniform(shape, math.log(low), math.log(high)))

    def normal(self, shape: Shape) -> tf.Tensor:
        return tf.random.stateless_normal(shape, self._next())

    def integers(self, shape: Shape, high: int) -> tf.Tensor:
        return tf.random.stateless_uniform(shape, self._next(), 0, high, tf.int32)

    def chance(self, shape: Shape, p: float) -> tf.Tensor:
        return self.uniform(shape) < p

    def sign(self, shape: Shape) -> tf.Tensor:
        return tf.where(self.chance(shape, 0.5), 1.0, -1.0)

    def place(self, inside: tf.Tensor | None, count: int) -> tuple[tf.Tensor, tf.Tensor]:
        """The x and y of a place in each of `count` images, as shares of their sides, `[count]`
        each; where `inside`, `[count, S, S, 1]`, is 1, if it is given.
        """
        if inside is None:
            return self.uniform([count]), self.uniform([count])
        size = inside.shape[1]
        lots = self.uniform([count, size * size]) * tf.reshape(inside, [count, -1])
        pixel = tf.argmax(lots, axis=1, output_type=tf.int32)
        x, y = ((tf.cast(i, tf.float32) + 0.5) / size for i in (pixel % size, pixel // size))
        return x, y

    def choice(self, shape: Shape, shares: Sequence[float]) -> tf.Tensor:
        edges = tf.constant(np.cumsum(shares)[:-1], tf.float32)
        return tf.searchsorted(edges, tf.reshape(self.uniform(shape), [-1]), side="right")
