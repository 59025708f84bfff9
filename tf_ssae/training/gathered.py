"""The images of a folder for a calibration: none that trained the run, and none twice."""

import hashlib
import pathlib
from collections.abc import Iterator

import numpy as np

from tf_ssae.data.find import find
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.reader import TileReader
from tf_ssae.data.split import Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.runs import training_images


class Gathered:
    """The images of a folder, as tiles in a file.

    Attributes:
        subset: a Subset of all of them, as normal images.
        digests: see `training_images.digest`.
        left_out: `(name, reason)`.
        repaired: `(name, what was wrong)` of damaged files that are used.
    """

    def __init__(
        self,
        reader: TileReader,
        detector: Detector,
        folder: pathlib.Path,
        cache: pathlib.Path,
        trained: set[int],
        calibrated: set[int],
    ):
        """`cache`: a file to write. `trained`, `calibrated`: digests of images that cannot be
        among them.

        Raises:
            FileNotFoundError, ValueError: no image can be used.
        """
        self.digests: set[int] = set()
        self.left_out: list[tuple[str, str]] = []
        self.repaired: list[tuple[str, str]] = []
        self._refused = {**dict.fromkeys(trained, "a training image")}
        self._refused |= dict.fromkeys(calibrated - trained, "an image that calibrates")
        names: list[str] = []
        source: list[int] = []
        paths = find(folder)
        with open(cache, "wb") as file:
            for path, tiles in self._usable(reader, paths):
                # Not `tofile`, which says nothing of a full disk below 4,096 bytes.
                file.write(np.ascontiguousarray(tiles).data)
                source += [len(names)] * len(tiles)
                names.append(str(path))
        if not names:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in self.left_out[:3])
            raise ValueError(f"None of the {len(paths)} images in {folder} can be used: {reasons}.")
        data = LabelledImages(
            np.memmap(cache, np.uint8, "r", shape=(len(source), *detector.image_shape)),
            np.zeros(len(source), np.int64),
            ("good",),
            source=np.array(source),
            names=tuple(names),
        )
        self.subset = Subset(data, np.arange(len(source)), np.array([False]))

    @property
    def fingerprint(self) -> str:
        """A hash of all pixels, in order."""
        images = self.subset.data.images
        found = hashlib.sha256()
        for tile in images:
            found.update(tile.tobytes())
        return found.hexdigest()

    def _usable(
        self, reader: TileReader, paths: list[pathlib.Path]
    ) -> Iterator[tuple[pathlib.Path, np.ndarray]]:
        for read in reader.read(paths):
            if read.error:
                self.left_out.append((str(read.path), read.error))
                continue
            digest = training_images.digest(read.tiles)
            if digest in self._refused:
                self.left_out.append((str(read.path), f"a copy of {self._refused[digest]}"))
            elif digest in self.digests:
                self.left_out.append((str(read.path), "a second copy of an image beside it"))
            else:
                self.digests.add(digest)
                if read.damage:
                    self.repaired.append((str(read.path), read.damage))
                yield read.path, read.tiles
