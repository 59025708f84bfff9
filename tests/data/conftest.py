"""A folder of image files in the layout of MVTec AD, for what reads such folders."""

import numpy as np
import pytest
from PIL import Image


def _write(path, seed=0, size=(40, 40), colour=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], 3) if colour else (size[1], size[0])
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8)).save(path)


@pytest.fixture
def write():
    """A function that writes an image of noise to a path."""
    return _write


@pytest.fixture
def parts(tmp_path):
    """Three train; two normal ones, two scratched ones and one stained one test; the scratched ones
    have masks.
    """
    root = tmp_path / "parts"
    for i in range(3):
        _write(root / "train" / "good" / f"{i}.png", i)
    for i in range(2):
        _write(root / "test" / "good" / f"{i}.png", 10 + i)
        _write(root / "test" / "scratch" / f"{i}.jpg", 20 + i)
        mask = np.zeros((40, 40), np.uint8)
        mask[:20, i * 20 : i * 20 + 20] = 255
        (root / "ground_truth" / "scratch").mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / "ground_truth" / "scratch" / f"{i}_mask.png")
    _write(root / "test" / "stain" / "0.png", 30)
    return root


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"
