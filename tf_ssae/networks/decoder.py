"""Decoder D (figure 4.1, right)."""

import keras

from tf_ssae.networks import KERNEL_STDDEV, stage_widths
from tf_ssae.networks.fast import strided, whole_map
from tf_ssae.networks.fast.output_convolution import OutputConvolution
from tf_ssae.networks.precision import Float32


def decoder(
    image_size: int,
    depth: int,
    channels: int,
    output_activation: str,
    seed: keras.random.SeedGenerator,
) -> keras.Model:
    """`[B, 1, 1, depth] -> [B, S, S, channels]`, in transposed convolutions (five for 32x32)
    without BatchNorm.

    The thesis lists kernels 256, 128, 64, 32, b with "other layers are 2 strides", which would give
    64x64: the last layer has stride 1 here.

    Args:
        image_size: S, one of `IMAGE_SIZES`.
        output_activation: "relu", as in the thesis, or "sigmoid".
        seed: a `keras.random.SeedGenerator`; every kernel draws from it.
    """
    z = keras.Input([1, 1, depth])
    kernel = keras.initializers.RandomNormal(stddev=KERNEL_STDDEV, seed=seed)
    x = whole_map.Conv2DTranspose(256, 4, activation="relu", kernel_initializer=kernel)(z)
    for filters in reversed(stage_widths(image_size)):
        x = strided.Conv2DTranspose(
            filters, 4, 2, padding="same", activation="relu", kernel_initializer=kernel
        )(x)
    x = OutputConvolution(channels, activation=output_activation, kernel_initializer=kernel)(x)
    return keras.Model(z, Float32()(x), name="decoder")
