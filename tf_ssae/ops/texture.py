"""How unusual an image's texture is, as a whole and window by window, without anything learned."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.ops import filter_bank, region_of_interest
from tf_ssae.ops.gaussian import Gaussian, Sums
from tf_ssae.ops.usual import Usual

# Sides, in cells, of the windows that have a Gaussian each, as far as they fit; windows overlap by
# half. And how many of the most unusual windows of a size count.
_SIDES = (4, 8)
_MOST = 3
_EPSILON = 2.0**-20  # exact in float16 files
# More than any response, or distance, is; it too is exact there.
_FAR = 1024.0


@keras.saving.register_keras_serializable(package="tf_ssae")
class Texture(keras.layers.Layer):
    """Gaussians on the responses of wavelets: images `[B, T, T, C]` in 0..1 to

    * `[B]`, how far an image as a whole is from normal ones (the log of a squared distance);
    * `[B]`, how far its most unusual windows of each size are, less what is usual for normal images
      that look like it;
    * `[B, h, w]`, how far each place is, less the same.

    Before `fit` they are NaN. Cells and windows that are, for more than half, outside of a region
    of interest, `inside`, `[B, T, T, 1]`, 1 or 0, have no part in them.
    """

    def __init__(self, image_size: int, channels: int, **kwargs: Any):
        super().__init__(**kwargs)
        features = filter_bank.features(image_size, channels)
        cells = image_size // filter_bank.CELL
        self._sides = [side for side in _SIDES if side <= cells]
        self._image = Gaussian(1, 3 * features, name="image")
        self._windows = [
            Gaussian(_along(cells, side) ** 2, 2 * features, name=f"windows_{side}")
            for side in self._sides
        ]
        self._usual = Usual(2 * features, name="usual")

    def fit(self, batches: tf.data.Dataset) -> None:
        """Fits it to batches of images `[n, T, T, C]`, in random order, in two passes; each in a
        tuple, perhaps with its `inside`.
        """

        @tf.function
        def features(images: tf.Tensor, inside: tf.Tensor | None = None) -> list:
            responses, cells = filter_bank.responses(images), _cells(inside)
            windows = [_of_windows(responses, side, cells) for side in self._sides]
            return [(_of_image(responses, cells),), *(_without_none(pair) for pair in windows)]

        gaussians = [self._image, *self._windows]
        sums = [Sums() for _ in gaussians]
        for batch in batches:
            for of_one, found in zip(sums, features(*batch)):
                of_one.add(*(part.numpy() for part in found))
        for gaussian, of_one in zip(gaussians, sums):
            gaussian.fit_to(of_one)

        @tf.function
        def compared(images: tf.Tensor, inside: tf.Tensor | None = None) -> tuple:
            return self._of_all_windows(filter_bank.responses(images), _cells(inside))

        most, descriptors = [], []
        for found in (compared(*batch) for batch in batches):
            most.append(found[0].numpy())
            descriptors.append(found[1].numpy())
            if sum(map(len, most)) >= self._usual.wanted:
                break
        self._usual.fit(np.concatenate(descriptors), np.concatenate(most))

    def call(
        self, images: tf.Tensor, inside: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        responses, cells = filter_bank.responses(images), _cells(inside)
        most, descriptors, places = self._of_all_windows(responses, cells)
        usual = self._usual(descriptors)
        return (
            self._image(_of_image(responses, cells))[:, 0],
            most - usual,
            places - usual[:, tf.newaxis, tf.newaxis],
        )

    def _of_all_windows(
        self, responses: tf.Tensor, cells: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """How unusual the most unusual windows are, `[B]`; what describes the image, `[B, D]`; and
        how unusual each place is, `[B, h, w]`: means over the sizes of windows.
        """
        most: list[tf.Tensor] = []
        places: list[tf.Tensor] = []
        for side, gaussian in zip(self._sides, self._windows):
            windows, counts = _of_windows(responses, side, cells)
            if not most:
                descriptors = _median(windows, counts)
            distances = _least_where_outside(gaussian(windows), counts)
            along = _along(responses.shape[1], side)
            largest = tf.math.top_k(distances, min(_MOST, distances.shape[1])).values
            most.append(tf.reduce_mean(largest, axis=1))
            places.append(tf.reshape(distances, [-1, along, along, 1]))
        size = places[0].shape[1:3]
        resized = [places[0], *(tf.image.resize(place, size) for place in places[1:])]
        return _mean(most), descriptors, _mean(resized)[..., 0]


def _along(cells: int, side: int) -> int:
    """How many windows fit along the side of an image."""
    return (cells - side) // (side // 2) + 1


def _mean(values: list[tf.Tensor]) -> tf.Tensor:
    return tf.add_n(values) / len(values)


def _cells(inside: tf.Tensor | None) -> tf.Tensor | None:
    """Which cells count: `[B, T, T, 1] -> [B, c, c, 1]`, 1 or 0: those that are inside all over, or
    those that come nearest to it.
    """
    return None if inside is None else _most(_pooled(inside, filter_bank.CELL), 0.999)


def _most(share: tf.Tensor, enough: float) -> tf.Tensor:
    """1 where a share, `[B, h, w, 1]`, is enough, or the largest of an image; else 0."""
    largest = tf.reduce_max(share, axis=[1, 2], keepdims=True)
    return tf.cast(share >= tf.minimum(largest, enough), tf.float32)


def _pooled(values: tf.Tensor, side: int) -> tf.Tensor:
    return tf.nn.avg_pool2d(values, side, side, "VALID")


def _without_none(pair: tuple[tf.Tensor, tf.Tensor | None]) -> tuple[tf.Tensor, ...]:
    return tuple(part for part in pair if part is not None)


def _median(windows: tf.Tensor, counts: tf.Tensor | None) -> tf.Tensor:
    """`[B, P, F] -> [B, F]`: over windows; a defect in less than half of them hardly moves it.

    `counts`: `[B, P]`, 1 where a window counts.
    """
    if counts is not None:
        # The others go to both ends by turns, and so leave the middle where it is.
        outside = 1.0 - counts
        by_turns = 1.0 - 2.0 * tf.math.floormod(tf.cumsum(outside, axis=1), 2.0)
        windows = windows * counts[..., tf.newaxis]
        windows += (_FAR * outside * by_turns)[..., tf.newaxis]
    half = windows.shape[1] // 2 + 1
    return tf.math.top_k(tf.transpose(windows, [0, 2, 1]), half).values[..., -1]


def _least_where_outside(distances: tf.Tensor, counts: tf.Tensor | None) -> tf.Tensor:
    """Distances of windows, `[B, P]`; of those that do not count, the least of the others."""
    if counts is None:
        return distances
    least = tf.reduce_min(distances * counts + _FAR * (1.0 - counts), axis=1, keepdims=True)
    return distances * counts + least * (1.0 - counts)


def _of_image(responses: tf.Tensor, cells: tf.Tensor | None) -> tf.Tensor:
    """Mean, deviation and largest value over an image of each response: `[B, 1, 3 F]`."""
    if cells is None:
        mean, deviation = moments(tf.reduce_mean, responses, axis=[1, 2])
        largest = tf.reduce_max(responses, axis=[1, 2])
    else:
        mean, deviation = moments(mean_inside, responses, cells)
        largest = tf.reduce_max(responses * cells - _FAR * (1.0 - cells), axis=[1, 2])
    return tf.concat([mean, deviation, largest], axis=1)[:, tf.newaxis]


def _of_windows(
    responses: tf.Tensor, side: int, cells: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Mean and deviation of each response in each window, `[B, P, 2 F]`; and which windows count,
    `[B, P]`: all, None, or those with half of their cells inside, or the most.
    """
    if cells is None:
        both = tf.concat(moments(tf.nn.avg_pool2d, responses, side, side // 2, "VALID"), axis=3)
        return _in_a_row(both), None
    share = tf.nn.avg_pool2d(cells, side, side // 2, "VALID")

    def average(values: tf.Tensor) -> tf.Tensor:
        some = tf.nn.avg_pool2d(values * cells, side, side // 2, "VALID")
        return some / tf.maximum(share, 1.0 / side**2)

    counts = _most(share, 0.5)
    return _in_a_row(tf.concat(moments(average, responses), axis=3)), _in_a_row(counts)[..., 0]


def _in_a_row(places: tf.Tensor) -> tf.Tensor:
    """`[B, h, w, D] -> [B, h w, D]`."""
    return tf.reshape(places, [-1, places.shape[1] * places.shape[2], places.shape[3]])


def mean_inside(values: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """`[B, h, w, D] -> [B, D]`, weighted by `inside`, `[B, h, w, 1]`."""
    return region_of_interest.mean(values, inside)[:, 0, 0]


def moments(
    average: Callable[..., tf.Tensor], values: tf.Tensor, *where: Any, **axis: Any
) -> list[tf.Tensor]:
    """Mean and deviation, by a function that averages."""
    mean = average(values, *where, **axis)
    square = average(tf.square(values), *where, **axis)
    return [mean, tf.sqrt(tf.maximum(square - tf.square(mean), 0.0) + _EPSILON)]
