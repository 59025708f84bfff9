"""Image files of any kind to pixels: decoded in one way, or refused with a reason."""

import contextlib
import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tf_ssae.data import containers
from tf_ssae.ops.limits import DEFAULTS, LARGEST_ASPECT, SMALLEST_SIDE, Limits

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


_END = b"\xff\xd9"  # of a JPEG
# Rows that are copied from Pillow or to it at a time: it makes copies of its own.
_BAND = 1024


class UnreadableImage(ValueError):
    """A file that cannot be used as an image; the message says why, without the file's name."""


def decode(data: bytes, limits: Limits = DEFAULTS) -> np.ndarray:
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
        return _pixels(_opened(data, limits)[0])


def repair(data: bytes, limits: Limits = DEFAULTS) -> tuple[np.ndarray, str]:
    """As `decode`, but a JPEG or TIFF that is damaged is taken as its decoder repairs it: what
    is missing is grey, say. Also returns what was wrong with it; empty if nothing was.
    """
    with _reasons():
        image, damage = _opened(data, limits, accept_damaged=True)
        return _pixels(image), damage


def decode_with_alpha(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """As `decode`, and the opacity, uint8 `[H, W]`: 0 where it is transparent."""
    with _reasons():
        image, _ = _opened(data)
        return _pixels(image), np.asarray(image.convert("RGBA"))[..., 3]


@contextlib.contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """The image of a file as Pillow has it, loaded and upright, for what is not a photograph.

    Raises:
        UnreadableImage: saying why.
    """
    with _reasons():
        yield _opened(data)[0]


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of an image file, upright, from its header. Raises UnreadableImage."""
    with header(data) as image:
        width, height = image.size
        lies = image.format != "TIFF" and orientation(data) in _LYING
        return (height, width) if lies else (width, height)


@contextlib.contextmanager
def header(data: bytes, limits: Limits = DEFAULTS) -> Iterator[Image.Image]:
    """The image of a file, not loaded: its size as stored, its mode. Raises UnreadableImage."""
    with _reasons():
        bare = containers.without_metadata(data)
        with Image.open(io.BytesIO(bare), formats=_OPENED) as image:
            check(image, limits)
            yield image


def _opened(
    data: bytes, limits: Limits = DEFAULTS, accept_damaged: bool = False
) -> tuple[Image.Image, str]:
    """The image, loaded and upright; and what was wrong with it, if that is accepted."""
    if not data:
        raise UnreadableImage("an empty file")
    check_bytes(len(data), limits)
    bare = containers.without_metadata(data)
    image = Image.open(io.BytesIO(bare), formats=_OPENED)
    check(image, limits)
    if containers.is_jpeg(image) and containers.scans(bare) > limits.most_scans:
        raise UnreadableImage(
            f"{containers.scans(bare)} scans, which would take long; expected at most"
            f" most_scans={limits.most_scans}"
        )
    containers.require_room(image, bare)
    damage = containers.damage(image, bare)
    if damage and not accept_damaged:
        raise containers.Damaged(damage)
    if damage and containers.is_jpeg(image):
        # Pillow gives up where the bytes end before the image does, libjpeg does not.
        image = Image.open(io.BytesIO(bare + _END), formats=_OPENED)
    image.load()
    # Pillow turns a TIFF when it loads it.
    method = None if image.format == "TIFF" else _TURNS.get(orientation(data))
    return (image if method is None else image.transpose(method)), damage


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
        raise UnreadableImage(f"more pixels than largest_image ({error})") from error
    except Image.UnidentifiedImageError:
        raise UnreadableImage("not a PNG, JPEG, BMP, WebP or TIFF image") from None
    # Pillow's decoders raise many kinds of exceptions for damaged data.
    except Exception as error:
        raise UnreadableImage(f"damaged: {error}") from error


def check(image: Image.Image, limits: Limits) -> None:
    """Raises UnreadableImage for a Pillow image that cannot be used; only its header is read."""
    width, height = image.size
    if image.format not in _FORMATS:
        raise UnreadableImage(f"a {image.format} image; expected PNG, JPEG, BMP, WebP or TIFF")
    frames = getattr(image, "n_frames", 1)
    if image.format != "MPO" and frames > 1:
        raise UnreadableImage(f"{frames} images in one file; expected one")
    check_size(width, height, limits)


def check_bytes(size: int, limits: Limits) -> None:
    """Raises UnreadableImage for a file of too many bytes."""
    if size > limits.bytes:
        raise UnreadableImage(
            f"a file of {size / 1e6:,.1f} MB; expected at most"
            f" largest_file={limits.largest_file:g} megabytes"
        )


def check_size(width: int, height: int, limits: Limits = DEFAULTS) -> None:
    """Raises UnreadableImage for an image too large, too small or too long."""
    if width * height > limits.pixels:
        raise UnreadableImage(
            f"{width}x{height} pixels; expected at most"
            f" largest_image={limits.largest_image:g} megapixels"
        )
    if min(width, height) < SMALLEST_SIDE:
        raise UnreadableImage(
            f"{width}x{height} pixels; expected at least {SMALLEST_SIDE}x{SMALLEST_SIDE}"
        )
    if max(width, height) > LARGEST_ASPECT * min(width, height):
        raise UnreadableImage(
            f"{width}x{height} pixels: more than {LARGEST_ASPECT} times as long as wide;"
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
    mode = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    # Not converted to what it is already: that would be a copy.
    found = image if image.mode == mode else image.convert(mode)
    pixels = np.empty([image.height, image.width, len(mode)], np.uint8)
    for top in range(0, image.height, _BAND):
        bottom = min(top + _BAND, image.height)
        band = np.asarray(found.crop((0, top, image.width, bottom)))
        pixels[top:bottom] = band.reshape(bottom - top, image.width, -1)
    return pixels


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """`[H, W, 1 or 3] -> [H, W, channels]`: grey is repeated, colour becomes Rec. 601 luma, as
    Pillow computes it.
    """
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    grey = np.empty([*image.shape[:2], 1], np.uint8)
    for top in range(0, len(image), _BAND):
        band = Image.fromarray(image[top : top + _BAND])
        grey[top : top + _BAND, :, 0] = np.asarray(band.convert("L"))
    return grey
