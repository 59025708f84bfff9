"""Adam with one operator for the update of a variable, where `keras.optimizers.Adam` composes a
dozen. Moments, epsilon and results are Keras', but for rounding: 1 - beta_2 is taken in float32.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_ssae.ops import replicas


class Adam(keras.optimizers.Adam):
    """Adam without weight decay, clipping or AMSGrad, for gradients that are not sparse."""

    def __init__(self, learning_rate: float, beta_1: float, beta_2: float):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2)

    def apply(
        self, grads: Sequence[tf.Tensor], trainable_variables: Sequence[Any] | None = None
    ) -> None:
        """A step down the gradients; down the mean of those of all replicas, where there are
        several.
        """
        if replicas.count() > 1:
            # Keras sums them.
            grads = [gradient / replicas.count() for gradient in grads]
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor) -> None:
        place = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[place].value.handle,
            v=self._velocities[place].value.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )
