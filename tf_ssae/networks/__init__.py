"""The sub-networks of the detectors, figure 4.1 of the thesis and those of the GANs, as functions
that build Keras models.
"""

import keras

from tf_ssae.config import IMAGE_SIZES

# Here, since every detector is built of networks: before any of them is.
if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"tf_ssae needs Keras on the TensorFlow backend, found {keras.backend.backend()!r}. Set"
        " KERAS_BACKEND=tensorflow, or remove it from the environment and from"
        " ~/.keras/keras.json."
    )

# Every kernel of the thesis' networks starts from N(0, 0.01), section 4.4.
KERNEL_STDDEV = 0.01

# EGBAD's and GANomaly's start from N(0, 0.02).
GAN_KERNEL_STDDEV = 0.02

LEAK = 0.2


def stage_widths(image_size: int) -> list[int]:
    """The filters of the encoder's strided convolutions from the image inward, each of which halves
    the sides, down to 4x4.

    The thesis' networks take 32x32 images. Each doubling of the side adds a stage at the image's
    end with half the filters of its neighbour, so that a stage costs about what its neighbour
    costs, and the bottleneck stays 1x1.
    """
    extra = IMAGE_SIZES.index(image_size)
    return [*(32 >> stage for stage in range(extra, 0, -1)), 32, 64, 128]
