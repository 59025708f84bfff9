"""The mask of a region of interest: which files are one, and how it is stored."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from tf_ssae.data import roi
from tf_ssae.ops.region_of_interest import RegionOfInterest

DISC = np.hypot(*np.mgrid[-20:20, -30:30]) < 15


def saved(folder, values, name="mask.png", **options):
    Image.fromarray(values).save(folder / name, **options)
    return str(folder / name)


@pytest.mark.parametrize(
    "values, name",
    [
        (DISC, "one_bit.png"),
        (DISC * np.uint8(255), "grey.bmp"),
        (np.dstack([DISC * np.uint8(255)] * 3), "colour.png"),
        (DISC * np.uint8(255), "lossy.jpg"),
    ],
)
def test_white_counts_in_any_kind_of_file(tmp_path, values, name):
    found = roi.load(saved(tmp_path, values, name)).mask
    assert found.dtype == bool and (found != DISC).mean() < 0.01


def test_it_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = saved(tmp_path, DISC[::-1, :20] * np.uint8(255), exif=exif)
    assert roi.load(path).mask.shape == (20, 40)


def test_soft_edges_are_cut_in_the_middle(tmp_path):
    soft = np.array([0] * 60 + [100, 200] + [255] * 60, np.uint8)[np.newaxis].repeat(20, axis=0)
    np.testing.assert_array_equal(roi.load(saved(tmp_path, soft)).mask, soft > 127)


def test_of_a_large_mask_only_what_is_white_all_over_stays(tmp_path):
    large = np.zeros((8, 10_000), bool)
    large[:, 5001:8000] = True
    found = roi.load(saved(tmp_path, large.repeat(100, axis=0))).mask
    assert found.shape == (328, 4096)
    where = np.flatnonzero(found.any(axis=0)) * 10_000 / 4096
    assert 5001 <= where[0] < 5005 and 7992 < where[-1] <= 8000


@pytest.mark.parametrize(
    "values, message",
    [
        (np.zeros((20, 20), np.uint8), "without white.*brightest value is 0"),
        (DISC.astype(np.uint8), "without white.*brightest value is 1; expected 255"),
        (np.full((20, 20), 255, np.uint8), "all white"),
        (np.linspace(0, 255, 400).reshape(20, 20).astype(np.uint8), "not black and white: "),
        (np.dstack([DISC * np.uint8(255), DISC * np.uint8(0), DISC * np.uint8(0)]), "coloured"),
        (np.dstack([DISC * np.uint8(255)] * 4), "partly transparent"),
        (np.eye(40, 40, dtype=bool)[:1].repeat(40, axis=0), "1x40 pixels: more than 16 times"),
        (DISC * np.uint16(65535), "expected a mask of 1 or 8 bits"),
    ],
)
def test_what_is_no_mask_is_refused(tmp_path, values, message):
    path = saved(tmp_path, values)
    with pytest.raises(ValueError, match=f"--roi={path}: .*{message}"):
        roi.load(path)


def test_a_file_that_is_missing_or_no_image_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="--roi=.*gone.png: cannot be read: No such file"):
        roi.load(str(tmp_path / "gone.png"))
    (tmp_path / "text.png").write_text("white")
    with pytest.raises(ValueError, match="not a PNG, JPEG"):
        roi.load(str(tmp_path / "text.png"))


def test_it_is_stored_as_text():
    region = RegionOfInterest.of(DISC)
    again = RegionOfInterest(region.png)
    assert again == region != RegionOfInterest.of(~DISC)
    np.testing.assert_array_equal(again.mask, DISC)


@pytest.mark.parametrize("png", ["", "?", "iVBORw0KGgo=", 7, RegionOfInterest.of(DISC).png[:80]])
def test_other_text_is_no_region(png):
    with pytest.raises(ValueError, match="roi: expected a"):
        RegionOfInterest(png)


def test_it_is_scaled_by_its_nearest_pixels():
    region = RegionOfInterest.of(np.array([[0, 1], [1, 1]], bool))
    np.testing.assert_array_equal(region.scaled(4, 4)[0], [False, False, True, True])
    np.testing.assert_array_equal(region.scaled(1, 3), [[True, True, True]])
    assert region.fits(100, 104) and region.fits(104, 100)
    assert not region.fits(100, 106) and not region.fits(106, 100)
