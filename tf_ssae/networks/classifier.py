"""Rotation classifier C (figure 4.1, middle)."""

import keras
from keras import layers

from tf_ssae.networks import KERNEL_STDDEV, LEAK
from tf_ssae.networks.fast.batch_normalization import BatchNormalization
from tf_ssae.networks.precision import Float32
from tf_ssae.ops.rotations import ROTATIONS


def classifier(depth: int, seed: keras.random.SeedGenerator) -> keras.Model:
    """`[B, depth] -> [B, 4]`: logits of the four rotations, from the features `[z_E1 : z_E2]`.

    The width of the hidden layer is not given in the thesis; it is 128 here.

    Args:
        seed: a `keras.random.SeedGenerator`; every kernel draws from it.
    """
    z = keras.Input([depth])
    kernel = keras.initializers.RandomNormal(stddev=KERNEL_STDDEV, seed=seed)
    x = layers.Dense(128, use_bias=False, kernel_initializer=kernel)(z)
    x = layers.LeakyReLU(LEAK)(BatchNormalization()(x))
    logits = layers.Dense(ROTATIONS, kernel_initializer=kernel)(x)
    return keras.Model(z, Float32()(logits), name="classifier")
