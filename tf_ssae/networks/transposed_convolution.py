"""A transposed convolution that is fast on CPUs. Weights and results are those of `keras.layers.Conv2DTranspose`."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tf_ssae")
class UpsamplingConvolution(keras.layers.Conv2DTranspose):
    """`Conv2DTranspose(kernel_size=4, strides=2, padding="same")`: `[B, S, S, C] -> [B, 2S, 2S, filters]`."""

    def __init__(self, filters, **kwargs):
        super().__init__(filters, kernel_size=4, strides=2, padding="same", **kwargs)

    def get_config(self):
        config = super().get_config()
        for fixed in ("kernel_size", "strides", "padding"):
            del config[fixed]
        return config

    def call(self, inputs):
        kernel = tf.convert_to_tensor(self.kernel)
        y = upsampling_convolution(inputs, kernel)
        return self.activation(y + self.bias if self.use_bias else y)


@tf.custom_gradient
def upsampling_convolution(x, kernel):
    """`tf.nn.conv2d_transpose(x, kernel, strides=2, padding="SAME")` for a 4x4 kernel, as one 2x2 convolution.

    Every output pixel is a sum over 2x2 input pixels, with one of four sub-kernels: which one depends on whether its row
    and its column are even or odd. So a "valid" convolution of the padded input with four times the channels
    computes all four phases, and interleaving them gives the output. XLA's own transposed convolution convolves an
    input three quarters zeros. The gradients are those of the transposed convolution, a strided convolution and a
    filter gradient, which are fast as they are; that of the form used here is not.

    Args:
        x: `[B, S, S, C]`, S known.
        kernel: `[4, 4, filters, C]`.

    Returns:
        `[B, 2S, 2S, filters]`.
    """
    size, channels, filters = x.shape[1], x.shape[3], kernel.shape[2]

    # Output row 2i + p takes input rows i - 1 + p + t, t = 0 and 1, through kernel row 3 - p - 2t. So after a flip of
    # the kernel its row index is 2t + p, and a reshape takes taps and phases apart.
    taps = tf.reshape(kernel[::-1, ::-1], [2, 2, 2, 2, filters, channels])
    taps = tf.reshape(tf.transpose(taps, [0, 2, 5, 1, 3, 4]), [2, 2, channels, 4 * filters])
    phases = tf.nn.conv2d(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), taps, strides=1, padding="VALID")
    # Each phase starts at a row and a column of its own.
    phases = tf.concat(
        [
            phase[:, p : p + size, q : q + size]
            for phase, (p, q) in zip(tf.split(phases, 4, axis=-1), [(0, 0), (0, 1), (1, 0), (1, 1)])
        ],
        axis=-1,
    )
    y = tf.nn.depth_to_space(phases, block_size=2)

    def gradient(dy):
        dx = tf.nn.conv2d(dy, kernel, strides=2, padding="SAME")
        dkernel = tf.raw_ops.Conv2DBackpropFilter(
            input=dy, filter_sizes=kernel.shape, out_backprop=x, strides=[1, 2, 2, 1], padding="SAME"
        )
        return dx, dkernel

    return y, gradient
