"""Images as PNG data URIs, and error maps in colour over the image they belong to."""

import base64
import io

import matplotlib
import numpy as np
from PIL import Image

# One byte a pixel: 16 levels of error by 16 levels of grey. A third of the size of RGB, and the
# colours are fixed.
_LEVELS = 16


def data_uri(image):
    """The PNG of a uint8 image `[H, W, C]`, C 1 or 3."""
    return _png(Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image))


def error_overlay(image, error_map):
    """An image as faint greys, its errors in colour over it.

    Args:
        image: uint8 `[H, W, C]`, C 1 or 3.
        error_map: float `[H, W]`; values above 1 look like 1.

    Returns:
        A PNG data URI.

    Raises:
        ValueError: the two are not of one size.
    """
    if image.shape[:2] != error_map.shape:
        raise ValueError(
            f"An error map of {list(error_map.shape)} for an image of {list(image.shape[:2])}."
        )
    return _from_palette(image.mean(axis=2) / 255, error_map)


def error_scale():
    """The colours of `error_overlay` from 0 to 1, on a mid-grey image: the data URI of one row of
    pixels.
    """
    return _from_palette(np.full([1, _LEVELS], 0.5), np.linspace(0, 1, _LEVELS)[None])


def _from_palette(grey, error):
    """`[H, W]` twice, 0..1 `->` PNG data URI."""
    grey_level, error_level = (
        np.round(np.clip(part, 0, 1) * (_LEVELS - 1)).astype(np.uint8) for part in (grey, error)
    )
    image = Image.fromarray(error_level * _LEVELS + grey_level).convert("P")
    image.putpalette(_palette())
    return _png(image)


def _palette():
    """The RGB bytes of every level of error, and for each, of every level of grey."""
    level = np.linspace(0, 1, _LEVELS)
    # Greys of half the contrast, so that neither black nor white ground swallows the colours.
    ground = np.repeat((0.25 + 0.5 * level)[None, :, None], 3, axis=2)
    colour = matplotlib.colormaps["YlOrRd"](0.25 + 0.65 * level)[:, None, :3]
    opacity = 0.9 * level[:, None, None]
    return np.round(255 * (opacity * colour + (1 - opacity) * ground)).astype(np.uint8).tobytes()


def _png(image):
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
