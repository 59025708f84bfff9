"""Equal pixels in several files: which is kept, and that no known defect trains."""

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data import folder
from tf_ssae.detectors.registry import preset


def load(root, cache):
    return folder.load(preset("folder", detector="ssae", data_dir=str(root)), cache)


def again(path, to):
    """Writes the pixels of a file to another, of another format."""
    with Image.open(path) as image:
        image.save(to)


def test_copies_are_of_pixels_and_are_left_out_wherever_they_lie(parts, cache):
    train, test = parts / "train" / "good", parts / "test" / "good"
    again(train / "0.png", train / "again.bmp")
    again(train / "1.png", test / "again.tiff")
    again(test / "0.png", test / "twice.bmp")
    with Image.open(parts / "test" / "stain" / "0.png") as image:
        image.save(parts / "test" / "stain" / "1.png", compress_level=0)
    data = load(parts, cache)
    assert dict(data.left_out) == {
        "train/good/again.bmp": "a copy of train/good/0.png, a training image",
        "test/good/again.tiff": "a copy of train/good/1.png, a training image",
        "test/good/twice.bmp": "a copy of test/good/0.png",
        "test/stain/1.png": "a copy of test/stain/0.png",
    }
    # The tiles are still those of the images that are kept.
    with Image.open(parts / "test" / "stain" / "0.png") as image:
        expected = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR)).astype(int)
    assert data.names[-1] == "test/stain/0.png" and len(data.images) == 8
    assert np.abs(data.images[-1] - expected).mean() < 2


def test_a_known_defect_does_not_train(parts, cache):
    again(parts / "test" / "stain" / "0.png", parts / "train" / "good" / "00.bmp")
    data = load(parts, cache)
    assert "test/stain/0.png" in data.names
    assert dict(data.left_out) == {
        "train/good/00.bmp": "a copy of test/stain/0.png, a known defect (stain): it must not pass"
        " for good"
    }
    assert any(
        note.startswith("WARNING: 1 known defects lay among the good") for note in data.notes
    )
    assert len(data.images) == 8 and data.images[0].tobytes() != data.images[-1].tobytes()


def test_an_image_that_is_both_good_and_bad_tests_as_neither(parts, cache):
    again(parts / "test" / "stain" / "0.png", parts / "test" / "good" / "9.png")
    data = load(parts, cache)
    assert {name for name, _ in data.left_out} == {"test/stain/0.png", "test/good/9.png"}


def test_images_that_are_all_the_same_are_refused_before_training(tmp_path, cache, write):
    for i in range(4):
        write(tmp_path / "parts" / f"{i}.{'png' if i % 2 else 'bmp'}", 0)
    with pytest.raises(ValueError, match="all the same, pixel by pixel.* 3 of 4 are copies"):
        load(tmp_path / "parts", cache)
    for i in range(4):
        image = np.full((256, 256), 90, np.uint8)
        image[i, i] = 91
        Image.fromarray(image).save(tmp_path / "parts" / f"{i}.{'png' if i % 2 else 'bmp'}")
    with pytest.raises(ValueError, match="all the same once they are shrunk to 64x64"):
        load(tmp_path / "parts", cache)
    assert not cache.exists()


def test_grey_stored_as_colour_is_the_same_image(tmp_path, cache, write):
    write(tmp_path / "parts" / "a.png", 0, colour=False)
    write(tmp_path / "parts" / "c.png", 1)
    with Image.open(tmp_path / "parts" / "a.png") as image:
        image.convert("RGB").save(tmp_path / "parts" / "b.png")
    assert [name for name, _ in load(tmp_path / "parts", cache).left_out] == ["b.png"]
