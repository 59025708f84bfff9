"""The region of interest from the file of its mask."""

import pathlib

import numpy as np
from PIL import Image

from tf_ssae.config import Config
from tf_ssae.data.decode import UnreadableImage, opened
from tf_ssae.ops.limits import LARGEST_ASPECT
from tf_ssae.ops.region_of_interest import LARGEST_SIDE, RegionOfInterest

# A pixel this near to black or white is; soft edges may be this share of all.
_NEAR, _MOST_GREY = 64, 0.02


def of(config: Config) -> RegionOfInterest | None:
    """The region that the settings name, if any. Raises what `load` raises."""
    return load(config.roi) if config.roi else None


def load(path: str) -> RegionOfInterest:
    """The region of a mask's file: black and white, white counts; EXIF orientation is applied.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read, or is no such mask; the message says why.
    """
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise FileNotFoundError(f"--roi={path}: cannot be read: {error.strerror}.") from error
    try:
        with opened(data) as image:
            white = _white(image)
    except UnreadableImage as error:
        raise ValueError(f"--roi={path}: {error}.") from error
    rows, columns = (np.flatnonzero(white.any(axis=axis)) for axis in (1, 0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    if max(height, width) > LARGEST_ASPECT * min(height, width):
        raise ValueError(
            f"--roi={path}: its white part is {width}x{height} pixels: more than"
            f" {LARGEST_ASPECT} times as long as wide."
        )
    return RegionOfInterest.of(white)


def _white(image: Image.Image) -> np.ndarray:
    """bool `[h, w]`. Raises UnreadableImage."""
    if image.has_transparency_data and np.ptp(np.asarray(image.convert("RGBA"))[..., 3]):
        raise UnreadableImage("partly transparent; expected a mask of black and white")
    if image.mode.startswith("I") or image.mode == "F":
        raise UnreadableImage(f"pixels of mode {image.mode}; expected a mask of 1 or 8 bits")
    values = np.asarray(image.convert("RGB"))
    if max(image.size) > LARGEST_SIDE:
        # Only what is white all over stays so.
        scale = LARGEST_SIDE / max(image.size)
        width, height = (max(1, round(scale * side)) for side in image.size)
        small = Image.fromarray(values.min(axis=2)).resize((width, height), Image.Resampling.BOX)
        values = np.where(np.asarray(small) == 255, np.uint8(255), np.uint8(0))[..., np.newaxis]
    grey = (values.max(axis=2) > _NEAR) & (values.min(axis=2) < 255 - _NEAR)
    if grey.mean() > _MOST_GREY:
        raise UnreadableImage(
            f"not black and white: {grey.mean():.0%} of its pixels are grey or coloured; expected"
            " white where photos count, black elsewhere"
        )
    white = values.min(axis=2) > 127
    if not white.any():
        raise UnreadableImage(
            f"a mask without white, where nothing would count: its brightest value is"
            f" {values.max()}; expected 255"
        )
    if white.all():
        raise UnreadableImage("all white, so everything counts: leave it out")
    return white
