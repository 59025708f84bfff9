"""Images as an inspector sees them: the photo, and on it what is anomalous."""

import os
import pathlib
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from tf_ssae.calibration import Description
from tf_ssae.data.decode import UnreadableImage
from tf_ssae.evaluation import whole_map
from tf_ssae.evaluation.regions import regions
from tf_ssae.ops.batched import Arrays, in_groups
from tf_ssae.report.content import Photo

# A page shows as many photos, and no more once they have as many tiles; the images after them are
# listed. Every tile is explained again: those of a photo of 24 megapixels may be hundreds.
PICTURED = 300
_TILES = 3000
LISTED = 5000

_SIDE = 320
_AT_ONCE = 16

# An image's Photo, its tiles, uint8 `[T, S, S, C]`, and a function that reads it, uint8
# `[H, W, C]`, upright.
Suspect = tuple[Photo, np.ndarray, Callable[[], np.ndarray]]


def link(path: str | os.PathLike[str], page: str | os.PathLike[str]) -> str:
    """The URL of a file, relative to the page."""
    relative = os.path.relpath(path, pathlib.Path(page).parent)
    return urllib.parse.quote(os.fsencode(relative))


def pictured(
    suspects: Iterable[Suspect],
    explain: Callable[[np.ndarray], Arrays],
    description: Description,
) -> Iterator[Photo]:
    """Yields Photos with their picture, map and regions; asks for no more suspects once a page's
    work is done.

    Args:
        explain: of the detector, for at most 16 tiles: see `Detector.explain`.
        description: the detector's.
    """
    for (photo, _, read), outputs in in_groups(explain, _limited(suspects), _AT_ONCE):
        try:
            image = read()
        # It was read before: a file that is gone since then must not cost the whole page.
        except (OSError, UnreadableImage):
            yield photo
        else:
            yield photo.with_picture(**_picture(image, outputs, description))


def _limited(suspects: Iterable[Suspect]) -> Iterator[tuple[Suspect, np.ndarray]]:
    """Yields each with its tiles, until there are enough of these."""
    count = 0
    for suspect in suspects:
        count += len(suspect[1])
        yield suspect, suspect[1]
        if count >= _TILES:
            return


def _picture(image: np.ndarray, outputs: Arrays, description: Description) -> dict[str, Any]:
    height, width = image.shape[:2]
    small = _shrunk(Image.fromarray(image[..., 0] if image.shape[2] == 1 else image))
    picture = np.asarray(small).reshape(small.height, small.width, -1)
    found: dict[str, Any] = {"picture": picture, "size": (height, width)}
    if description.calibration.map_scale is not None and (
        "location" in outputs or "squared_error" in outputs
    ):
        anomaly_map = whole_map.of_outputs(outputs, description, (height, width))
        found["regions"] = tuple(regions(anomaly_map))
        found["anomaly_map"] = np.asarray(_shrunk(Image.fromarray(anomaly_map)))
    return found


def _shrunk(image: Image.Image) -> Image.Image:
    scale = _SIDE / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
