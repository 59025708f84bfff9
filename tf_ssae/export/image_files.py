"""PNG and JPEG files inside a graph, read as `data.decode` reads them."""

import tensorflow as tf

from tf_ssae.data import containers
from tf_ssae.export.requirements import require, require_size
from tf_ssae.ops.limits import DEFAULTS, Limits

_LARGE_IMAGE = 16_000_000  # pixels


def decode(data: tf.Tensor, channels: int, limits: Limits = DEFAULTS) -> tf.Tensor:
    """The pixels of a file, string `[] -> uint8 [H, W, channels]`. Fails for a size that no
    detector takes, and beyond the limits.

    EXIF orientation is not applied: no operator reads it.
    """
    # Checked before it is decoded: a file of a few hundred bytes may hold any number of pixels.
    height, width = _height_and_width(data)
    checks = [
        require_size("image_bytes", height, width, limits),
        *_require_cheap(data, height, width, limits),
    ]
    with tf.control_dependencies(checks):
        data = tf.identity(data)
    # Reads PNG as well. As in Pillow: an accurate inverse DCT, and grey by integer arithmetic.
    image = tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(_grey(image) if channels == 1 else image, [None, None, channels])


def _grey(image: tf.Tensor) -> tf.Tensor:
    """uint8 `[H, W, 3] -> [H, W, 1]`."""

    def grey(pixels: tf.Tensor) -> tf.Tensor:
        weighted = tf.cast(pixels, tf.int32) * [19595, 38470, 7471]
        luma = tf.reduce_sum(weighted, axis=-1, keepdims=True)
        return tf.cast((luma + 32768) // 65536, tf.uint8)

    def row_by_row() -> tf.Tensor:
        spec = tf.TensorSpec([None, 1], tf.uint8)
        return tf.map_fn(grey, image, parallel_iterations=1, fn_output_signature=spec)

    # At once it takes sixteen bytes a pixel, row by row hardly more than the image.
    is_large = tf.size(image) > 3 * _LARGE_IMAGE
    return tf.cond(is_large, row_by_row, lambda: grey(image))


def require_png_or_jpeg(files: tf.Tensor) -> tf.Operation:
    """Fails, naming the indices, unless every string of `[N]` begins as a PNG or JPEG file does."""
    is_image = tf.map_fn(_is_png_or_jpeg, files, fn_output_signature=tf.bool)
    return tf.debugging.Assert(
        tf.reduce_all(is_image),
        ["image_bytes: neither PNG nor JPEG at index", tf.where(~is_image)[:, 0]],
    )


def _is_png(data: tf.Tensor) -> tf.Tensor:
    return tf.strings.substr(data, 0, 4) == b"\x89PNG"


def _is_png_or_jpeg(data: tf.Tensor) -> tf.Tensor:
    return _is_png(data) | (tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff")


def _require_cheap(
    data: tf.Tensor, height: tf.Tensor, width: tf.Tensor, limits: Limits
) -> list[tf.Operation]:
    """Fails for a file that claims more pixels than its bytes can hold, or has too many bytes or
    scans.
    """
    pixels = tf.cast(height, tf.int64) * tf.cast(width, tf.int64)
    per_byte = tf.where(_is_png(data), 8 * containers.MOST_PER_BYTE, containers.MOST_JPEG_PIXELS)
    room = tf.cast(tf.strings.length(data), tf.int64) * tf.cast(per_byte, tf.int64)
    # The mark of a scan occurs nowhere else in a JPEG's data.
    scans = tf.shape(tf.strings.split(data[tf.newaxis], b"\xff\xda").values)[0] - 1
    return [
        require(
            tf.cast(tf.strings.length(data), tf.int64) <= limits.bytes,
            f"image_bytes: a file of more than largest_file={limits.largest_file:g} megabytes",
        ),
        require(pixels <= room, "image_bytes: damaged: its bytes cannot hold its pixels"),
        require(
            _is_png(data) | (scans <= limits.most_scans),
            f"image_bytes: more than most_scans={limits.most_scans} scans, which would take long",
        ),
    ]


def _height_and_width(data: tf.Tensor) -> list[tf.Tensor]:
    """Height and width of a PNG or JPEG file, from its header."""

    def of_png() -> tf.Tensor:
        # The first chunk of a PNG is IHDR, which begins with width and height, at byte 16.
        sides = tf.io.decode_raw(tf.strings.substr(data, 16, 8), tf.int32, little_endian=False)
        return tf.reverse(tf.reshape(sides, [2]), [0])

    return tf.unstack(tf.cond(_is_png(data), of_png, lambda: tf.io.extract_jpeg_shape(data)[:2]))
