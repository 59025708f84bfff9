"""Which images a run trained on, as hashes of their pixels, so that none of them calibrates it."""

import hashlib
import os
import pathlib

import numpy as np

from tf_ssae.data.split import Subset
from tf_ssae.ops.tiles import first_tiles
from tf_ssae.system.files import replacing

FILE = "training_images.npy"


def digest(tiles: np.ndarray) -> int:
    """64 bits of a hash of an image's tiles `[T, S, S, C]`: equal for copies, be it of the file or
    of its pixels.
    """
    content = hashlib.sha256(np.ascontiguousarray(tiles).tobytes()).digest()
    return int.from_bytes(content[:8], "little")


def write(run: str | os.PathLike[str], train: Subset) -> None:
    """Stores the hashes of the images of a Subset."""
    bounds = np.append(first_tiles(train.source), len(train.index))
    images = train.data.images
    found = [digest(images[train.index[i:j]]) for i, j in zip(bounds, bounds[1:])]
    with replacing(pathlib.Path(run) / FILE) as temporary, open(temporary, "wb") as file:
        np.save(file, np.array(found, np.uint64))


def read(run: str | os.PathLike[str]) -> set[int] | None:
    """What `write` stored; None for a run of an earlier version, which stored nothing."""
    path = pathlib.Path(run) / FILE
    return set(np.load(path).tolist()) if path.is_file() else None
