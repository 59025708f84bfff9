"""GANomaly's networks (Akcay et al. 2018, arXiv:1805.06725), which are DCGAN's. No convolution has
a bias.
"""

import keras
from keras import layers

from tf_ssae.networks import GAN_KERNEL_STDDEV, LEAK, stage_widths
from tf_ssae.networks.fast import strided, whole_map
from tf_ssae.networks.fast.batch_normalization import BatchNormalization
from tf_ssae.networks.precision import Float32


def encoder(
    image_size: int, channels: int, latent_depth: int, seed: keras.random.SeedGenerator, name: str
) -> keras.Model:
    """G_E, and second encoder E of the same structure: images `[B, S, S, channels]` in [-1, 1] `->
    [B, 1, 1, latent_depth]`.

    Args:
        image_size: S, one of `IMAGE_SIZES`.
        seed: a `keras.random.SeedGenerator`; every kernel and every gain of a BatchNorm draws from
            it.
    """
    images = keras.Input([image_size, image_size, channels])
    z = whole_map.Conv2D(latent_depth, 4, use_bias=False, kernel_initializer=_kernel(seed))(
        _features(images, image_size, seed)
    )
    return keras.Model(images, Float32()(z), name=name)


def decoder(
    image_size: int, latent_depth: int, channels: int, seed: keras.random.SeedGenerator
) -> keras.Model:
    """G_D: `[B, 1, 1, latent_depth] ->` images `[B, S, S, channels]` in [-1, 1].

    Args:
        image_size: S, one of `IMAGE_SIZES`.
        seed: a `keras.random.SeedGenerator`; every kernel and every gain of a BatchNorm draws from
            it.
    """
    z = keras.Input([1, 1, latent_depth])
    first, *rest = reversed(_widths(image_size))
    x = whole_map.Conv2DTranspose(first, 4, use_bias=False, kernel_initializer=_kernel(seed))(z)
    x = layers.ReLU()(_batch_normalization(seed)(x))
    for filters in rest:
        x = strided.Conv2DTranspose(
            filters, 4, 2, padding="same", use_bias=False, kernel_initializer=_kernel(seed)
        )(x)
        x = layers.ReLU()(_batch_normalization(seed)(x))
    x = layers.Conv2DTranspose(
        channels,
        4,
        2,
        padding="same",
        activation="tanh",
        use_bias=False,
        kernel_initializer=_kernel(seed),
    )(x)
    return keras.Model(z, Float32()(x), name="decoder")


def discriminator(image_size: int, channels: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """D: images `[B, S, S, channels]` in [-1, 1], to

    * logits `[B]`, high for real images; the paper's D is their sigmoid;
    * f `[B, 4, 4, 256]`, the map before them, in which the adversarial loss compares images.

    Args:
        image_size: S, one of `IMAGE_SIZES`.
        seed: a `keras.random.SeedGenerator`; every kernel and every gain of a BatchNorm draws from
            it.
    """
    images = keras.Input([image_size, image_size, channels])
    f = _features(images, image_size, seed)
    logits = whole_map.Conv2D(1, 4, use_bias=False, kernel_initializer=_kernel(seed))(f)
    outputs = [Float32()(layers.Reshape(())(logits)), Float32()(f)]
    return keras.Model(images, outputs, name="discriminator")


def reinitialise(discriminator: keras.Model) -> None:
    """Draws the kernels, gains and offsets of a discriminator again, from their initial
    distributions.
    """
    for layer in discriminator.layers:
        if isinstance(layer, layers.Conv2D):
            layer.kernel.assign(layer.kernel_initializer(layer.kernel.shape))
        if isinstance(layer, layers.BatchNormalization):
            layer.gamma.assign(layer.gamma_initializer(layer.gamma.shape))
            layer.beta.assign(layer.beta_initializer(layer.beta.shape))


def _features(
    images: keras.KerasTensor, image_size: int, seed: keras.random.SeedGenerator
) -> keras.KerasTensor:
    """`[B, S, S, channels] -> [B, 4, 4, 256]`."""
    x = images
    for stage, filters in enumerate(_widths(image_size)):
        x = strided.Conv2D(
            filters, 4, strides=2, padding="same", use_bias=False, kernel_initializer=_kernel(seed)
        )(x)
        # As in DCGAN, the first layer has no BatchNorm.
        x = layers.LeakyReLU(LEAK)(_batch_normalization(seed)(x) if stage else x)
    return x


def _widths(image_size: int) -> list[int]:
    """64, 128, 256 for the paper's 32x32; larger images add stages as in `stage_widths`."""
    return [2 * filters for filters in stage_widths(image_size)]


def _kernel(seed: keras.random.SeedGenerator) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=GAN_KERNEL_STDDEV, seed=seed)


def _batch_normalization(seed: keras.random.SeedGenerator) -> BatchNormalization:
    gain = keras.initializers.RandomNormal(mean=1.0, stddev=GAN_KERNEL_STDDEV, seed=seed)
    return BatchNormalization(gamma_initializer=gain)
