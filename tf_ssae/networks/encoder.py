"""Encoder E1, and side encoder E2 of the same structure (figure 4.1, left)."""

from typing import Any

import keras
from keras import layers

from tf_ssae.networks import KERNEL_STDDEV, LEAK, stage_widths
from tf_ssae.networks.fast import strided, whole_map
from tf_ssae.networks.fast.batch_normalization import BatchNormalization
from tf_ssae.networks.precision import Float32


def encoder(
    image_size: int, channels: int, depth: int, seed: keras.random.SeedGenerator, name: str
) -> keras.Model:
    """`[B, S, S, channels] -> [B, 1, 1, depth]`, in convolutions (four for 32x32), each with
    BatchNorm and leaky ReLU.

    Args:
        image_size: S, one of `IMAGE_SIZES`.
        seed: a `keras.random.SeedGenerator`; every kernel draws from it.
    """
    images = x = keras.Input([image_size, image_size, channels])
    for filters in stage_widths(image_size):
        x = _activated(
            strided.Conv2D(filters, 4, strides=2, padding="same", **_without_bias(seed))(x)
        )
    # Not a dense layer: with 1x1 output this keeps features global without a trivial solution
    # (section 4.4).
    x = _activated(whole_map.Conv2D(depth, 4, **_without_bias(seed))(x))
    return keras.Model(images, Float32()(x), name=name)


def _without_bias(seed: keras.random.SeedGenerator) -> dict[str, Any]:
    """BatchNorm's offset takes the place of a bias."""
    kernel = keras.initializers.RandomNormal(stddev=KERNEL_STDDEV, seed=seed)
    return {"use_bias": False, "kernel_initializer": kernel}


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.LeakyReLU(LEAK)(BatchNormalization()(x))
