"""A run with a region of interest, from its training to its exports."""

import io
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from conftest import quick_export
from PIL import Image

import tf_ssae
from tf_ssae.data import defects
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.export import publish
from tf_ssae.runs import run_folder
from tf_ssae.training import run as training

# Half an ellipse and a spot, in a photo that becomes two tiles.
ROWS, COLUMNS = np.mgrid[:48, :80]
MASK = ((ROWS - 24) / 16) ** 2 + ((COLUMNS - 30) / 26) ** 2 < 1
MASK |= np.hypot(ROWS - 30, COLUMNS - 68) < 6


def photo(seed):
    """Stripes inside, anything outside."""
    random = np.random.default_rng(seed)
    stripes = 128 + 50 * np.sin(COLUMNS * 0.8 + ROWS * 0.3 + random.uniform(0, 6))
    pixels = np.where(MASK, stripes, random.uniform(0, 255) + 60 * random.normal(size=MASK.shape))
    return (pixels + random.normal(0, 6, MASK.shape)).clip(0, 255).astype(np.uint8)


def changed_outside(pixels):
    return np.where(MASK, pixels, np.random.default_rng(7).integers(0, 256, MASK.shape, np.uint8))


def with_defect(pixels, row=26, column=30):
    return np.where(np.hypot(ROWS - row, COLUMNS - column) < 5, np.uint8(250), pixels)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos") / "parts"
    for folder, count in (("train/good", 120), ("test/good", 24), ("test/bad", 12)):
        (root / folder).mkdir(parents=True)
        for i in range(count):
            pixels = photo(1000 * count + i)
            pixels = with_defect(pixels) if "bad" in folder else pixels
            Image.fromarray(pixels).save(root / folder / f"{i:03}.png")
    Image.fromarray(np.zeros((48, 48), np.uint8) + 99).save(root / "train/good" / "square.png")
    # Its end is missing, which is outside.
    whole = io.BytesIO()
    Image.fromarray(photo(5)).save(whole, "JPEG", quality=95)
    (root / "test/good" / "cut.jpg").write_bytes(whole.getvalue()[:-80])
    return root


@pytest.fixture(scope="module", params=["locator", "ssae"])
def run(request, photos, tmp_path_factory):
    """The folder of a run whose mask's file is gone, and its metrics."""
    where = tmp_path_factory.mktemp("runs")
    Image.fromarray(MASK).save(where / "mask.png")
    shared = {
        "data_dir": str(photos),
        "roi": str(where / "mask.png"),
        "accept_damaged": True,
        "image_size": 64,
    }
    own = (
        {"steps": 120, "batch_size": 8}
        if request.param == "locator"
        else {"epochs": 6, "batch_size": 16, "rotations": "sampled"}
    )
    config = preset("folder", detector=request.param, calibration_share=0.4, **shared, **own)
    metrics = training.train(config, where / "run")
    (where / "mask.png").unlink()
    return where / "run", metrics


@pytest.fixture(scope="module")
def model(run):
    return tf_ssae.load(run[0])


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    where = tmp_path_factory.mktemp("exported")
    with quick_export():
        publish.export(run[0], where)
    return where / "run" / "1"


def same(found, expected):
    """Both asked alone: rounding differs with the place in a batch."""
    assert found.decision == expected.decision and found.scores == expected.scores
    assert all(np.isfinite(value) for value in found.scores.values())


def test_nothing_outside_has_any_influence(model):
    for pixels in (photo(1), with_defect(photo(2))):
        expected, found = model.predict(pixels), model.predict(changed_outside(pixels))
        same(found, expected)
        np.testing.assert_array_equal(found.map, expected.map)
        assert not found.map[~MASK].any() and found.map[MASK].any()


def test_a_defect_inside_is_found_and_one_outside_is_not(run, model):
    scores = run[1]["scores"]
    is_locator = run_folder.read_config(run[0]).detector == "locator"
    # The region of this mask, which is not alike from four sides, gives rotations away.
    name = model.calibration.deciding_score if is_locator else "a_rec"
    assert scores[name]["auroc"] > 0.9
    plain, inside, spot, outside = map(
        model.predict,
        [photo(3), *(with_defect(photo(3), *where) for where in ((26, 30), (30, 68), (8, 72)))],
    )
    assert inside.scores[name] > plain.scores[name] < spot.scores[name]
    same(outside, plain)
    if is_locator:
        assert inside.decision == "anomaly"
        x, y = max(inside.regions, key=lambda region: region.peak).centre
        assert np.hypot(y - 26, x - 30) < 12


@pytest.fixture(scope="module")
def signatures(exported):
    served = tf.saved_model.load(str(exported))
    # It owns what its signatures compute with.
    return served, served.signatures


def test_exports_need_no_mask_and_see_nothing_outside_either(model, exported, signatures):
    files = [tf_ssae.load(path) for path in (exported, exported / "tflite" / "float32.tflite")]
    for pixels in (photo(1), with_defect(photo(2))):
        expected = model.predict(pixels)
        for file in files:
            one, other = map(file.predict, (pixels, changed_outside(pixels)))
            same(other, one)
            for name, value in expected.scores.items():
                assert one.scores[name] == pytest.approx(value, rel=2e-3, abs=2e-3), name
        one, other = (
            signatures[1]["decide"](image_bytes=tf.io.encode_png(p[..., None])[tf.newaxis])
            for p in (pixels, changed_outside(pixels))
        )
        for name in expected.scores:
            value = one[name].numpy()
            assert value == other[name].numpy()
            assert value == pytest.approx(expected.scores[name], rel=2e-3, abs=2e-3)


def test_photos_of_other_proportions_are_named(run, model, photos, signatures):
    config = run_folder.read_config(run[0])
    assert pathlib.Path(config.roi).is_file() is False
    page = (run[0] / "report.html").read_text().replace("<wbr>", "")
    assert "square.png" in page and "48x48 pixels: not the proportions of the region" in page
    found = model.predict([str(photos / "train/good/square.png")])[0]
    assert found.decision == "unreadable" and "not the proportions" in found.error
    with pytest.raises(tf.errors.InvalidArgumentError, match="proportions of the region"):
        signatures[1]["serving_default"](images=tf.zeros([1, 48, 48, 1], tf.uint8))
    answer = signatures[1]["decide"](
        image_bytes=tf.io.encode_png(tf.zeros([48, 48, 1], tf.uint8))[tf.newaxis]
    )
    assert answer["decision"].numpy() == [b"unreadable"]
    assert b"proportions of the region of interest" in answer["error"].numpy()[0]


def test_a_new_calibration_keeps_the_region(run, photos):
    model = tf_ssae.load(run[0])
    done = model.calibrate(photos / "test" / "good")
    assert done.version.calibration.images == 24
    same(model.predict(photo(4)), model.predict(changed_outside(photo(4))))


@pytest.mark.parametrize("detector", ["egbad", "ganomaly"])
def test_generators_of_whole_images_take_no_region(detector):
    with pytest.raises(ValueError, match="generates whole images"):
        preset("folder", detector=detector, roi="mask.png")


def test_a_region_is_for_folders():
    with pytest.raises(ValueError, match="roi='mask.png': expected none without a folder"):
        preset("digits", roi="mask.png")


def test_synthetic_defects_lie_in_the_region():
    inside = np.zeros([64, 64, 64, 1], np.float32)
    inside[:, 40:56, 8:20] = 1
    images = np.random.default_rng(0).normal(0.5, 0.1, inside.shape).astype(np.float32)
    images = tf.constant(inside * images.clip(0, 1) + (1 - inside) * 0.5)
    found, change = defects.tamper(images, tf.constant([0, 1]), inside=tf.constant(inside))
    np.testing.assert_array_equal((found - images).numpy()[inside == 0], 0)
    np.testing.assert_array_equal(change.numpy()[inside == 0], 0)
    # Most are visible, though the region is a twentieth of the image.
    assert (change.numpy().max(axis=(1, 2, 3)) >= 1).mean() > 0.8


def test_a_turned_image_has_its_mask_turned(tmp_path):
    Image.fromarray(MASK).save(tmp_path / "mask.png")
    config = preset("folder", roi=str(tmp_path / "mask.png"), image_size=64, batch_size=8)
    detector = registry.make(config, (64, 64, 1))
    random = np.random.default_rng(0)
    tiles = random.integers(1, 256, (8, 64, 64, 1), np.uint8)
    tiles[:, :, :20] = 0
    batches = tf.data.Dataset.from_tensors((np.int64(0), tiles))
    _, x, _, change, d, inside = next(iter(detector.prepare(batches, 10)))
    assert len(set(d.numpy())) == 2 and not inside.numpy()[2:, :, :20].any()
    for image, mask, turns in zip(x.numpy(), inside.numpy(), d.numpy()):
        np.testing.assert_array_equal(mask, np.rot90(inside.numpy()[-1], turns))
        # The fill has no texture.
        assert np.ptp(image[mask[..., 0] == 0]) < 1e-6 < np.ptp(image[mask[..., 0] == 1])
    assert (change.numpy()[inside.numpy() == 0] == 0.5).all()
