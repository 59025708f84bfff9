"""How unusual an image's texture is, as a whole and window by window, without anything learned."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.ops import filter_bank
from tf_ssae.ops.gaussian import Gaussian, Sums
from tf_ssae.ops.usual import Usual

# Sides, in cells, of the windows that have a Gaussian each, as far as they fit; windows overlap by
# half. And how many of the most unusual windows of a size count.
_SIDES = (4, 8)
_MOST = 3
_EPSILON = 2.0**-20  # exact in float16 files


@keras.saving.register_keras_serializable(package="tf_ssae")
class Texture(keras.layers.Layer):
    """Gaussians on the responses of wavelets: images `[B, T, T, C]` in 0..1 to

    * `[B]`, how far an image as a whole is from normal ones (the log of a squared distance);
    * `[B]`, how far its most unusual windows of each size are, less what is usual for normal images
      that look like it;
    * `[B, h, w]`, how far each place is, less the same.

    Before `fit` they are NaN.
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
        """Fits it to batches of images `[n, T, T, C]`, in random order, in two passes."""

        def features(images: tf.Tensor) -> list[tf.Tensor]:
            responses = filter_bank.responses(images)
            return [_of_image(responses), *(_of_windows(responses, n) for n in self._sides)]

        gaussians = [self._image, *self._windows]
        sums = [Sums() for _ in gaussians]
        for batch in map(tf.function(features), batches):
            for of_one, found in zip(sums, batch):
                of_one.add(found.numpy())
        for gaussian, of_one in zip(gaussians, sums):
            gaussian.fit_to(of_one)

        def compared(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            return self._of_all_windows(filter_bank.responses(images))

        most, descriptors = [], []
        for found in map(tf.function(compared), batches):
            most.append(found[0].numpy())
            descriptors.append(found[1].numpy())
            if sum(map(len, most)) >= self._usual.wanted:
                break
        self._usual.fit(np.concatenate(descriptors), np.concatenate(most))

    def call(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        responses = filter_bank.responses(images)
        most, descriptors, places = self._of_all_windows(responses)
        usual = self._usual(descriptors)
        return (
            self._image(_of_image(responses))[:, 0],
            most - usual,
            places - usual[:, tf.newaxis, tf.newaxis],
        )

    def _of_all_windows(self, responses: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """How unusual the most unusual windows are, `[B]`; what describes the image, `[B, D]`; and
        how unusual each place is, `[B, h, w]`: means over the sizes of windows.
        """
        most: list[tf.Tensor] = []
        places: list[tf.Tensor] = []
        for side, gaussian in zip(self._sides, self._windows):
            windows = _of_windows(responses, side)
            if not most:
                descriptors = _median(windows)
            distances = gaussian(windows)
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


def _median(windows: tf.Tensor) -> tf.Tensor:
    """`[B, P, F] -> [B, F]`: over windows; a defect in less than half of them hardly moves it."""
    half = windows.shape[1] // 2 + 1
    return tf.math.top_k(tf.transpose(windows, [0, 2, 1]), half).values[..., -1]


def _of_image(responses: tf.Tensor) -> tf.Tensor:
    """Mean, deviation and largest value over an image of each response: `[B, 1, 3 F]`."""
    mean, deviation = moments(tf.reduce_mean, responses, axis=[1, 2])
    largest = tf.reduce_max(responses, axis=[1, 2])
    return tf.concat([mean, deviation, largest], axis=1)[:, tf.newaxis]


def _of_windows(responses: tf.Tensor, side: int) -> tf.Tensor:
    """Mean and deviation of each response in each window: `[B, P, 2 F]`."""
    both = tf.concat(moments(tf.nn.avg_pool2d, responses, side, side // 2, "VALID"), axis=3)
    return tf.reshape(both, [-1, both.shape[1] * both.shape[2], both.shape[3]])


def moments(
    average: Callable[..., tf.Tensor], values: tf.Tensor, *where: Any, **axis: Any
) -> list[tf.Tensor]:
    """Mean and deviation, by a function that averages."""
    mean = average(values, *where, **axis)
    square = average(tf.square(values), *where, **axis)
    return [mean, tf.sqrt(tf.maximum(square - tf.square(mean), 0.0) + _EPSILON)]
