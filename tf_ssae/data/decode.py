"""Image files of any kind, decoded one way: what is refused and why, and what becomes of pixels."""

import io

import numpy as np
from PIL import Image, ImageOps

from tf_ssae.ops import tiles

# MPO: a JPEG with a second image behind it, as many phones write it, which Pillow opens as JPEG;
# the first is taken.
_FORMATS = ("PNG", "JPEG", "MPO", "BMP", "WEBP", "TIFF")
# What a wrong extension may hide is opened as well, to say what it is.
_OPENED = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")


class UnreadableImage(ValueError):
    """A file that is no image to work with; the message is the reason, without the file's name."""


def decode(data: bytes) -> np.ndarray:
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
        return _pixels(ImageOps.exif_transpose(image))
    except UnreadableImage:
        raise
    except Image.DecompressionBombError as error:
        # Beyond twice Pillow's own limit; ours is lower.
        raise UnreadableImage(f"more than {tiles.LARGEST_IMAGE:,} pixels") from error
    except Image.UnidentifiedImageError:
        raise UnreadableImage("no PNG, JPEG, BMP, WebP or TIFF image") from None
    # What Pillow's decoders raise for broken data is not one kind of exception.
    except Exception as error:
        raise UnreadableImage(f"broken: {error}") from error


def check(image: Image.Image) -> None:
    """Raises UnreadableImage if a Pillow image, of which the header has been read, is none to work
    with.
    """
    width, height = image.size
    if image.format not in _FORMATS:
        raise UnreadableImage(f"a {image.format} image; expected PNG, JPEG, BMP, WebP or TIFF")
    frames = getattr(image, "n_frames", 1)
    if image.format != "MPO" and frames > 1:
        raise UnreadableImage(f"{frames} images in one file; expected one")
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
    Pillow has it.
    """
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., np.newaxis]
