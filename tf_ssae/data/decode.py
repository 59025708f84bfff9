"""Image files of any kind to pixels: decoded in one way, or refused with a reason."""

import contextlib
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tf_ssae.data import containers
from tf_ssae.ops import tiles

# MPO: a JPEG with a second image behind it, as many phones write it, which Pillow opens as JPEG;
# the first is taken.
_FORMATS = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF")
# GIFs, which a wrong extension may hide, are opened as well, so that the error can say so.
_OPENED = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")

_ORIENTATION, _LYING = 0x0112, (5, 6, 7, 8)
# How an image of each orientation is brought upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadableImage(ValueError):
    """A file that cannot be used as an image; the message says why, without the file's name."""


def decode(data: bytes) -> np.ndarray:
    """The pixels of an image file.

    EXIF orientation is applied: an image that lies on its side would teach rotation prediction
    nonsense. No other metadata is looked at. 16-bit grey becomes 8-bit, CMYK and palettes become
    colour, alpha is dropped.

    Args:
        data: the file's bytes.

    Returns:
        uint8 `[H, W, 1]` for grey, `[H, W, 3]` for colour.

    Raises:
        UnreadableImage: saying why.
    """
    with _reasons():
        return _pixels(_opened(data))


def decode_with_alpha(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """As `decode`, and the opacity, uint8 `[H, W]`: 0 where it is transparent."""
    with _reasons():
        image = _opened(data)
        return _pixels(image), np.asarray(image.convert("RGBA"))[..., 3]


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """The image of a file as Pillow has it, loaded and upright, for what is not a photograph.

    Raises:
        UnreadableImage: saying why.
    """
    with _reasons():
        yield _opened(data)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of an image file, upright, from its header. Raises UnreadableImage."""
    with header(data) as image:
        width, height = image.size
        lies = image.format != "TIFF" and orientation(data) in _LYING
        return (height, width) if lies else (width, height)


@contextlib.contextmanager
def header(data: bytes) -> Iterator[Image.Image]:
    """The image of a file, not loaded: its size as stored, its mode. Raises UnreadableImage."""
    with _reasons():
        bare = containers.without_metadata(data)
        with Image.open(io.BytesIO(bare), formats=_OPENED) as image:
            check(image)
            yield image


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise UnreadableImage("an empty file")
    bare = containers.without_metadata(data)
    image = Image.open(io.BytesIO(bare), formats=_OPENED)
    check(image)
    containers.require_whole(image, bare)
    image.load()
    # Pillow turns a TIFF when it loads it.
    method = None if image.format == "TIFF" else _TURNS.get(orientation(data))
    return image if method is None else image.transpose(method)


def orientation(data: bytes) -> int:
    """The EXIF orientation of an image file, 1 to 8; 1 if there is none that can be read."""
    try:
        with Image.open(io.BytesIO(data), formats=_OPENED) as image:
            value = image.getexif().get(_ORIENTATION)
        return value if value in _TURNS else 1
    # Metadata may be broken in many ways, and none of them touches the pixels.
    except Exception:
        return 1


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """Turns what Pillow raises into UnreadableImage."""
    try:
        yield
    except UnreadableImage:
        raise
    except Image.DecompressionBombError as error:
        # Raised at twice Pillow's own limit, which is above ours.
        raise UnreadableImage(f"more than {tiles.LARGEST_IMAGE:,} pixels") from error
    except Image.UnidentifiedImageError:
        raise UnreadableImage("not a PNG, JPEG, BMP, WebP or TIFF image") from None
    # Pillow's decoders raise many kinds of exceptions for damaged data.
    except Exception as error:
        raise UnreadableImage(f"damaged: {error}") from error


def check(image: Image.Image) -> None:
    """Raises UnreadableImage for a Pillow image that cannot be used; only its header is read."""
    width, height = image.size
    if image.format not in _FORMATS:
        raise UnreadableImage(f"a {image.format} image; expected PNG, JPEG, BMP, WebP or TIFF")
    frames = getattr(image, "n_frames", 1)
    if image.format != "MPO" and frames > 1:
        raise UnreadableImage(f"{frames} images in one file; expected one")
    check_size(width, height)


def check_size(width: int, height: int) -> None:
    """Raises UnreadableImage for an image too large, too small or too long."""
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
            " cut it into smaller images"
        )


def _pixels(image: Image.Image) -> np.ndarray:
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


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """`[H, W, 1 or 3] -> [H, W, channels]`: grey is repeated, colour becomes Rec. 601 luma, as
    Pillow computes it.
    """
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., np.newaxis]
