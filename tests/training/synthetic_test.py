"""The synthetic defects that a run is tested on."""

import numpy as np

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Subset
from tf_ssae.training.synthetic import tampered


def strips(count=12, tiles=3):
    """Grey images in three tiles each."""
    random = np.random.default_rng(0)
    pixels = random.normal(128, 6, (count * tiles, 48, 48, 1)).clip(0, 255).astype(np.uint8)
    source = np.repeat(np.arange(count), tiles)
    data = LabelledImages(pixels, np.zeros(count * tiles, int), ("good",), source=source)
    return Subset(data, np.arange(count * tiles), np.array([False]))


def test_the_first_tile_of_each_image_gets_a_defect_and_no_other():
    subset = strips()
    found = np.concatenate(list(tampered(subset, 10)))
    changed = np.abs(found.astype(int) - subset.images).max(axis=(1, 2, 3)).reshape(-1, 3)
    assert not changed[:, 1:].any()
    assert (changed[:, 0] > 5).all()


def test_every_run_is_tested_on_the_same_defects():
    first, second = (np.concatenate(list(tampered(strips(), 10))) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (36, 48, 48, 1) and first.dtype == np.uint8
