"""How unusual an image's texture is, as a whole and window by window, without anything learned."""

from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.ops import factors, filter_bank, region_of_interest, surroundings
from tf_ssae.ops.gaussian import Gaussian, Sums
from tf_ssae.ops.graph import graph
from tf_ssae.ops.usual import Usual
from tf_ssae.ops.windows import Fit, Windows

# Sides, in cells, of the windows, as far as they fit; windows overlap by half. And how many of the
# most unusual windows of a size count: at least 3, of many one of 48.
_SIDES = (4, 8, 12)
_MOST, _SHARE = 3, 48
# The size of windows, by its place in `_SIDES`, that tells the factors of an image.
_TELLING = 1
# Images that the factors are fitted to, at most.
_KNOWN = 500
_EPSILON = 2.0**-20  # exact in float16 files
# More than any response, or distance, is; it too is exact there.
_FAR = 1024.0


@keras.saving.register_keras_serializable(package="tf_ssae")
class Texture(keras.layers.Layer):
    """Gaussians on what an image is made of, place by place (`filter_bank` and `Surroundings`):
    images `[B, T, T, C]` in 0..1 to

    * `[B]`, how far an image as a whole is from normal ones (the log of a squared distance);
    * `[B]`, how far its most unusual windows of each size are, less what is usual for normal images
      that look like it;
    * `[B, h, w]`, how far each of the smallest windows is, less the same.

    The last two are in deviations of `Windows`. Before `fit` all are NaN. Cells and windows that
    are, for more than half, outside of a region of interest, `inside`, `[B, T, T, 1]`, 1 or 0, have
    no part in them.
    """

    def __init__(self, image_size: int, channels: int, **kwargs: Any):
        super().__init__(**kwargs)
        features = filter_bank.features(image_size, channels)
        features += surroundings.features(image_size, channels)
        cells = image_size // filter_bank.CELL
        self._sides = [side for side in _SIDES if side <= cells]
        self._telling = self._sides[min(_TELLING, len(self._sides) - 1)]
        self._surroundings = surroundings.Surroundings(image_size, channels, name="surroundings")
        telling = _along(cells, self._telling) ** 2 * 2 * features
        known = factors.count(telling)
        self._factors = factors.Factors(telling, name="factors") if known else None
        self._image = Gaussian(1, 3 * features, name="image")
        self._windows = [
            Windows(_along(cells, side) ** 2, 2 * features, known, name=f"windows_{side}")
            for side in self._sides
        ]
        self._usual = Usual(2 * features, name="usual")

    def fit(self, batches: tf.data.Dataset, copies: tf.data.Dataset) -> None:
        """Fits it to batches of images `[n, T, T, C]`, in random order, the same each time; each in
        a tuple, perhaps with its `inside`. It passes over all of them twice, and twice more over
        the first hundreds.

        `copies`: of the same images, in the same order, changed so that they are still normal.
        """
        self._surroundings.fit(images for images, *_ in batches)

        @graph
        def of_windows(images: tf.Tensor, inside: tf.Tensor | None = None) -> list:
            responses, cells = self._responses(images), _cells(inside)
            windows = [_of_windows(responses, side, cells) for side in self._sides]
            return [_of_image(responses, cells), *windows]

        both = tf.data.Dataset.zip(batches, copies)
        self._fit_factors(both, of_windows)

        @graph
        def given(images: tf.Tensor, inside: tf.Tensor | None = None) -> list:
            whole, *windows = of_windows(images, inside)
            return [whole, self._factors_of(windows), *windows]

        fits = [Fit(windows) for windows in self._windows]
        of_images: Sums | None = None
        first = 0
        for pair in both:
            for batch in pair:
                whole, known, *windows = _numpy(given(*batch))
                of_images = of_images or Sums.none(whole.mean(axis=0, dtype=np.float64))
                of_images.add(whole)
                for fit, (features, counts) in zip(fits, windows):
                    fit.add(first, features, known, counts)
            first += len(whole)
        assert of_images is not None
        self._image.fit_to(of_images)
        self._fit_usual(map(_numpy, (given(*batch) for batch in batches)), fits)

    def _fit_factors(self, both: tf.data.Dataset, of_windows: Callable[..., list]) -> None:
        if self._factors is None:
            return
        known: list[np.ndarray] = []
        for pair in both:
            known += [self._telling_of(of_windows(*batch)[1:]).numpy() for batch in pair]
            if sum(map(len, known)) >= _KNOWN:
                break
        self._factors.fit(np.concatenate(known))

    def _fit_usual(self, given: Iterable[list], fits: list[Fit]) -> None:
        """`given`: of each batch, its factors and windows as arrays."""
        distances: list[list] = []
        descriptors: list[np.ndarray] = []
        first = 0
        for _, known, *windows in given:
            found = [
                (fit.judge(first, features, known, counts), counts)
                for fit, (features, counts) in zip(fits, windows)
            ]
            first += len(known)
            if sum(map(len, descriptors)) < self._usual.wanted:
                descriptors.append(_median(*windows[0]).numpy())
                distances.append(found)
        for fit in fits:
            fit.finish()
        scores = [
            _mean([_of_most(w.standard(d), c) for w, (d, c) in zip(self._windows, of_sizes)])
            for of_sizes in distances
        ]
        self._usual.fit(np.concatenate(descriptors), np.concatenate(scores))

    def call(
        self, images: tf.Tensor, inside: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        responses, cells = self._responses(images), _cells(inside)
        of_sizes = [_of_windows(responses, side, cells) for side in self._sides]
        known = self._factors_of(of_sizes)
        distances = [w(features, known) for w, (features, _) in zip(self._windows, of_sizes)]
        usual = self._usual(_median(*of_sizes[0]))
        most = [_of_most(found, counts) for found, (_, counts) in zip(distances, of_sizes)]
        # The smallest tell best where a defect is.
        places = _least_where_outside(distances[0], of_sizes[0][1])
        along = _along(responses.shape[1], self._sides[0])
        return (
            self._image(_of_image(responses, cells))[:, 0],
            _mean(most) - usual,
            tf.reshape(places - usual[:, tf.newaxis], [-1, along, along]),
        )

    def _responses(self, images: tf.Tensor) -> tf.Tensor:
        return tf.concat([filter_bank.responses(images), self._surroundings(images)], axis=-1)

    def _telling_of(self, of_sizes: list[tuple[tf.Tensor, tf.Tensor | None]]) -> tf.Tensor:
        """`[B, N]`: the features of all windows that count, of the size that tells the factors."""
        features, counts = of_sizes[self._sides.index(self._telling)]
        if counts is not None:
            features *= counts[..., tf.newaxis]
        return tf.reshape(features, [-1, features.shape[1] * features.shape[2]])

    def _factors_of(self, of_sizes: list[tuple[tf.Tensor, tf.Tensor | None]]) -> tf.Tensor:
        """`[B, K]`."""
        telling = self._telling_of(of_sizes)
        return telling[:, :0] if self._factors is None else self._factors(telling)


def _of_most(distances: tf.Tensor, counts: tf.Tensor | None) -> tf.Tensor:
    """`[B, P] -> [B]`: the mean of the largest."""
    shown = _least_where_outside(distances, counts)
    most = min(max(_MOST, shown.shape[1] // _SHARE), shown.shape[1])
    return tf.reduce_mean(tf.math.top_k(shown, most).values, axis=1)


def _numpy(outputs: list) -> list:
    return tf.nest.map_structure(lambda part: None if part is None else part.numpy(), outputs)


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
