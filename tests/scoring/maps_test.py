"""Regions in tables, and pictures of anomalies."""

import csv
import json

import numpy as np
import pytest
from conftest import QUICK, without_report
from PIL import Image, ImageOps
from pyarrow import parquet
from scipy import ndimage

from tf_ssae.detectors.registry import preset
from tf_ssae.ops.orientation import as_stored
from tf_ssae.scoring import readers
from tf_ssae.scoring import run as scoring
from tf_ssae.scoring.map_folder import LEVEL
from tf_ssae.training import run as training


@pytest.fixture(scope="module")
def photos(tmp_path_factory, digit_images):
    """A digit and three photos with a bright patch, of which one lies on its side."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "day").mkdir()
    digit = next(
        image for image, label in zip(digit_images.images, digit_images.labels) if label == 3
    )
    Image.fromarray(digit[..., 0]).save(folder / "digit.png")
    bright = np.zeros([32, 80], np.uint8)
    bright[4:, 44:72] = 255
    Image.fromarray(bright).save(folder / "day" / "bright.png")
    Image.fromarray(np.repeat(bright[..., np.newaxis], 3, 2)).save(folder / "day" / "bright.bmp")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(as_stored(bright, 6)).save(folder / "turned.png", exif=exif)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose reconstructions decide, so that what is far too bright is an anomaly. Its level
    is a low one: no pixel can be further off than by all of its range.
    """
    folder = tmp_path_factory.mktemp("runs") / "run"
    with without_report():
        training.train(preset("digits", decision="a_rec", target_fpr=0.2, **QUICK), folder)
    return folder


@pytest.fixture(scope="module")
def scored(run, photos, tmp_path_factory):
    """The folder of a scoring with maps."""
    folder = tmp_path_factory.mktemp("scored")
    scoring.score(run, photos, folder / "scores.jsonl", folder / "maps")
    return folder


def rows_of(path):
    return {row["path"].split("/")[-1]: row for row in map(json.loads, open(path))}


def test_regions_are_those_of_the_mask_in_the_files_own_pixels(scored, photos):
    rows = rows_of(scored / "scores.jsonl")
    assert rows["digit.png"]["decision"] == "normal" and rows["digit.png"]["regions"] == []
    for name, row in rows.items():
        with Image.open(row["path"]) as photo:
            assert (row["width"], row["height"]) == photo.size
        if name == "digit.png":
            continue
        assert row["decision"] == "anomaly" and row["regions"]
        folder = scored / "maps" / ("" if name == "turned.png" else "day")
        stem = name if name.startswith("bright") else "turned"
        mask = np.asarray(Image.open(folder / f"{stem}_mask.png"))
        overlay = np.asarray(Image.open(folder / f"{stem}_overlay.png"))
        assert mask.shape == (row["height"], row["width"]) and overlay.shape == (*mask.shape, 3)
        assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 255}
        labels, count = ndimage.label(mask, np.ones([3, 3]))
        expected = {
            ((x.start, y.start, x.stop - x.start, y.stop - y.start), int((labels == i + 1).sum()))
            for i, (y, x) in enumerate(ndimage.find_objects(labels))
        }
        assert {(tuple(found["box"]), found["area"]) for found in row["regions"]} == expected
        peaks = [found["peak"] for found in row["regions"]]
        assert len(peaks) == count and peaks == sorted(peaks, reverse=True) and min(peaks) >= 1
    # Nothing else was written.
    assert len(list((scored / "maps").rglob("*.*"))) == 6


def test_a_photo_on_its_side_has_the_regions_of_the_same_photo_upright(scored, photos):
    rows = rows_of(scored / "scores.jsonl")
    upright, turned = rows["bright.png"], rows["turned.png"]
    assert (turned["width"], turned["height"]) == (32, 80)
    assert len(upright["regions"]) == len(turned["regions"])
    for first, second in zip(upright["regions"], turned["regions"]):
        x, y, width, height = first["box"]
        # A quarter turn clockwise makes it upright.
        assert second["box"] == [y, 80 - x - width, height, width]
    for kind in ("mask", "overlay"):
        picture = Image.open(scored / "maps" / f"turned_{kind}.png")
        assert picture.getexif()[0x0112] == 6
        if kind == "mask":
            expected = Image.open(scored / "maps" / "day" / "bright.png_mask.png")
            np.testing.assert_array_equal(ImageOps.exif_transpose(picture), expected)


def test_every_kind_of_table_has_the_regions(run, scored, photos, tmp_path):
    rows = rows_of(scored / "scores.jsonl")
    for suffix in ("csv", "parquet", "json"):
        scoring.score(run, photos, tmp_path / f"{suffix}.{suffix}")
    with open(tmp_path / "csv.csv", newline="") as file:
        for row, expected in zip(csv.DictReader(file), rows.values(), strict=True):
            assert int(row["regions"]) == len(expected["regions"])
    table = parquet.read_table(tmp_path / "parquet.parquet").to_pylist()
    for row, expected in zip(table, rows.values(), strict=True):
        for ours, theirs in zip(row["regions"], expected["regions"], strict=True):
            assert (ours["box"], ours["area"]) == (theirs["box"], theirs["area"])
            assert ours["peak"] == pytest.approx(theirs["peak"])
            assert ours["centre"] == pytest.approx(theirs["centre"])
    coco = json.loads((tmp_path / "json.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == [
        row["path"] for row in rows.values()
    ]
    assert coco["categories"] == [{"id": 1, "name": "anomaly"}]
    assert [found["id"] for found in coco["annotations"]] == [
        *range(1, 1 + sum(len(row["regions"]) for row in rows.values()))
    ]
    for image, row in zip(coco["images"], rows.values()):
        assert (image["width"], image["height"]) == (row["width"], row["height"])
        found = [one for one in coco["annotations"] if one["image_id"] == image["id"]]
        assert [(one["bbox"], one["area"], one["score"]) for one in found] == [
            (region["box"], region["area"], region["peak"]) for region in row["regions"]
        ]


def test_masks_of_values_say_how_far_above_the_level_each_pixel_is(run, photos, scored, tmp_path):
    output, maps = tmp_path / "scores.jsonl", tmp_path / "maps"
    scoring.score(run, photos / "turned.png", output, maps, mask_values=True)
    values = np.asarray(Image.open(maps / "turned_mask.png"))
    assert values.dtype == np.uint16
    mask = np.asarray(Image.open(scored / "maps" / "turned_mask.png"))
    assert (values[mask > 0] >= LEVEL).all()
    (row,) = rows_of(output).values()
    assert values.max() == pytest.approx(min(65_535, LEVEL * row["regions"][0]["peak"]), rel=1e-3)


def test_an_export_finds_the_same_regions_and_a_file_without_maps_says_so(
    digits_run, exported, photos, tmp_path
):
    scoring.score(digits_run[0], photos, tmp_path / "run.jsonl")
    scoring.score(exported, photos, tmp_path / "export.jsonl", tmp_path / "maps")
    of_run, of_export = (rows_of(tmp_path / f"{name}.jsonl") for name in ("run", "export"))
    for name, row in of_run.items():
        for ours, theirs in zip(of_export[name]["regions"], row["regions"], strict=True):
            assert np.abs(np.subtract(ours["box"], theirs["box"])).max() <= 1
    assert of_run["bright.png"]["regions"]
    lite = exported / "tflite" / "float32.tflite"
    with pytest.raises(ValueError, match="this model gives scores without maps"):
        scoring.score(lite, photos, tmp_path / "lite.jsonl", tmp_path / "lite")
    scoring.score(lite, photos, tmp_path / "lite.jsonl")
    assert {row["regions"] for row in rows_of(tmp_path / "lite.jsonl").values()} == {None}
    with pytest.raises(ValueError, match="gives no regions"):
        scoring.score(lite, photos, tmp_path / "coco.json")


def test_an_interrupted_scoring_resumes_its_pictures(run, photos, scored, tmp_path, monkeypatch):
    output, maps = tmp_path / "scores.jsonl", tmp_path / "maps"
    monkeypatch.setattr(readers, "BATCH_SIZE", 1)
    plain, seen = readers.Reader.score_and_map, []

    def interrupted(self, tiles):
        seen.append(tiles)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return plain(self, tiles)

    monkeypatch.setattr(readers.Reader, "score_and_map", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scoring.score(run, photos, output, maps)
    monkeypatch.undo()
    assert 0 < len(list(maps.rglob("*.png"))) < 6
    with pytest.raises(ValueError, match="other images or another model"):
        scoring.score(run, photos, output)
    scoring.score(run, photos, output, maps)
    for path in (scored / "maps").rglob("*.png"):
        again = maps / path.relative_to(scored / "maps")
        np.testing.assert_array_equal(Image.open(again), Image.open(path))


def test_a_folder_for_maps_is_a_new_one_outside_of_the_photos(run, photos, tmp_path):
    with pytest.raises(ValueError, match="the pictures would be scored as photos"):
        scoring.score(run, photos, tmp_path / "a.csv", photos / "day" / "maps")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "holiday.png").write_bytes(b"")
    with pytest.raises(FileExistsError, match="maps is not empty"):
        scoring.score(run, photos, tmp_path / "a.csv", tmp_path / "maps")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["maps"]
