"""The networks of the detector with three tasks: E1 with maps at four scales for all of them, a
decoder that locates defects, and slim D, E2 and C. Fully convolutional, for sides divisible by 16.
"""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from tf_ssae.networks.fast.batch_normalization import BatchNormalization
from tf_ssae.networks.precision import Float32
from tf_ssae.ops.rotations import ROTATIONS

# Filters of E1's maps at 1/2, 1/4, 1/8 and 1/16 of the side, and of E2's.
WIDTHS = (16, 32, 64, 128)
SIDE_WIDTHS = (16, 32, 32, 32)

_LEAK = 0.1
# Batches are small, and runs are thousands of steps long.
_MOMENTUM, _EPSILON = 0.98, 1e-4
# The initial logit of a defect at every pixel: defects are rare.
_PRIOR_LOGIT = -3.0


def encoder(image_size: int, channels: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """E1: `[B, S, S, channels]` to maps `[B, S/2, S/2, 16]`, ..., `[B, S/16, S/16, 128]`.

    Args:
        image_size: S, a multiple of 16.
        seed: every kernel draws from it.
    """
    images = x = keras.Input([image_size, image_size, channels])
    maps = []
    for level, filters in enumerate(WIDTHS):
        x = _convolution(x, filters, 3 if level else 5, seed, strides=2)
        x = _convolution(x, filters, 3, seed)
        maps.append(Float32()(x))
    return keras.Model(images, maps, name="encoder")


def side_encoder(image_size: int, channels: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """E2: `[B, S, S, channels] -> [B, S/16, S/16, 32]`, for rotation alone."""
    images = x = keras.Input([image_size, image_size, channels])
    for level, filters in enumerate(SIDE_WIDTHS):
        x = _convolution(x, filters, 3 if level else 5, seed, strides=2)
    return keras.Model(images, Float32()(x), name="side_encoder")


def locating_decoder(image_size: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """E1's maps to logits `[B, S/2, S/2, 1]` of a defect at each place: a U-Net whose skip
    connections are added.
    """
    maps = [
        keras.Input([image_size >> level, image_size >> level, filters])
        for level, filters in enumerate(WIDTHS, 1)
    ]
    x = maps[-1]
    # The context of the whole image, added at every place.
    context = layers.GlobalAveragePooling2D(keepdims=True)(x)
    context = layers.Dense(WIDTHS[-1], kernel_initializer=_kernel(seed))(context)
    x = _activated(layers.Add()([_projection(x, WIDTHS[-1], seed), context]))
    for skip, filters in zip(maps[-2::-1], WIDTHS[-2::-1]):
        up = DepthToSpace(2)(_projection(x, 4 * filters, seed))
        x = _activated(layers.Add()([up, _projection(skip, filters, seed)]))
        x = _convolution(x, filters, 3, seed)
    prior = keras.initializers.Constant(_PRIOR_LOGIT)
    logits = layers.Conv2D(1, 1, bias_initializer=prior, kernel_initializer=_kernel(seed))(x)
    return keras.Model(maps, Float32()(logits), name="locating_decoder")


def decoder(image_size: int, channels: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """D: E1's last map `[B, S/16, S/16, 128]` to the image without its defects,
    `[B, S, S, channels]`. Slim, so that E1's last map has to describe the whole image.
    """
    z = keras.Input([image_size // 16, image_size // 16, WIDTHS[-1]])
    x = _convolution(z, 32, 3, seed)
    x = DepthToSpace(2)(_projection(x, 128, seed))
    x = _convolution(x, 32, 3, seed)
    x = layers.Conv2D(64 * channels, 1, kernel_initializer=_kernel(seed))(x)
    return keras.Model(z, Float32()(DepthToSpace(8)(x)), name="decoder")


def classifier(image_size: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """C: E1's and E2's last maps to logits of the four rotations, `[B, 4]`."""
    side = image_size // 16
    maps = [keras.Input([side, side, WIDTHS[-1]]), keras.Input([side, side, SIDE_WIDTHS[-1]])]
    pooled = [layers.GlobalAveragePooling2D()(x) for x in maps]
    pooled += [layers.GlobalMaxPooling2D()(x) for x in maps]
    x = layers.Dense(128, kernel_initializer=_kernel(seed))(layers.Concatenate()(pooled))
    x = layers.Dense(ROTATIONS, kernel_initializer=_kernel(seed))(layers.LeakyReLU(_LEAK)(x))
    return keras.Model(maps, Float32()(x), name="classifier")


class DepthToSpace(layers.Layer):
    """`[B, h, w, k^2 c] -> [B, k h, k w, c]`: the channels of a pixel become a block of pixels."""

    def __init__(self, block: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.block = block

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.depth_to_space(inputs, self.block)

    def compute_output_shape(self, shape: tuple) -> tuple:
        batch, height, width, channels = shape
        return batch, height * self.block, width * self.block, channels // self.block**2


def _convolution(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    seed: keras.random.SeedGenerator,
    strides: int = 1,
) -> keras.KerasTensor:
    x = layers.Conv2D(
        filters, size, strides, padding="same", use_bias=False, kernel_initializer=_kernel(seed)
    )(x)
    return _activated(x)


def _projection(
    x: keras.KerasTensor, filters: int, seed: keras.random.SeedGenerator
) -> keras.KerasTensor:
    return layers.Conv2D(filters, 1, use_bias=False, kernel_initializer=_kernel(seed))(x)


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.LeakyReLU(_LEAK)(BatchNormalization(_MOMENTUM, _EPSILON)(x))


def _kernel(seed: keras.random.SeedGenerator) -> keras.initializers.Initializer:
    return keras.initializers.HeNormal(seed)
