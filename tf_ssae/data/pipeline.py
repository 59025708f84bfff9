"""tf.data pipelines over images in memory or in a mapped file. Images stay uint8 until they are
inside the model.

Shuffling and sampling depend on the seed and the epoch only, never on what ran before, so that a
resumed run sees the batches that it would have seen.
"""

import numpy as np
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.ops.graph import as_written
from tf_ssae.ops.rotations import rotate_sampled, rotate_stack, rotation_labels


def training_batches(
    images: np.ndarray, index: np.ndarray, config: Config, first_epoch: int = 0
) -> tf.data.Dataset:
    """Shuffled batches of whole epochs, from `first_epoch` to `config.epochs`, one after the other.

    Args:
        images: array `[N, S, S, C]`, read in place, a batch at a time.
        index: int `[n]`, the images to train on.
        config: for `batch_size`, `epochs` and `seed`. Images left over after the last whole batch
            of an epoch are not used in that epoch (each time others): with one batch shape, the
            step is compiled once.

    Returns:
        A dataset of `(step, batch)`: the number of the step since the start of training, int64, and
        `[B, S, S, C]`.
    """
    index = tf.constant(index)
    steps = steps_per_epoch(index.shape[0], config)

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(index, seed=[config.seed, epoch])
        batches = tf.data.Dataset.from_tensor_slices(order).batch(
            config.batch_size, drop_remainder=True
        )
        return batches.enumerate(start=epoch * steps)

    return (
        tf.data.Dataset.range(first_epoch, config.epochs)
        .flat_map(as_written(epoch_batches))
        .map(as_written(lambda step, batch: (step, _gather(images, batch))))
    )


def numbered_batches(images: np.ndarray, index: np.ndarray, first_step: int) -> tf.data.Dataset:
    """Batches as those of `training_batches`, but of the images at `index`, int `[n, B]`, in its
    order, the first of them with the number `first_step`.
    """
    return (
        tf.data.Dataset.from_tensor_slices(index)
        .enumerate(first_step)
        .map(as_written(lambda step, batch: (step, _gather(images, batch))))
    )


def steps_per_epoch(images: int, config: Config) -> int:
    """Whole batches in an epoch of so many images. Raises ValueError if there is none."""
    if images < config.batch_size:
        raise ValueError(
            f"batch_size={config.batch_size} is more than the {images} training images: lower it."
        )
    return images // config.batch_size


def with_rotations(batches: tf.data.Dataset, config: Config) -> tf.data.Dataset:
    """Adds rotated images and their labels to the output of `training_batches`.

    Returns:
        A dataset of `(x, x_rotated, d)`: images `[B, S, S, C]`; rotated images and the rotation of
        each. With `config.rotations == "all"` the latter are `[4B, S, S, C]` and `[4B]`, and the
        first `B` rotated images are `x`; with "sampled" they are `[B, S, S, C]` and `[B]`.
    """

    def rotate(step: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, ...]:
        if config.rotations == "all":
            return x, rotate_stack(x), rotation_labels(config.batch_size)
        # Folded once more, so that this stream differs from the one that shuffled the epoch with
        # the same number.
        seed = tf.random.experimental.stateless_fold_in([config.seed, step], 1)
        return x, *rotate_sampled(x, seed)

    return batches.map(as_written(rotate))


def scoring_batches(images: np.ndarray, index: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Batches `[B, S, S, C]` of the images at `index`, in its order; the last may be smaller."""
    return (
        tf.data.Dataset.from_tensor_slices(index)
        .batch(batch_size)
        .map(as_written(lambda batch: _gather(images, batch)))
        .prefetch(tf.data.AUTOTUNE)
    )


def _gather(images: np.ndarray, index: tf.Tensor) -> tf.Tensor:
    # Not tf.gather: the images would have to be a tensor, all in memory.
    batch = tf.numpy_function(lambda index: images[index], [index], images.dtype)
    return tf.ensure_shape(batch, [index.shape[0], *images.shape[1:]])
