"""PNG and JPEG files inside a graph, read as `data.decode` reads them."""

from collections.abc import Callable

import tensorflow as tf

from tf_ssae.data import containers
from tf_ssae.export.requirements import NOTHING_LEFT, is_size, sizes
from tf_ssae.ops.graph import as_written
from tf_ssae.ops.limits import DEFAULTS, Limits
from tf_ssae.ops.region_of_interest import RegionOfInterest

# Rec. 601 luma as Pillow computes it: the sum of the weighted colours, and half of a whole, divided
# by the whole.
LUMA, WHOLE = (19595, 38470, 7471), 65536

_LARGE_IMAGE = 16_000_000  # pixels


def read(
    data: tf.Tensor,
    channels: int,
    cut: Callable[[tf.Tensor], tf.Tensor],
    blank: tf.Tensor,
    limits: Limits = DEFAULTS,
    roi: RegionOfInterest | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """What `cut` makes of a file's pixels, and why the file cannot be used: one that cannot must
    not fail those beside it.

    EXIF orientation is not applied: no operator reads it.

    Args:
        data: the file, string `[]`.
        cut: a function of uint8 `[H, W, channels]` to its tiles, `[T, ...]`; none of them if the
            region of interest leaves nothing.
        blank: in place of what it makes of a file that cannot be used.
        limits: a file beyond them cannot be used.
        roi: nor can one of other proportions.

    Returns:
        That, and the reason, string `[]`; empty if the file can be used.
    """

    def attempt(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        why = _problem(data, limits, roi)

        def tiles() -> tuple[tf.Tensor, tf.Tensor]:
            found = cut(_pixels(data, channels))
            return tf.cond(
                tf.shape(found)[0] > 0,
                lambda: (found, why),
                lambda: (blank, tf.constant(NOTHING_LEFT)),
            )

        return tf.cond(why == "", tiles, lambda: (blank, why))

    # A decoder's error ends a graph, unless a data set drops the element that it was raised for.
    made = tf.data.Dataset.from_tensors(data).map(as_written(attempt)).ignore_errors()
    otherwise = tf.data.Dataset.from_tensors((blank, "damaged: it cannot be decoded"))
    return made.concatenate(otherwise).take(1).get_single_element()


def _problem(data: tf.Tensor, limits: Limits, roi: RegionOfInterest | None) -> tf.Tensor:
    """What is wrong with a file, string `[]`; looked at before it is decoded, since a file of a few
    hundred bytes may claim any number of pixels. Fails for a header that cannot be read.
    """

    def of_header() -> tf.Tensor:
        height, width = _height_and_width(data)
        sides = [tf.cast(side, tf.float64) for side in (height, width)]
        fits = tf.constant(True) if roi is None else roi.fits(*sides)
        return tf.case(
            [
                (
                    ~is_size(height, width, limits),
                    lambda: tf.strings.format(
                        f"{{}}x{{}} pixels; expected {sizes(limits)}", (width, height)
                    ),
                ),
                (
                    _pixels_claimed(height, width) > _pixels_possible(data),
                    lambda: tf.constant("damaged: its bytes cannot hold its pixels"),
                ),
                (~fits, lambda: tf.constant("not of the proportions of the region of interest")),
                (
                    ~_is_png(data) & (_scans(data) > limits.most_scans),
                    lambda: tf.constant(
                        f"more than most_scans={limits.most_scans} scans, which would take long"
                    ),
                ),
            ],
            default=lambda: tf.constant(""),
        )

    return tf.case(
        [
            (data == "", lambda: tf.constant("an empty file")),
            (
                tf.cast(tf.strings.length(data), tf.int64) > limits.bytes,
                lambda: tf.constant(
                    f"a file of more than largest_file={limits.largest_file:g} megabytes"
                ),
            ),
            (~_is_png(data) & ~_is_jpeg(data), lambda: tf.constant("neither PNG nor JPEG")),
        ],
        default=of_header,
    )


def _pixels(data: tf.Tensor, channels: int) -> tf.Tensor:
    """uint8 `[H, W, channels]`."""
    # Reads PNG as well. As in Pillow: an accurate inverse DCT, and grey by integer arithmetic.
    image = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(_grey(image) if channels == 1 else image, [None, None, channels])


def _grey(image: tf.Tensor) -> tf.Tensor:
    """uint8 `[H, W, 3] -> [H, W, 1]`."""

    def grey(pixels: tf.Tensor) -> tf.Tensor:
        luma = tf.reduce_sum(tf.cast(pixels, tf.int32) * LUMA, axis=-1, keepdims=True)
        return tf.cast((luma + WHOLE // 2) // WHOLE, tf.uint8)

    def row_by_row() -> tf.Tensor:
        spec = tf.TensorSpec([None, 1], tf.uint8)
        return tf.map_fn(grey, image, parallel_iterations=1, fn_output_signature=spec)

    # At once it takes sixteen bytes a pixel, row by row hardly more than the image.
    is_large = tf.size(image) > 3 * _LARGE_IMAGE
    return tf.cond(is_large, row_by_row, lambda: grey(image))


def _is_png(data: tf.Tensor) -> tf.Tensor:
    return tf.strings.substr(data, 0, 4) == b"\x89PNG"


def _is_jpeg(data: tf.Tensor) -> tf.Tensor:
    return tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"


def _pixels_claimed(height: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    return tf.cast(height, tf.int64) * tf.cast(width, tf.int64)


def _pixels_possible(data: tf.Tensor) -> tf.Tensor:
    """The most pixels that a file of this length can hold."""
    per_byte = tf.where(_is_png(data), 8 * containers.MOST_PER_BYTE, containers.MOST_JPEG_PIXELS)
    return tf.cast(tf.strings.length(data), tf.int64) * tf.cast(per_byte, tf.int64)


def _scans(data: tf.Tensor) -> tf.Tensor:
    """How many scans a JPEG has; their mark occurs nowhere else in its data."""
    return tf.shape(tf.strings.split(data[tf.newaxis], b"\xff\xda").values)[0] - 1


def _height_and_width(data: tf.Tensor) -> list[tf.Tensor]:
    """Height and width of a PNG or JPEG file, from its header."""

    def of_png() -> tf.Tensor:
        # The first chunk of a PNG is IHDR, which begins with width and height, at byte 16.
        sides = tf.io.decode_raw(tf.strings.substr(data, 16, 8), tf.int32, little_endian=False)
        return tf.reverse(tf.reshape(sides, [2]), [0])

    return tf.unstack(tf.cond(_is_png(data), of_png, lambda: tf.io.extract_jpeg_shape(data)[:2]))
