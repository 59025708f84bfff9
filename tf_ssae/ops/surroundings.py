"""How badly pixels can be told from what surrounds them: a fine scratch in a strong but regular
pattern hides in the pattern's contrast, and stands out from what the pattern foretells.
"""

from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import scipy.signal
import tensorflow as tf

from tf_ssae.ops import filter_bank

# Octaves below that of the image itself, as far as a side of so many pixels is left.
_OCTAVES, _SMALLEST = 3, 16
# Pixels on each side that foretell one, except those next to it, which show the same defect; and
# pixels along the side of the square over which errors are averaged.
_REACH, _HOLE, _SQUARE = 7, 1, 3
# About so many pixels along the side of an image are foretold to fit.
_ALONG = 12
# Images that it is fitted to, and what is added to the variances, as a share of their mean.
_IMAGES, _RIDGE = 300, 1e-4
# Before the logarithms, of brightness 0..1, and of errors: about a quarter of a grey level at
# medium brightness, and above the rounding of a float16 file.
_DARK, _FLOOR = 0.04, 2.0**-8


@keras.saving.register_keras_serializable(package="tf_ssae")
class Surroundings(keras.layers.Layer):
    """Images `[B, T, T, C]` in 0..1, T a multiple of 32, to `[B, T / 8, T / 8, F]`: for each octave
    and channel, the log of the mean error in a cell of the best linear forecast of a pixel (its
    log) from those around it. Before `fit` it is NaN.
    """

    def __init__(self, size: int, channels: int, **kwargs: Any):
        super().__init__(**kwargs)
        unknown = keras.initializers.Constant(np.nan)
        self._channels = channels
        self._sides = _sides(size)
        self._kernels: list[keras.Variable] = []
        self._offsets: list[keras.Variable] = []
        for octave, side in enumerate(self._sides, 1):
            blocks = _blocks(2 * _reach(side) + _SQUARE)
            for kept, name, shape in (
                (self._kernels, "kernel", [blocks, blocks, 4 * channels, 4 * channels]),
                (self._offsets, "offset", [channels]),
            ):
                kept.append(
                    self.add_weight(
                        shape=shape, initializer=unknown, trainable=False, name=f"{name}_{octave}"
                    )
                )

    def fit(self, batches: Iterable[tf.Tensor]) -> None:
        """Fits it to the first images of batches `[n, T, T, C]`: least squares, with a ridge."""
        sums: list[Any] = [0.0 for _ in self._sides]
        images = 0
        for batch in batches:
            for i, (level, side) in enumerate(zip(self._levels(batch), self._sides)):
                foretelling, pixels = _samples(level, side)
                both = np.concatenate([foretelling, np.ones([len(pixels), 1]), pixels], axis=1)
                sums[i] += both.T @ both
            images += len(batch)
            if images >= _IMAGES:
                break
        for products, kernel, offset, side in zip(sums, self._kernels, self._offsets, self._sides):
            given = len(products) - self._channels
            # The last of what foretells is 1.
            last = given - 1
            scatter = (
                np.diagonal(products)[:last] - products[last, :last] ** 2 / products[last, last]
            )
            ridge = np.append(np.full(last, _RIDGE * scatter.mean()), 0.0)
            lines = np.linalg.solve(
                products[:given, :given] + np.diag(ridge), products[:given, given:]
            )
            around = _around(_reach(side))
            error = np.zeros([*around.shape, self._channels, self._channels])
            error[around] = -lines[:-1].reshape(-1, self._channels, self._channels)
            error[_reach(side), _reach(side)] = np.eye(self._channels)
            # Their averages are linear too: one convolution gives them.
            square = np.full([_SQUARE, _SQUARE, 1, 1], 1 / _SQUARE**2)
            kernel.assign(_in_blocks(scipy.signal.convolve(error, square)))
            offset.assign(-lines[-1])

    def call(self, images: tf.Tensor) -> tf.Tensor:
        found = []
        levels = zip(self._levels(images), self._kernels, self._offsets)
        for octave, (level, kernel, offset) in enumerate(levels, 1):
            padded = tf.nn.space_to_depth(_mirrored(level, kernel.shape[0] - 1), 2)
            error = tf.nn.conv2d(padded, tf.convert_to_tensor(kernel), 1, "VALID")
            error = tf.nn.depth_to_space(error, 2) + offset
            cell = filter_bank.CELL >> octave
            found.append(filter_bank.averaged(tf.abs(error), cell) if cell > 1 else tf.abs(error))
        return tf.math.log(tf.concat(found, axis=-1) + _FLOOR)

    def _levels(self, images: tf.Tensor) -> list[tf.Tensor]:
        level, found = tf.math.log(images + _DARK), []
        for _ in self._sides:
            level = tf.nn.avg_pool2d(level, 2, 2, "VALID")
            found.append(level)
        return found


def features(size: int, channels: int) -> int:
    """F of a `Surroundings`."""
    return len(_sides(size)) * channels


def _sides(size: int) -> list[int]:
    sides = [size >> octave for octave in range(1, _OCTAVES + 1)]
    return [side for side in sides if side >= _SMALLEST]


def _reach(side: int) -> int:
    return min(_REACH, side // 4)


def _around(reach: int) -> np.ndarray:
    """Which pixels of a square around one foretell it, bool `[2 reach + 1, 2 reach + 1]`."""
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    next_to_it = (np.abs(y) <= _HOLE) & (np.abs(x) <= _HOLE)
    return (y**2 + x**2 <= (reach + 0.5) ** 2) & ~next_to_it


def _mirrored(level: tf.Tensor, border: int) -> tf.Tensor:
    return tf.pad(level, [[0, 0], [border] * 2, [border] * 2, [0, 0]], "REFLECT")


def _samples(level: tf.Tensor, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Some pixels of a level, `[N, C]`, and those around them, `[N, pixels x C]`, float64."""
    reach, step = _reach(side), max(1, side // _ALONG)
    width, channels = 2 * reach + 1, level.shape[-1]
    patches = tf.image.extract_patches(
        _mirrored(level, reach),
        [1, width, width, 1],
        [1, step, step, 1],
        [1, 1, 1, 1],
        "VALID",
    ).numpy()
    patches = patches.reshape(-1, width, width, channels).astype(np.float64)
    pixels = patches[:, reach, reach]
    return patches[:, _around(reach)].reshape(len(patches), -1), pixels


def _blocks(width: int) -> int:
    """How many blocks of 2x2 pixels a kernel of this width, odd, reaches over, with an even border
    around a block.
    """
    return (width // 2 + 1) // 2 * 2 + 1


def _in_blocks(kernel: np.ndarray) -> np.ndarray:
    """`[W, W, C, D]`, from pixels to pixels, to `[b, b, 4 C, 4 D]`, from blocks of 2x2 pixels to
    blocks: few channels leave most of a processor's vector lanes empty, and are a third as fast.
    """
    width, channels, outputs = kernel.shape[0], *kernel.shape[2:]
    blocks = _blocks(width)
    # From the first pixel of the border to the first that the kernel reads.
    margin = blocks - 1 - width // 2
    found = np.zeros([blocks, 2, blocks, 2, channels, 2, 2, outputs])
    for v, u, a, b in np.ndindex(width, width, 2, 2):
        y, x = v + a + margin, u + b + margin
        found[y // 2, y % 2, x // 2, x % 2, :, a, b] = kernel[v, u]
    moved = found.transpose(0, 2, 1, 3, 4, 5, 6, 7)
    return moved.reshape(blocks, blocks, 4 * channels, 4 * outputs)
