"""Image files of any kind, read one way: what to look for, what is refused and why, and how pixels
are decoded.
"""

import concurrent.futures
import contextlib
import hashlib
import io
import pathlib
import threading

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tf_ssae.ops import tiles

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

# MPO: a JPEG with a second picture behind it, as many phones write it, which Pillow opens as JPEG;
# the first is taken.
_FORMATS = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF")
# What a wrong extension may hide is opened as well, to say what it is.
_OPENED = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
_LARGE_IMAGE = 16_000_000  # pixels; of larger ones, one at a time is read
_READ_AHEAD = 64
_THREADS = 4
_FOLDERS_NAMED = 10


class UnreadableImage(ValueError):
    """A file that is no image to work with; the message is the reason, without the file's name."""


def find(folder):
    """The image files in a folder and below it, sorted by name; hidden ones are left out.

    Raises:
        FileNotFoundError: there are none: says where it looked, for what, and what is there.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"No folder {folder}.")
    files = sorted(path for path in folder.rglob("*") if _is_visible_file(path, folder))
    images = [path for path in files if is_image(path, folder)]
    if not images:
        raise FileNotFoundError(
            f"No images in {folder}: searched it and the folders below it for"
            f" {', '.join(EXTENSIONS)}. Found {_counts(folder, files)}."
        )
    return images


def is_image(path, folder):
    """Whether a path in `folder`, or below it, is an image file to go by its name, and
    not hidden.
    """
    return path.suffix.lower() in EXTENSIONS and _is_visible_file(path, folder)


def _is_visible_file(path, folder):
    return path.is_file() and not any(
        part.startswith(".") for part in path.relative_to(folder).parts
    )


def _counts(folder, files):
    """ "3 .txt; in defects: 1 .gif", or "no files at all"."""
    found = []
    for parent in sorted({path.parent for path in files})[:_FOLDERS_NAMED]:
        suffixes = [
            path.suffix.lower() or "without extension" for path in files if path.parent == parent
        ]
        counts = ", ".join(f"{suffixes.count(suffix)} {suffix}" for suffix in sorted(set(suffixes)))
        found.append(counts if parent == folder else f"in {parent.relative_to(folder)}: {counts}")
    return "; ".join(found) or "no files at all"


def printable(name):
    """A file's name for a message: bytes that are no UTF-8 are escaped."""
    return str(name).encode(errors="backslashreplace").decode()


def decode(data):
    """The pixels of an image file.

    EXIF orientation is applied: an image lying on its side would teach rotation prediction
    nonsense. 16-bit grey becomes 8-bit, CMYK and palettes become colour, alpha is dropped.

    Args:
        data: the file's bytes.

    Returns:
        uint8 `[H, W, 1]` for grey, `[H, W, 3]` for colour.

    Raises:
        UnreadableImage: saying why.
    """
    if not data:
        raise UnreadableImage("an empty file")
    try:
        image = Image.open(io.BytesIO(data), formats=_OPENED)
        check(image)
        image.load()
        image = ImageOps.exif_transpose(image)
        return _pixels(image)
    except UnreadableImage:
        raise
    except Image.DecompressionBombError:
        raise UnreadableImage(f"more than {2 * Image.MAX_IMAGE_PIXELS:,} pixels") from None
    except Image.UnidentifiedImageError:
        raise UnreadableImage("no PNG, JPEG, BMP, WebP or TIFF image") from None
    # What Pillow's decoders raise for broken data is not one kind of exception.
    except Exception as error:
        raise UnreadableImage(f"broken: {error}") from error


def check(image):
    """Raises UnreadableImage if a Pillow image, of which the header has been read, is none to work
    with.
    """
    width, height = image.size
    if image.format not in _FORMATS:
        raise UnreadableImage(f"a {image.format} image; expected PNG, JPEG, BMP, WebP or TIFF")
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise UnreadableImage(f"{image.n_frames} pictures in one file; expected one")
    if width * height > tiles.LARGEST_IMAGE:
        raise UnreadableImage(f"{width}x{height}: more than {tiles.LARGEST_IMAGE:,} pixels")
    if min(width, height) < tiles.SMALLEST_SIDE:
        raise UnreadableImage(
            f"{width}x{height} pixels; expected at least"
            f" {tiles.SMALLEST_SIDE}x{tiles.SMALLEST_SIDE}"
        )
    if max(width, height) > tiles.LARGEST_ASPECT * min(width, height):
        raise UnreadableImage(
            f"{width}x{height} pixels: more than {tiles.LARGEST_ASPECT} times as long as wide;"
            " cut it into parts"
        )


def _pixels(image):
    if image.mode.startswith("I;16") or image.mode == "I":
        # A 16-bit PNG: Pillow's own conversion to 8 bits cuts off instead of scaling.
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 65535:
            raise UnreadableImage(
                f"grey values from {values.min()} to {values.max()}; expected 8 or 16 bits"
            )
        return (values >> 8).astype(np.uint8)[..., np.newaxis]
    if image.mode == "F":
        raise UnreadableImage("floating-point pixels; expected 8 or 16 bits")
    grey = image.mode in ("1", "L", "LA", "La")
    return np.asarray(image.convert("L" if grey else "RGB")).reshape(image.height, image.width, -1)


def with_channels(image, channels):
    """`[H, W, 1 or 3] -> [H, W, channels]`: grey is repeated, colour becomes Rec. 601 luma, as
    Pillow has it.
    """
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., np.newaxis]


class Squares:
    """Reads image files as squares, ahead of whoever uses them; what is in memory does not grow
    with their number.
    """

    def __init__(self, image_shape, crop):
        """`image_shape`: `(S, S, C)` of the squares. `crop`: see `networks.tiles.squares`."""
        self._size, _, self._channels = image_shape
        self._large = threading.Lock()
        spec = tf.TensorSpec([1, None, None, self._channels], tf.uint8)
        self._squares = tf.function(
            lambda images: tiles.squares(images, self._size, crop)[0], input_signature=[spec]
        )

    def of(self, image):
        """uint8 `[H, W, 1 or 3] -> [T, S, S, C]`."""
        image = with_channels(image, self._channels)
        if image.shape[:2] == (self._size, self._size):
            return image[np.newaxis]
        return self._squares(image[np.newaxis]).numpy()

    def read(self, paths):
        """Yields `(path, squares [T, S, S, C], digest of the file's bytes)` for every path, in
        order.

        Of an unreadable file, the squares are the UnreadableImage, and the digest is None.
        """

        def one(path):
            try:
                data = pathlib.Path(path).read_bytes()
                with self._turn(data):
                    return path, self.of(decode(data)), hashlib.sha256(data).digest()
            except OSError as error:
                return path, UnreadableImage(f"cannot be read: {error.strerror}"), None
            except UnreadableImage as error:
                return path, error, None

        yield from _in_order(one, paths)

    def _turn(self, data):
        """A context to decode this file in: a shared lock for a large image, so that only one at a
        time is in memory.
        """
        try:
            with Image.open(io.BytesIO(data)) as image:
                large = image.size[0] * image.size[1] > _LARGE_IMAGE
        # What is wrong with it is said when it is decoded.
        except Exception:
            large = False
        return self._large if large else contextlib.nullcontext()


def _in_order(function, items):
    """Yields `function(item)` for every item, in order, computed by a few threads a
    little ahead.
    """
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        pending = []
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= _READ_AHEAD:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()
