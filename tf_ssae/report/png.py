"""Images as PNG data URIs, and error maps in colour over the image they belong to."""

import base64
import io

import numpy as np
from PIL import Image

# One byte per pixel: 16 levels of error by 16 levels of grey. A third of the size of RGB, and the
# colours are fixed.
_LEVELS = 16

# YlOrRd, the nine colours of ColorBrewer (Brewer and Harrower, 2002), from pale yellow to dark red.
YELLOW_TO_RED = np.array(
    [
        list(bytes.fromhex(colour))
        for colour in "ffffcc ffeda0 fed976 feb24c fd8d3c fc4e2a e31a1c bd0026 800026".split()
    ]
)

# Pixels: larger images are stored with loss.
_LARGE = 128

# Pixels: a row of tiles is drawn no wider than the page.
_WIDEST_GRID = 1160


def data_uri(image: np.ndarray) -> str:
    """The data URI of a uint8 image `[H, W, C]`, C 1 or 3."""
    return _encoded(_image(image))


def image_grid(images: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """`[n, S, S, C]` twice `-> [2S + 2, nS, C]`: images above their reconstructions, clipped to [0,
    1], a grey line between.
    """
    above, below = (
        np.concatenate(list(np.clip(row, 0, 1)), axis=1) for row in (images, reconstructions)
    )
    return np.concatenate([above, np.full_like(above[:2], 0.5), below], axis=0)


def grid_uri(images: np.ndarray, reconstructions: np.ndarray) -> str:
    """The PNG of an `image_grid`, reduced where it is wider than the page."""
    grid = _image(as_uint8(image_grid(images, reconstructions)))
    grid.thumbnail((_WIDEST_GRID, grid.height))
    return _encoded(grid)


def error_overlay(image: np.ndarray, error_map: np.ndarray) -> str:
    """An image as faint greys, its errors in colour over it.

    Args:
        image: uint8 `[H, W, C]`, C 1 or 3.
        error_map: float `[H, W]`; values above 1 look like 1.

    Returns:
        A PNG data URI.
    """
    return _from_palette(image.mean(axis=2) / 255, error_map)


def error_scale() -> str:
    """The colours of `error_overlay` from 0 to 1, on a mid-grey image: the data URI of one row of
    pixels.
    """
    return _from_palette(np.full([1, _LEVELS], 0.5), np.linspace(0, 1, _LEVELS)[None])


def as_uint8(images: np.ndarray) -> np.ndarray:
    """Images as uint8 in 0..255: unchanged if they are uint8, else from floats in [0, 1]."""
    if images.dtype == np.uint8:
        return images
    return np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _from_palette(grey: np.ndarray, error: np.ndarray) -> str:
    """`[H, W]` twice, 0..1 `->` PNG data URI."""
    grey_level, error_level = (
        np.round(np.clip(values, 0, 1) * (_LEVELS - 1)).astype(np.uint8) for values in (grey, error)
    )
    image = Image.fromarray(error_level * _LEVELS + grey_level).convert("P")
    image.putpalette(_palette())
    return _encoded(image)


def _palette() -> bytes:
    """The RGB bytes of every level of error, and for each, of every level of grey."""
    level = np.linspace(0, 1, _LEVELS)
    # Greys of half the contrast, so that the colours can be seen on black and on white.
    ground = 255 * (0.25 + 0.5 * level)[None, :, None]
    colour = np.stack(
        [
            np.interp(0.25 + 0.65 * level, np.linspace(0, 1, len(YELLOW_TO_RED)), channel)
            for channel in YELLOW_TO_RED.T
        ],
        axis=-1,
    )[:, None]
    opacity = 0.9 * level[:, None, None]
    return np.round(opacity * colour + (1 - opacity) * ground).astype(np.uint8).tobytes()


def _image(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _encoded(image: Image.Image) -> str:
    """A data URI: of a PNG, whose pixels stay as they are when they are enlarged, or of a WebP,
    which is a tenth of its size, for images large enough to be shown as they are.
    """
    buffer = io.BytesIO()
    kind = "png" if min(image.size) < _LARGE else "webp"
    if kind == "png":
        image.save(buffer, format="PNG", optimize=True)
    else:
        image.convert("RGB").save(buffer, format="WEBP", quality=75)
    return f"data:image/{kind};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
