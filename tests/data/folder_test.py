"""Folders of images: the layout of MVTec AD, a plain folder, and folders that are not as they
should be.
"""

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data import sources
from tf_ssae.detectors.registry import preset


def load(root, cache, **settings):
    return sources.load(preset("folder", detector="ssae", data_dir=str(root), **settings), cache)


def test_mvtec_layout(parts, cache):
    data = load(parts, cache)
    assert data.class_names == ("good", "scratch", "stain") and data.image_shape == (64, 64, 3)
    assert data.labels.tolist() == [0, 0, 0, 0, 0, 1, 1, 2]
    assert data.official_test.tolist() == [False] * 3 + [True] * 5
    assert data.names[5] == "test/scratch/0.jpg" and data.left_out == ()
    assert isinstance(data.images, np.memmap)


def test_hidden_folders_are_not_classes_and_loose_images_are_reported(parts, cache, write):
    write(parts / "test" / ".ipynb_checkpoints" / "0.png", 40)
    (parts / "train" / ".cache").mkdir()
    write(parts / "test" / "loose.png", 41)
    (parts / "test" / "notes.txt").touch()
    data = load(parts, cache)
    assert data.class_names == ("good", "scratch", "stain") and len(data.names) == 8
    assert data.left_out == (
        ("test/loose.png", "not in a folder: expected train/good, test/good or test/DEFECT"),
    )


def test_small_images_of_one_size_stay_as_they_are(tmp_path, cache, write):
    for i in range(3):
        write(tmp_path / "parts" / f"{i}.png", i, (28, 28), colour=False)
    data = load(tmp_path / "parts", cache, image_size=32)
    assert (
        data.image_shape == (28, 28, 1)
        and data.class_names == ("good",)
        and data.official_test is None
    )
    np.testing.assert_array_equal(
        data.images[1, ..., 0], np.asarray(Image.open(tmp_path / "parts" / "1.png"))
    )


def test_one_colour_image_makes_all_of_them_colour(tmp_path, cache, write):
    write(tmp_path / "parts" / "a.png", 0, colour=False)
    write(tmp_path / "parts" / "b.png", 1)
    images = load(tmp_path / "parts", cache).images
    assert images.shape[3] == 3 and (images[0, ..., 0] == images[0, ..., 1]).all()


@pytest.mark.parametrize("crop, source", [("tiles", [0, 0, 0, 1, 1]), ("centre", [0, 1])])
def test_images_that_are_not_square_become_tiles(crop, source, tmp_path, cache, write):
    write(tmp_path / "parts" / "a.png", 0, (100, 40))
    write(tmp_path / "parts" / "b.png", 1, (40, 60))
    data = load(tmp_path / "parts", cache, crop=crop)
    assert data.source.tolist() == source and len(data.names) == 2


def test_photos_are_cut_into_tiles_of_a_set_size(tmp_path, cache, write):
    write(tmp_path / "parts" / "a.png", 0, (40, 40))
    write(tmp_path / "parts" / "b.png", 1, (40, 40))
    data = load(tmp_path / "parts", cache, tile_size=20, image_size=64)
    # Overlapping by an eighth of 20 pixels, three fit along a side. The photo's own size, which a
    # narrow border would bring to the networks', is not that of a tile.
    assert data.source.tolist() == [0] * 9 + [1] * 9 and data.images.shape[1:3] == (64, 64)


def test_what_cannot_be_used_is_left_out_with_a_reason(parts, cache):
    (parts / "train" / "good" / "broken.png").write_bytes(b"\x89PNG\r\n")
    (parts / "test" / "good" / "empty.png").write_bytes(b"")
    (parts / "test" / "good" / "copy of 1.png").write_bytes(
        (parts / "train" / "good" / "1.png").read_bytes()
    )
    Image.new("L", (30, 40)).save(parts / "ground_truth" / "scratch" / "1_mask.png")
    Image.new("L", (40, 40)).save(parts / "ground_truth" / "scratch" / "9_mask.png")
    (parts / "ground_truth" / "good").mkdir()
    Image.new("L", (40, 40)).save(parts / "ground_truth" / "good" / "0_mask.png")
    (parts / "train" / "good" / "copy of 0.png").write_bytes(
        (parts / "train" / "good" / "0.png").read_bytes()
    )
    Image.new("RGBA", (1, 1)).save(parts / "train" / "good" / "tiny.png")
    data = load(parts, cache)
    assert len(data.names) == 8
    left_out = dict(data.left_out)
    assert set(left_out) == {
        "train/good/broken.png",
        "train/good/copy of 0.png",
        "train/good/tiny.png",
        "test/good/empty.png",
        "test/good/copy of 1.png",
        "ground_truth/good/0_mask.png",
        "ground_truth/scratch/1_mask.png",
        "ground_truth/scratch/9_mask.png",
    }
    assert left_out["test/good/copy of 1.png"] == "a copy of train/good/1.png, a training image"
    assert (
        left_out["ground_truth/scratch/1_mask.png"]
        == "a mask of 30x40 pixels for an image of 40x40"
    )
    expected = "a mask without its image: expected test/scratch/NAME.png for NAME_mask.png"
    assert left_out["ground_truth/scratch/9_mask.png"] == expected
    assert "a mask of a normal image" in left_out["ground_truth/good/0_mask.png"]


def test_a_file_that_cannot_be_used_does_not_change_the_others(tmp_path, cache, write):
    for i in range(3):
        write(tmp_path / "parts" / f"{i}.png", i, (28, 28), colour=False)
    Image.new("RGB", (1, 1)).save(tmp_path / "parts" / "tiny.png")
    assert load(tmp_path / "parts", cache, image_size=32).image_shape == (28, 28, 1)


def test_folders_that_are_not_as_they_should_be(tmp_path, cache):
    with pytest.raises(FileNotFoundError, match="--dataset=folder needs --data_dir=PATH"):
        load("", cache)
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        load(tmp_path / "nowhere", cache)
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match="No images in .*empty: searched .*Found no files at all"
    ):
        load(tmp_path / "empty", cache)
    (tmp_path / "other" / "train" / "bad").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="train holds bad; expected one folder, good"):
        load(tmp_path / "other", cache)
    for name in ("good", "scratched"):
        (tmp_path / "parts" / name).mkdir(parents=True)
    with pytest.raises(
        FileNotFoundError,
        match="a folder good beside scratched; .* Pass --data_dir=.*parts/good, or move",
    ):
        load(tmp_path / "parts", cache)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"a cat")
    with pytest.raises(
        ValueError, match="None of the 1 images in .*broken can be read: a.png: not a PNG, JPEG"
    ):
        load(tmp_path / "broken", cache)
    assert not cache.exists()
