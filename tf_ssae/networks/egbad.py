"""EGBAD's networks, a BiGAN for MNIST (Zenati et al. 2018, arXiv:1802.06222, appendix)."""

import keras
from keras import layers

from tf_ssae.networks import GAN_KERNEL_STDDEV
from tf_ssae.networks.fast.batch_normalization import BatchNormalization
from tf_ssae.networks.precision import Float32

# The paper's images are 28x28, for which G starts at 7x7x128.
IMAGE_SIZE = 32
_START = [IMAGE_SIZE // 4, IMAGE_SIZE // 4, 128]

_LEAK = 0.1
_DROPOUT = 0.5


def encoder(channels: int, latent_depth: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """E: images `[B, 32, 32, channels]` in [-1, 1] `-> [B, latent_depth]`.

    Args:
        seed: a `keras.random.SeedGenerator`; every kernel draws from it.
    """
    images = keras.Input([IMAGE_SIZE, IMAGE_SIZE, channels])
    kernel = _kernel(seed)
    x = layers.Conv2D(32, 3, padding="same", kernel_initializer=kernel)(images)
    for filters in (64, 128):
        x = layers.Conv2D(
            filters, 3, strides=2, padding="same", use_bias=False, kernel_initializer=kernel
        )(x)
        x = layers.LeakyReLU(_LEAK)(BatchNormalization()(x))
    z = layers.Dense(latent_depth, kernel_initializer=kernel)(layers.Flatten()(x))
    return keras.Model(images, Float32()(z), name="encoder")


def generator(latent_depth: int, channels: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """G: `[B, latent_depth] ->` images `[B, 32, 32, channels]` in [-1, 1].

    Args:
        seed: a `keras.random.SeedGenerator`; every kernel draws from it.
    """
    z = x = keras.Input([latent_depth])
    kernel = _kernel(seed)
    for units in (1024, _START[0] * _START[1] * _START[2]):
        x = layers.Dense(units, use_bias=False, kernel_initializer=kernel)(x)
        x = layers.ReLU()(BatchNormalization()(x))
    x = layers.Reshape(_START)(x)
    x = layers.Conv2DTranspose(64, 4, 2, padding="same", use_bias=False, kernel_initializer=kernel)(
        x
    )
    x = layers.ReLU()(BatchNormalization()(x))
    x = layers.Conv2DTranspose(
        channels, 4, 2, padding="same", activation="tanh", kernel_initializer=kernel
    )(x)
    return keras.Model(z, Float32()(x), name="generator")


def discriminator(
    channels: int, latent_depth: int, seed: keras.random.SeedGenerator
) -> keras.Model:
    """D: a pair of images `[B, 32, 32, channels]` in [-1, 1] and latents `[B, latent_depth]`, to

    * logits `[B]`, high for an image with its code E(x), low for a generated image G(z) with its z;
    * f `[B, 1024]`, the layer before them, in which the score's feature-matching term compares
      images.

    Args:
        seed: a `keras.random.SeedGenerator`; every kernel, and the seed of every dropout, draws
            from it.
    """
    images, z = keras.Input([IMAGE_SIZE, IMAGE_SIZE, channels]), keras.Input([latent_depth])
    kernel = _kernel(seed)

    x = layers.Conv2D(64, 4, strides=2, padding="same", kernel_initializer=kernel)(images)
    x = _dropout(seed)(layers.LeakyReLU(_LEAK)(x))
    x = layers.Conv2D(64, 4, strides=2, padding="same", use_bias=False, kernel_initializer=kernel)(
        x
    )
    x = _dropout(seed)(layers.LeakyReLU(_LEAK)(BatchNormalization()(x)))

    y = layers.Dense(512, kernel_initializer=kernel)(z)
    y = _dropout(seed)(layers.LeakyReLU(_LEAK)(y))

    f = layers.Dense(1024, kernel_initializer=kernel)(
        layers.Concatenate()([layers.Flatten()(x), y])
    )
    f = _dropout(seed)(layers.LeakyReLU(_LEAK)(f))
    logits = layers.Reshape(())(layers.Dense(1, kernel_initializer=kernel)(f))
    return keras.Model([images, z], [Float32()(logits), Float32()(f)], name="discriminator")


def _kernel(seed: keras.random.SeedGenerator) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=GAN_KERNEL_STDDEV, seed=seed)


def _dropout(seed: keras.random.SeedGenerator) -> keras.Layer:
    # Dropout takes a number, not a generator, and makes its own generator from it.
    return layers.Dropout(_DROPOUT, seed=int(keras.random.randint([], 0, 2**31 - 1, seed=seed)))
