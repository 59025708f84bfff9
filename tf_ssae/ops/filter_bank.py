"""What an image is made of, place by place, without anything learned: the responses of oriented
wavelets at several scales, the first order of a scattering transform (Bruna and Mallat, 2013).
"""

import numpy as np
import tensorflow as tf

# Pixels along the side of a cell that responses are averaged over.
CELL = 8
# One wavelet: a Gabor filter of about four pixels' wavelength, two octaves of which fit the kernel.
_ORIENTATIONS = 8
_FREQUENCY, _SIGMA, _KERNEL = 1.6, 1.3, 11
_UNIT = 2.0**-14
_MOST_SCALES = 5
# Pixels of mirrored border around an image. Coarse wavelets reach beyond it, into zeros: there they
# see how bright the border is.
_BORDER = 16
# Added before the logarithm; a grey level is .004.
_FLOOR = 2.0**-10
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16
# Luminance, and two opponent colours (blue against yellow, red against green).
_OPPONENTS = np.array([[1 / 3, 1 / 4, 1 / 2], [1 / 3, 1 / 4, -1 / 2], [1 / 3, -1 / 2, 0]])


def responses(x: tf.Tensor) -> tf.Tensor:
    """Images `[B, T, T, C]` in 0..1, T a multiple of 32, to `[B, T / 8, T / 8, F]`.

    The features of a cell: its mean colour, and the logarithms of the mean magnitudes of the
    wavelets' responses, one octave apart; of colours, over all orientations together.
    """
    count, size, channels = tf.shape(x)[0], x.shape[1], x.shape[-1]
    if channels == 3:
        x = tf.tensordot(x, tf.constant(_OPPONENTS, tf.float32), 1)
    x = tf.pad(x, [[0, 0], [_BORDER] * 2, [_BORDER] * 2, [0, 0]], "REFLECT")
    cells, beyond = (size + 2 * _BORDER) // CELL, _BORDER // CELL
    found = [averaged(x, CELL)]
    # Every channel by itself, with the same wavelets.
    level = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [-1, *x.shape[1:3], 1])
    for scale in range(scales(size)):
        cell = CELL >> scale
        if cell >= 4:
            magnitude = _averaged_at_every_second_pixel(level, cell)
        else:
            magnitude = _magnitude(level)
            magnitude = averaged(magnitude, cell) if cell > 1 else magnitude
        magnitude = tf.reshape(magnitude, [count, channels, *magnitude.shape[1:3], _ORIENTATIONS])
        of_light = [magnitude[:, 0]]
        of_colour = [
            tf.reduce_mean(magnitude[:, channel], axis=-1, keepdims=True)
            for channel in range(1, channels)
        ]
        features = tf.math.log(tf.concat([*of_light, *of_colour], -1) + _FLOOR)
        if features.shape[1] < cells:
            features = tf.image.resize(features, [cells, cells])
        found.append(features)
        level = _halved(level)
    return tf.concat(found, -1)[:, beyond:-beyond, beyond:-beyond]


def scales(size: int) -> int:
    """How many octaves fit into images of this side: the coarsest has at least 8 pixels."""
    return min(_MOST_SCALES, (size // 8).bit_length())


def features(size: int, channels: int) -> int:
    """F of `responses`."""
    return channels + scales(size) * (_ORIENTATIONS + channels - 1)


def _wavelets() -> np.ndarray:
    """`[11, 11, 1, 16]`: the real parts, then the imaginary ones, of wavelets of mean 0."""
    offsets = np.arange(_KERNEL) - _KERNEL // 2
    y, x = np.meshgrid(offsets, offsets, indexing="ij")
    window = np.exp(-(x**2 + y**2) / (2 * _SIGMA**2))
    window /= window.sum()
    found = []
    for angle in np.pi * np.arange(_ORIENTATIONS) / _ORIENTATIONS:
        wave = window * np.exp(1j * _FREQUENCY * (x * np.cos(angle) + y * np.sin(angle)))
        found.append(wave - window * wave.sum())
    stacked = np.stack([w.real for w in found] + [w.imag for w in found], axis=-1)
    # Numbers that float16 holds exactly, with a sum of exactly 0 there too: plain areas answer
    # nothing, in a float16 file as well.
    whole = np.round(stacked / _UNIT)
    whole[_KERNEL // 2, _KERNEL // 2] -= whole.sum(axis=(0, 1))
    return (whole * _UNIT)[:, :, np.newaxis].astype(np.float32)


def _magnitude(level: tf.Tensor) -> tf.Tensor:
    """`[N, S, S, 1] -> [N, S, S, 8]`."""
    parts = tf.square(tf.nn.conv2d(level, _wavelets(), 1, "SAME"))
    return tf.sqrt(parts[..., :_ORIENTATIONS] + parts[..., _ORIENTATIONS:])


def _averaged_at_every_second_pixel(level: tf.Tensor, cell: int) -> tf.Tensor:
    """Almost `averaged(_magnitude(level), cell)`, at a fraction of its cost: a magnitude is
    smooth, so a quarter of the pixels, one of each 2x2 block, have nearly the mean of all. On solar
    cells no AUROC of the textures' scores moved by more than .002.

    The blocks are the channels of the convolution, since one of a single channel is slow.
    """
    blocks = tf.pad(tf.nn.space_to_depth(level, 2), [[0, 0], [3, 2], [3, 2], [0, 0]])
    parts = tf.square(tf.nn.conv2d(blocks, _in_blocks(_wavelets()), 1, "VALID"))
    magnitude = tf.sqrt(parts[..., :_ORIENTATIONS] + parts[..., _ORIENTATIONS:])
    return averaged(magnitude, cell // 2)


def _in_blocks(kernel: np.ndarray) -> np.ndarray:
    """`[11, 11, 1, D]`, from pixels to pixels, to `[6, 6, 4, D]`, from blocks of 2x2 pixels to the
    first pixel of a block.
    """
    found = np.zeros([6, 6, 4, kernel.shape[-1]], np.float32)
    for v, u in np.ndindex(_KERNEL, _KERNEL):
        # From the pixel to the one that this tap of the kernel reads.
        dy, dx = v - _KERNEL // 2, u - _KERNEL // 2
        found[dy // 2 + 3, dx // 2 + 3, dy % 2 * 2 + dx % 2] = kernel[v, u, 0]
    return found


def averaged(level: tf.Tensor, cell: int) -> tf.Tensor:
    """Over windows twice as wide as a cell of `cell` pixels: a border between cells is no blind
    spot.
    """
    padded = tf.pad(level, [[0, 0], [cell // 2] * 2, [cell // 2] * 2, [0, 0]], "REFLECT")
    # The means of a window's four quarters, which it shares with its neighbours, then their mean.
    return tf.nn.avg_pool2d(tf.nn.avg_pool2d(padded, cell, cell, "VALID"), 2, 1, "VALID")


def _halved(level: tf.Tensor) -> tf.Tensor:
    kernel = np.outer(_BINOMIAL, _BINOMIAL)[:, :, np.newaxis, np.newaxis]
    padded = tf.pad(level, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    return tf.nn.conv2d(padded, kernel, 2, "VALID")
