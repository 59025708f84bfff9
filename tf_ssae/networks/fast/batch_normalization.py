"""BatchNorm by TensorFlow's fused operator: Keras composes it of a dozen operators, each of which
passes over the activations once.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ssae.ops import replicas


@keras.saving.register_keras_serializable(package="tf_ssae")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` of `[B, H, W, C]` or `[B, C]` over C, computed by
    TensorFlow's fused operator.

    Its moving averages span about ten steps of hundreds of images each, not Keras' hundred, so that
    they have settled in short runs as well. Its epsilon is small beside the variance of about 1e-4
    that kernels from N(0, 0.01) give at first; Keras' 1e-3 would leave the early features
    unnormalised, which slows the rotation task down.

    Attributes:
        folded: whether its scale is in the layer before it (see `folded.fold`), so that it only
            adds its offset.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-05, **kwargs: Any):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.folded = False

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        if self.folded:
            # One of the forms that TensorFlow's optimiser joins with a convolution and leaky ReLU.
            return tf.nn.bias_add(inputs, tf.cast(self.beta, inputs.dtype))
        if training and replicas.count() > 1:
            return self._over_replicas(inputs)
        x = inputs if len(inputs.shape) == 4 else inputs[:, tf.newaxis, tf.newaxis]
        averages = (self.moving_mean, self.moving_variance)
        mean, variance = ([], []) if training else map(tf.convert_to_tensor, averages)
        outputs = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=tf.convert_to_tensor(self.gamma),
            offset=tf.convert_to_tensor(self.beta),
            mean=mean,
            variance=variance,
            epsilon=self.epsilon,
            is_training=bool(training),
        )
        if training:
            # The operator returns the variance with Bessel's correction; Keras averages it without.
            count = tf.cast(tf.size(x) // x.shape[-1], tf.float32)
            self._average(outputs.batch_mean, outputs.batch_variance * (count - 1) / count)
        return outputs.y if x is inputs else tf.squeeze(outputs.y, axis=[1, 2])

    def _over_replicas(self, inputs: tf.Tensor) -> tf.Tensor:
        """In training, with the statistics of all replicas' shares of a batch, as one device has
        them. The fused operator knows those of its own inputs alone.
        """
        x = tf.cast(inputs, tf.float32)
        # Tensors of their own, so that gradients are summed two by two: see
        # `losses.binary_cross_entropy`.
        measured, normalised = tf.identity(x), tf.identity(x)
        own_mean, own_variance = tf.nn.moments(measured, list(range(len(x.shape) - 1)))
        # One exchange: the variance within the shares, and that between them.
        mean, squares, variance = tf.unstack(
            replicas.mean(tf.stack([own_mean, tf.square(own_mean), own_variance]))
        )
        variance += squares - tf.square(mean)
        self._average(mean, variance)
        gamma, beta = map(tf.convert_to_tensor, (self.gamma, self.beta))
        outputs = tf.nn.batch_normalization(normalised, mean, variance, beta, gamma, self.epsilon)
        return tf.cast(outputs, inputs.dtype)

    def _average(self, mean: tf.Tensor, variance: tf.Tensor) -> None:
        """Adds a step's statistics to the moving averages."""
        averages = (self.moving_mean, self.moving_variance)
        for average, value in zip(averages, (mean, variance)):
            average.assign(self.momentum * average + (1 - self.momentum) * value)
