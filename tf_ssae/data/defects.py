"""Synthetic defects, drawn by graph operators over a batch, from which a detector learns to locate
defects.

A defect is a shape times a content, drawn independently, so that a few parameters span many kinds.
Everything is relative: sizes to the side of the image, strengths to the image's own contrast. In
the spirit of CutPaste (Li et al., 2021) and DRAEM (Zavrtanik et al., 2021).

Shapes: ellipse (spots, blobs), bar (scars, scratches, cracks: the jags come from a warp of the
coordinates by noise), box (CutPaste's rectangles, turned or not), wedge (everything beyond one or
two straight lines), region (smooth noise above a level, as DRAEM's).

Contents: the image itself, a piece of another one, a piece of itself from elsewhere, itself
blurred, or flat paint; with a gain, an offset of some colour, or a texture of noise (also streaks).

What is marked is what changed visibly (a brush that paints grey on grey leaves no defect).
"""

import dataclasses
import math

import numpy as np
import tensorflow as tf

from tf_ssae.data import cutouts
from tf_ssae.data.draws import Draws
from tf_ssae.ops.region_of_interest import composed


@dataclasses.dataclass(frozen=True)
class Mix:
    """How often each kind is drawn; shares that sum to 1.

    Attributes:
        shapes: of ellipse, bar, box, wedge and region.
        contents: of the image itself, another one, itself from elsewhere, itself blurred, and flat
            paint.
    """

    shapes: tuple[float, ...]
    contents: tuple[float, ...]


# What trains; and every kind as often as the others, for a test.
TAUGHT = Mix((0.22, 0.34, 0.16, 0.12, 0.16), (0.5, 0.15, 0.15, 0.08, 0.12))
EQUAL = Mix((0.2,) * 5, (0.2,) * 5)

# Grids of smooth noise: cells along (height, width).
_GRIDS = ((3, 3), (7, 7), (20, 20), (3, 40), (40, 3))


def _interpolation(size: int, cells: int) -> np.ndarray:
    """`[size, cells + 3]`: cubic B-splines over `cells` cells; rows have the norm that keeps white
    noise at about deviation 1.
    """
    x = (np.arange(size) + 0.5) / size * cells
    t, i = x - np.floor(x), np.floor(x).astype(int)
    weights = (
        np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], 1)
        / 6
    )
    matrix = np.zeros([size, cells + 3], np.float32)
    for k in range(4):
        matrix[np.arange(size), i + k] = weights[:, k]
    return matrix / np.sqrt((matrix**2).sum(1).mean())


def _noise(draws: Draws, count: int, size: int, grid: tuple[int, int]) -> tf.Tensor:
    """`[count, size, size]` of smooth noise, deviation 1."""
    rows, columns = (_interpolation(size, min(cells, size // 2)) for cells in grid)
    z = draws.normal([count, rows.shape[1], columns.shape[1]])
    return tf.einsum("sg,bgh,th->bst", rows, z, columns)


def _box_blur(images: tf.Tensor, radius: int) -> tf.Tensor:
    size = 2 * radius + 1
    padded = tf.pad(images, [[0, 0], [radius] * 2, [radius] * 2, [0, 0]], "REFLECT")
    return tf.nn.avg_pool2d(tf.nn.avg_pool2d(padded, [size, 1], 1, "VALID"), [1, size], 1, "VALID")


def _shifted(images: tf.Tensor, draws: Draws, smallest: float, largest: float) -> tf.Tensor:
    """Each image shifted cyclically by an offset (shares of the side), and flipped at random."""
    count, size = images.shape[0], images.shape[1]
    offset = tf.cast(draws.uniform([count, 2], smallest, largest) * size, tf.int32)
    flips = draws.integers([count], 4)
    index = tf.range(size)
    rows = (index + offset[:, :1]) % size
    columns = (index + offset[:, 1:]) % size
    rows = tf.where((flips % 2 == 1)[:, None], size - 1 - rows, rows)
    columns = tf.where((flips // 2 == 1)[:, None], size - 1 - columns, columns)
    moved = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(moved, columns, axis=2, batch_dims=1)


def masks(
    draws: Draws, count: int, size: int, mix: Mix, inside: tf.Tensor | None = None
) -> tf.Tensor:
    """`[count, size, size]` in 0..1: shapes with sharp or soft edges, anywhere, or with their
    middle where `inside`, `[count, size, size, 1]`, is 1.
    """
    column = [count, 1, 1]
    noises = [_noise(draws, count, size, grid) for grid in _GRIDS[:3]]

    grid = (tf.range(size, dtype=tf.float32) + 0.5) / size
    middle_x, middle_y = (tf.reshape(at, column) for at in draws.place(inside, count))
    x = grid[None, None, :] - middle_x
    y = grid[None, :, None] - middle_y
    kind = tf.reshape(draws.choice([count], mix.shapes), column)
    # Bars in any direction; some of all but ellipses and regions are parallel to the sides.
    angle = draws.uniform(column, 0.0, math.pi)
    straight = draws.chance(column, 0.4) & (kind >= 1) & (kind <= 3)
    angle = tf.where(straight, tf.round(angle / (math.pi / 2)) * (math.pi / 2), angle)

    length = tf.where(
        kind == 0,
        draws.log_uniform(column, 0.012, 0.25),
        tf.where(
            kind == 1, draws.log_uniform(column, 0.04, 0.6), draws.log_uniform(column, 0.03, 0.4)
        ),
    )
    width = tf.where(
        kind == 0,
        length * draws.log_uniform(column, 0.4, 1.0),
        tf.where(
            kind == 1,
            tf.minimum(draws.log_uniform(column, 0.004, 0.025), length / 3),
            length * draws.log_uniform(column, 0.2, 1.0),
        ),
    )
    width = tf.maximum(width, 0.7 / size)
    # The warp: bends and jags. A bar bends by a share of its length, the others by a share of their
    # width.
    reach = tf.where(kind == 1, 0.35 * length, 0.5 * width) * draws.uniform(column) ** 2
    reach = tf.where((kind >= 2) | straight, 0.0, reach)
    fine = draws.uniform(column) ** 2
    bend = reach * (noises[0] + fine * (0.6 * noises[1] + 0.3 * noises[2]))

    u = x * tf.cos(angle) + y * tf.sin(angle)
    v = y * tf.cos(angle) - x * tf.sin(angle) + bend
    au, av = tf.abs(u + tf.where(kind == 0, 0.7, 0.0) * bend), tf.abs(v)
    ellipse = (1 - tf.sqrt(tf.square(au / length) + tf.square(av / width))) * width
    box = tf.minimum(length - au, width - av)
    wedge = tf.minimum(u, v * draws.sign(column) + draws.uniform(column, -0.1, 0.5))
    # A bar tapers to its ends.
    level = tf.where(
        kind == 0,
        ellipse,
        tf.where(
            kind == 3,
            wedge,
            tf.where(kind == 1, tf.minimum(box, width * 1.5 * (1 - au / length)), box),
        ),
    )
    octave = draws.uniform(column)
    field = noises[0] * (1 - octave) + noises[1] * octave + 0.3 * draws.uniform(column) * noises[2]
    level = tf.where(kind == 4, (field - draws.uniform(column, 0.8, 1.8)) * 0.08, level)

    soft = tf.where(
        draws.chance(column, 0.6), 1.0 / size, draws.log_uniform(column, 1.0 / size, 0.12)
    )
    soft = tf.where(kind == 1, tf.minimum(soft, 3.0 / size), soft)
    # A soft edge is inside the shape, so that thin shapes keep a core.
    return tf.clip_by_value(0.5 + level / soft, 0.0, 1.0)


def paint(draws: Draws, images: tf.Tensor, contrast: tf.Tensor, mix: Mix) -> tf.Tensor:
    """`[B, S, S, C]`: each image changed all over; a mask then selects where that is pasted."""
    count, size, _, channels = images.shape
    column = [count, 1, 1, 1]
    kind = draws.choice([count], mix.contents)
    near = _shifted(images, draws, 0.02, 0.98)
    bases = tf.stack(
        [
            images,
            _shifted(tf.roll(images, 1, axis=0), draws, 0.0, 0.98),
            near,
            _box_blur(images, max(2, size // 40)),
            tf.broadcast_to(
                tf.reduce_mean(images, [1, 2], keepdims=True)
                + contrast * draws.normal([count, 1, 1, channels]),
                images.shape,
            ),
        ]
    )
    base = tf.gather_nd(bases, tf.stack([kind, tf.range(count)], axis=1))

    itself = tf.reshape(kind == 0, column)
    pieces = tf.reshape(kind > 0, column)
    # Three ways to change a surface; an image that stays itself takes at least one of them.
    way = tf.reshape(draws.choice([count], (0.4, 0.4, 0.2)), column)
    scale = tf.where(pieces & draws.chance(column, 0.6), 0.0, 1.0)
    gain = tf.exp(scale * draws.sign(column) * draws.log_uniform(column, 0.08, 1.2))
    grey = draws.sign(column) * tf.ones([count, 1, 1, channels])
    colour = tf.where(draws.chance(column, 0.5), grey, draws.normal([count, 1, 1, channels]))
    offset = scale * colour * contrast * draws.log_uniform(column, 0.4, 4.0)
    # One of five textures per image.
    textures = tf.stack([_noise(draws, count, size, grid) for grid in _GRIDS])
    picked = tf.gather_nd(
        textures, tf.stack([draws.integers([count], len(_GRIDS)), tf.range(count)], 1)
    )
    texture = picked[..., None] * contrast * draws.log_uniform(column, 0.3, 2.0)
    changed = tf.where(
        way == 0, base * gain, tf.where(way == 1, base + offset, base + scale * texture)
    )
    # Half of the time the paint is translucent, except on the image itself.
    opacity = tf.where(draws.chance(column, 0.5), 1.0, draws.uniform(column, 0.3, 1.0))
    opacity = tf.where(itself, 1.0, opacity)
    return images + opacity * (changed - images)


def tamper(
    images: tf.Tensor,
    seed: tf.Tensor,
    share: float = 1.0,
    most: int = 2,
    mix: Mix = TAUGHT,
    known: np.ndarray | None = None,
    inside: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pastes defects into images.

    Args:
        images: float `[B, S, S, C]` in 0..1, normal.
        seed: `[2]` of ints; the same seed draws the same defects.
        share: the share of the images that get a defect.
        most: the largest number of defects per image; few images get as many.
        mix: how often each kind is drawn.
        known: cut-outs of known defects (see `cutouts.load`); half of the images get one more.
        inside: `[B, S, S, 1]`, 1 or 0: a region of interest, outside of which nothing changes and
            images are their own mean; None: everywhere.

    Returns:
        The images with defects, in 0..1, and `[B, S, S, 1]` in 0..1: how visibly each pixel has
        changed, 1 from clearly visible on.
    """
    draws = Draws(seed)
    count, size = images.shape[0], images.shape[1]
    deviation = tf.math.reduce_std(images, axis=[1, 2, 3], keepdims=True)
    if inside is not None:
        # What is outside has none, and is not to make it smaller.
        covered = tf.reduce_mean(inside, axis=[1, 2, 3], keepdims=True)
        deviation /= tf.sqrt(tf.maximum(covered, 1e-6))
    contrast = tf.maximum(deviation, 0.03)
    tampered = images
    chance = share
    for _ in range(most):
        wanted = tf.cast(draws.chance([count, 1, 1, 1], chance), tf.float32)
        mask = masks(draws, count, size, mix, inside)[..., None] * wanted
        tampered = tampered + mask * (paint(draws, images, contrast, mix) - tampered)
        chance = 0.4 * share
    if known is not None:
        wanted = tf.cast(draws.chance([count, 1, 1, 1], share / 2), tf.float32)
        tampered = cutouts.paste(draws, tampered, known, wanted, inside)
    tampered = tf.clip_by_value(tampered, 0.0, 1.0)
    if inside is not None:
        tampered = composed(inside, tampered, images)
    change = tf.reduce_mean(tf.abs(tampered - images), axis=-1, keepdims=True)
    change = tf.nn.avg_pool2d(change, 3, 1, "SAME")
    # Visible: a change of two fifths of the image's own deviation, but at least of 5 grey levels.
    visible = tf.maximum(0.4 * deviation, 5 / 255)
    change = tf.clip_by_value(change / visible, 0.0, 1.0)
    return tampered, change if inside is None else inside * change
