"""Cut-outs of a user's own known defects, pasted into normal images like synthetic ones."""

import math
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_ssae.data.decode import UnreadableImage, decode_with_alpha, with_channels
from tf_ssae.data.draws import Draws
from tf_ssae.data.find import find

# The largest change of a defect's size, as a factor either way.
_SIZES = 1.25


def load(folder: str, size: int, channels: int) -> np.ndarray:
    """The cut-outs of a folder, uint8 `[K, size, size, channels + 1]`: each in the middle, its
    colours times its opacity, then its opacity.

    A cut-out is a file of the size of a whole photo, transparent where there is no defect; it is
    shrunk as a photo is, until the shorter side is `size`.

    Raises:
        FileNotFoundError: the folder holds no images.
        ValueError: a file that cannot be read, or is nowhere or everywhere transparent.
    """
    found = []
    for path in find(pathlib.Path(folder)):
        try:
            image, alpha = decode_with_alpha(path.read_bytes())
        except UnreadableImage as error:
            raise ValueError(f"--defects: {path}: {error}.") from error
        if alpha.min() > 0 or alpha.max() == 0:
            raise ValueError(
                f"--defects: {path}: {'nowhere' if alpha.min() else 'everywhere'} transparent;"
                " expected a photo that is transparent but for its defect."
            )
        found.append(_middle(np.dstack([with_channels(image, channels), alpha]), size))
    return np.stack(found)


def _middle(image: np.ndarray, size: int) -> np.ndarray:
    """uint8 `[H, W, C + 1] -> [size, size, C + 1]`, the defect in the middle, multiplied."""
    scale = size / min(image.shape[:2])
    rows, columns = (np.flatnonzero(image[..., -1].any(axis=axis)) for axis in (1, 0))
    image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    image[..., :-1] *= image[..., -1:] / 255
    height, width = (min(size, max(1, round(scale * side))) for side in image.shape[:2])
    shrunk = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BOX))
        for plane in np.moveaxis(image, 2, 0)
    ]
    found = np.zeros([size, size, image.shape[-1]], np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    found[top : top + height, left : left + width] = np.stack(shrunk, axis=-1).round()
    return found


def paste(
    draws: Draws,
    images: tf.Tensor,
    known: np.ndarray,
    wanted: tf.Tensor,
    inside: tf.Tensor | None = None,
) -> tf.Tensor:
    """Images `[B, S, S, C]` with one of the cut-outs in each, turned, flipped, a little larger or
    smaller, anywhere or with its middle where `inside`, `[B, S, S, 1]`, is 1. `wanted`:
    `[B, 1, 1, 1]`, 1 where an image is to get one, else 0.
    """
    count, size = images.shape[0], images.shape[1]
    chosen = tf.gather(known, draws.integers([count], len(known)))
    angle, zoom = draws.uniform([count], 0.0, 2 * math.pi), draws.uniform([count], -1.0, 1.0)
    scale, flip = _SIZES**-zoom, draws.sign([count])
    # From a pixel of the image to the one of the cut-out that is there.
    a, b = scale * tf.cos(angle), scale * tf.sin(angle)
    x, y = (size * at for at in draws.place(inside, count))
    middle, zero = tf.fill([count], (size - 1) / 2), tf.zeros([count])
    rows = [
        *(a * flip, -b * flip, middle - flip * (a * x - b * y)),
        *(b, a, middle - (b * x + a * y)),
        *(zero, zero),
    ]
    pasted = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(chosen, tf.float32) / 255.0,
        transforms=tf.stack(rows, axis=1),
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return images + wanted * (pasted[..., :-1] - pasted[..., -1:] * images)
