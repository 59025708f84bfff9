"""Masks of test images, cut into tiles as the images are."""

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data import folder
from tf_ssae.data.masks import masks
from tf_ssae.data.split import Subset
from tf_ssae.detectors.registry import preset


def load(root, cache, **settings):
    """The settings, and all test images in the order of their names."""
    config = preset("folder", detector="ssae", data_dir=str(root), **settings)
    data = folder.load(config, cache)
    anomalous = np.arange(len(data.class_names)) > 0
    return config, Subset(data, np.flatnonzero(data.official_test), anomalous)


def test_masks_are_cut_as_their_images_are(parts, cache):
    known, truth = masks(*load(parts, cache))
    # Normal images have an empty one, the stained one has none.
    assert known.names == [
        "test/good/0.png",
        "test/good/1.png",
        "test/scratch/0.jpg",
        "test/scratch/1.jpg",
    ]
    assert truth.shape == (4, 64, 64) and truth.dtype == bool and not truth[:2].any()
    assert truth[2].mean() == pytest.approx(0.25, abs=0.01) and truth[2, :30, :30].all()
    assert truth[3, :30, 34:].all() and not truth[3, 34:].any()


def test_masks_follow_the_order_of_the_images_tile_by_tile(parts, cache, write):
    write(parts / "test" / "scratch" / "long.png", 5, (120, 40))
    mask = np.zeros((40, 120), np.uint8)
    mask[:, 80:] = 255
    Image.fromarray(mask).save(parts / "ground_truth" / "scratch" / "long_mask.png")
    config, test = load(parts, cache)
    # The images from last to first, the tiles of each in their own order.
    order = np.concatenate([np.flatnonzero(test.source == image) for image in test.ids[::-1]])
    backwards = Subset(test.data, test.index[order], test.anomalous)
    known, truth = masks(config, backwards)
    assert known.names == [
        "test/scratch/long.png",
        "test/scratch/1.jpg",
        "test/scratch/0.jpg",
        "test/good/1.png",
        "test/good/0.png",
    ]
    assert len(truth) == len(known.index) == 7
    assert not truth[:2].any() and truth[2].all()
    assert truth[3, :30, 34:].all() and truth[4, :30, :30].all() and not truth[5:].any()


def test_an_empty_folder_of_masks_is_none(parts, cache):
    for mask in (parts / "ground_truth" / "scratch").iterdir():
        mask.unlink()
    config, test = load(parts, cache)
    assert test.data.left_out == () and masks(config, test) is None


def test_hidden_masks_are_none(parts, cache):
    for mask in (parts / "ground_truth" / "scratch").iterdir():
        mask.rename(mask.with_name(f".{mask.name}"))
    config, test = load(parts, cache)
    assert test.data.left_out == () and masks(config, test) is None


def test_an_image_whose_mask_was_left_out_is_left_out_too(parts, cache):
    Image.new("L", (30, 40), 255).save(parts / "ground_truth" / "scratch" / "1_mask.png")
    config, test = load(parts, cache)
    assert [name for name, _ in test.data.left_out] == ["ground_truth/scratch/1_mask.png"]
    known, truth = masks(config, test)
    assert known.names == ["test/good/0.png", "test/good/1.png", "test/scratch/0.jpg"]
    assert truth.any(axis=(1, 2)).tolist() == [False, False, True]


def match(parts, cache):
    """`{image: masks}` and `{mask: why it is left out}` of a folder."""
    data = folder.load(preset("folder", detector="ssae", data_dir=str(parts)), cache)
    return dict(data.masks), {n: why for n, why in data.left_out if "mask" in n or "truth" in n}


def test_masks_by_other_names_and_endings(parts, cache):
    truth = parts / "ground_truth" / "scratch"
    (truth / "0_mask.png").rename(truth / "0.png")
    with Image.open(truth / "1_mask.png") as image:
        image.save(truth / "1_GT.BMP")
    (truth / "1_mask.png").unlink()
    truth.rename(truth.with_name("Scratch"))
    masks, left_out = match(parts, cache)
    assert masks == {
        "test/scratch/0.jpg": ("ground_truth/Scratch/0.png",),
        "test/scratch/1.jpg": ("ground_truth/Scratch/1_GT.BMP",),
    }
    assert left_out == {}


def test_several_masks_of_one_image_are_united(parts, cache):
    truth = parts / "ground_truth" / "scratch"
    (truth / "0").mkdir()
    (truth / "0_mask.png").rename(truth / "0" / "000.png")
    more = np.zeros((40, 40), np.uint8)
    more[30:, 30:] = 3
    Image.fromarray(more).save(truth / "0" / "001.png")
    config, test = load(parts, cache)
    known, truth = masks(config, test)
    image = truth[known.names.index("test/scratch/0.jpg")]
    assert image[:30, :30].all() and image[50:, 50:].all() and not image[35:45].any()


def test_a_mask_of_two_images_is_said(parts, cache, write):
    write(parts / "test" / "scratch" / "0.png", 6)
    masks, left_out = match(parts, cache)
    assert list(masks) == ["test/scratch/1.jpg"]
    reason = "a mask that may be of test/scratch/0.jpg and test/scratch/0.png: give each a name of"
    assert left_out["ground_truth/scratch/0_mask.png"] == f"{reason} its own"


def test_a_mask_of_one_kind_is_not_taken_for_another(parts, cache):
    (parts / "ground_truth" / "scratch").rename(parts / "ground_truth" / "stain")
    masks, left_out = match(parts, cache)
    assert list(masks) == ["test/stain/0.png"] and list(left_out) == [
        "ground_truth/stain/1_mask.png"
    ]


def test_masks_that_say_nothing_are_said(parts, cache):
    truth = parts / "ground_truth" / "scratch"
    Image.new("L", (40, 40)).save(truth / "0_mask.png")
    Image.new("1", (40, 40), 1).save(truth / "1_mask.png")
    config, test = load(parts, cache)
    left_out = dict(test.data.left_out)
    assert "all are 0" in left_out["ground_truth/scratch/0_mask.png"]
    assert "every pixel defective" in left_out["ground_truth/scratch/1_mask.png"]
    assert "None of the 2 masks can be used: no pixel metrics." in test.data.notes
    assert masks(config, test) is None
