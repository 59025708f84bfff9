"""An average of weights over the steps of training, smoother than the weights of any one step."""

import keras
import tensorflow as tf


class WeightAverage(tf.Module):
    """The exponential moving average of variables. A checkpoint of what holds it holds it too.

    Not that of Keras' optimizers, which takes a thousand steps to forget where the weights began:
    with momentum 0.999, what a run of a hundred steps learnt would not be in it.
    """

    def __init__(self, variables: list[keras.Variable], momentum: float):
        super().__init__()
        self._momentum = momentum
        self._averages = [tf.Variable(variable.value, trainable=False) for variable in variables]

    def update(self, variables: list[keras.Variable], step: tf.Tensor) -> None:
        """Takes the variables in after step 1, 2, ...

        The momentum is at most `(1 + step) / (10 + step)`, the warm-up of
        `tf.train.ExponentialMovingAverage`.
        """
        step = tf.cast(step, tf.float32)
        momentum = tf.minimum(self._momentum, (1 + step) / (10 + step))
        for average, variable in zip(self._averages, variables, strict=True):
            average.assign(momentum * average + (1 - momentum) * variable)

    def assign_to(self, variables: list[keras.Variable]) -> None:
        """Overwrites the variables with their averages."""
        for average, variable in zip(self._averages, variables, strict=True):
            variable.assign(average)
