"""Which images a run trained on and held out, as hashes of their pixels: none that trained sets a
threshold, here or in a run that begins with these weights.
"""

import hashlib
import os
import pathlib
from collections.abc import Set

import numpy as np

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split, Subset
from tf_ssae.system.files import replacing

FILE = "training_images.npy"
HELD_OUT = "held_out_images.npy"
# What trained the runs that this one begins with.
BEFORE = "trained_before.npy"


def digest(tiles: np.ndarray) -> int:
    """64 bits of a hash of an image's tiles `[T, S, S, C]`: equal for copies, be it of the file or
    of its pixels.
    """
    content = hashlib.sha256(np.ascontiguousarray(tiles).tobytes()).digest()
    return int.from_bytes(content[:8], "little")


def digests(subset: Subset) -> np.ndarray:
    """uint64 `[M]`: of each image."""
    bounds, images = subset.bounds, subset.data.images
    found = [digest(images[subset.index[i:j]]) for i, j in zip(bounds, bounds[1:])]
    return np.array(found, np.uint64)


def write(run: str | os.PathLike[str], split: Split) -> None:
    """Stores the hashes of the images that trained, those of `write_before` included, and of those
    held out.
    """
    before = np.array(sorted(_read(run, BEFORE) or ()), np.uint64)
    _write(run, FILE, np.union1d(digests(split.train), before))
    _write(run, HELD_OUT, digests(split.calibration))


def write_before(run: str | os.PathLike[str], trained: Set[int]) -> None:
    """Stores the hashes of the images that trained the run that this one begins with."""
    _write(run, BEFORE, np.array(sorted(trained), np.uint64))


def read(run: str | os.PathLike[str]) -> set[int] | None:
    """The hashes of the images that trained; None for a run of an earlier version, which stored
    nothing.
    """
    return _read(run, FILE)


def read_held_out(run: str | os.PathLike[str]) -> set[int] | None:
    """As `read`, of the images that were held out."""
    return _read(run, HELD_OUT)


def trained_before(run: str | os.PathLike[str], data: LabelledImages) -> np.ndarray | None:
    """Which images of `data`, bool `[M]`, trained the runs that this one begins with; None if it
    begins with none.
    """
    before = _read(run, BEFORE)
    return None if before is None else among(data, before)


def among(data: LabelledImages, hashes: Set[int]) -> np.ndarray:
    """Which images of `data`, bool `[M]`, have one of these hashes."""
    everything = Subset(data, np.arange(len(data.images)), np.zeros(len(data.class_names), bool))
    return np.isin(digests(everything), np.array(sorted(hashes), np.uint64))


def _write(run: str | os.PathLike[str], name: str, hashes: np.ndarray) -> None:
    with replacing(pathlib.Path(run) / name) as temporary, open(temporary, "wb") as file:
        np.save(file, hashes)


def _read(run: str | os.PathLike[str], name: str) -> set[int] | None:
    path = pathlib.Path(run) / name
    return set(np.load(path).tolist()) if path.is_file() else None
