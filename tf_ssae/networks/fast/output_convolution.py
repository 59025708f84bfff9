"""The decoder's last layer, faster on CPUs than `keras.layers.Conv2DTranspose`, whose one or three
output channels leave most of a CPU's vector lanes empty. Weights and results are the same.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from tf_ssae.networks.fast import plain


@keras.saving.register_keras_serializable(package="tf_ssae")
class OutputConvolution(keras.layers.Conv2DTranspose):
    """`Conv2DTranspose(kernel_size=4, padding="same")`: `[B, S, S, C] -> [B, S, S, filters]`,
    filters few, S even.
    """

    def __init__(self, filters: int, **kwargs: Any):
        super().__init__(filters, kernel_size=4, strides=1, padding="same", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        for fixed in ("kernel_size", "strides", "padding"):
            del config[fixed]
        return config

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if plain.is_faster():
            return super().call(inputs)
        kernel = tf.convert_to_tensor(self.kernel)
        return self.activation(output_convolution(inputs, kernel) + self.bias)


@tf.custom_gradient
def output_convolution(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """`tf.nn.conv2d_transpose(x, kernel, strides=1, padding="SAME")` for a 4x4 kernel, as one
    convolution with stride 2 or 4.

    A CPU convolves to 16 channels at once, but only one or three are needed. So a block of 2x2 or
    4x4 pixels is computed as the channels of one pixel, with a kernel that holds the 4x4 kernel
    once for each pixel of the block, shifted. The gradients are those of the plain operator, which
    are fast already.

    Args:
        x: `[B, S, S, C]`, S even.
        kernel: `[4, 4, filters, C]`.

    Returns:
        `[B, S, S, filters]`.
    """
    filters, channels = kernel.shape[2:]
    block = 4 if filters == 1 and x.shape[1] % 4 == 0 else 2
    # A transposed convolution with stride 1 is a convolution with the flipped kernel.
    turned = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
    shifts = range(block)
    shifted = [
        [tf.pad(turned, [_beside(p, block), _beside(q, block), [0, 0], [0, 0]]) for q in shifts]
        for p in shifts
    ]
    wide = tf.reshape(
        tf.stack([tf.stack(row, axis=3) for row in shifted], axis=3),
        [block + 3, block + 3, channels, -1],
    )
    y = tf.nn.depth_to_space(tf.nn.conv2d(x, wide, block, [[0, 0], [2, 1], [2, 1], [0, 0]]), block)

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        dx = tf.nn.conv2d(dy, kernel, strides=1, padding="SAME")
        dkernel = tf.raw_ops.Conv2DBackpropFilter(
            input=dy,
            filter_sizes=kernel.shape,
            out_backprop=x,
            strides=[1, 1, 1, 1],
            padding="SAME",
        )
        return dx, dkernel

    return y, gradient


def _beside(shift: int, block: int) -> list[int]:
    return [shift, block - 1 - shift]
