"""Pictures of anomalies in a folder: each photo with its map over it, and a mask."""

import collections
import os
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import ExifTags, Image

from tf_ssae.data.decode import UnreadableImage
from tf_ssae.data.reader import TileReader
from tf_ssae.evaluation.regions import Region, numbered
from tf_ssae.ops.orientation import as_stored
from tf_ssae.report.overlay import overlay
from tf_ssae.system.files import replacing

# In masks of 16 bits the level is this value: 65,535 stands for 6.5 times the level, and for more.
LEVEL = 10_000
# zlib's: a photo of 24 megapixels is written in a third of the time, a tenth larger.
_COMPRESSION = 2


class MapFolder:
    """Writes `NAME_overlay.png` and `NAME_mask.png` of images, in folders as the images' own, from
    their common one down.

    Both have the file's own pixels, and its EXIF orientation: viewers turn them as they turn the
    photo.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        paths: Sequence[pathlib.Path],
        with_values: bool,
        tile_reader: TileReader,
    ):
        """
        Args:
            paths: of all images that might be written, which decide on names: of two files in one
                folder that differ in their endings alone, names keep the ending.
            with_values: masks are 16 bits, the map's values (see `LEVEL`), in place of 0 and 255.
            tile_reader: what read the images.
        """
        self.folder, self._with_values, self._reader = folder, with_values, tile_reader
        self._root = os.path.commonpath([path.absolute().parent for path in paths])
        counts = collections.Counter(path.with_suffix("") for path in paths)
        self._ambiguous = {stem for stem, count in counts.items() if count > 1}

    def write(
        self, path: pathlib.Path, anomaly_map: np.ndarray, found: Sequence[Region], orientation: int
    ) -> None:
        """Writes both pictures of an image.

        Args:
            anomaly_map: float `[H, W]`, scaled, in the order of the file's own pixels.
            found: its regions, in the same.
            orientation: of the file's EXIF.
        """
        try:
            photo = as_stored(self._reader.pixels(path.read_bytes())[0], orientation)
        # Removed or changed since it was scored.
        except (UnreadableImage, FileNotFoundError):
            return
        if photo.shape[:2] != anomaly_map.shape:
            return
        self._save(overlay(photo, anomaly_map, found), self.path(path, "overlay"), orientation)
        self._save(self._mask(anomaly_map), self.path(path, "mask"), orientation)

    def path(self, path: pathlib.Path, kind: str) -> pathlib.Path:
        """Where the "overlay" or the "mask" of an image is written."""
        stem = path.name if path.with_suffix("") in self._ambiguous else path.stem
        below = path.absolute().parent.relative_to(self._root)
        return self.folder / below / f"{stem}_{kind}.png"

    def _mask(self, anomaly_map: np.ndarray) -> np.ndarray:
        if not self._with_values:
            return np.where(numbered(anomaly_map)[0] > 0, np.uint8(255), np.uint8(0))
        return np.clip(np.round(LEVEL * anomaly_map), 0, 65_535).astype(np.uint16)

    def _save(self, picture: np.ndarray, path: pathlib.Path, orientation: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if orientation != 1:
            exif[ExifTags.Base.Orientation] = orientation
        with replacing(path) as temporary:
            Image.fromarray(picture).save(
                temporary, format="PNG", compress_level=_COMPRESSION, exif=exif
            )
