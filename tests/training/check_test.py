"""What is found in a folder before a run on it, and that nothing is left behind."""

import os
import pathlib
import tempfile

import numpy as np
import pytest
from PIL import Image

from tf_ssae.detectors.registry import preset
from tf_ssae.training import check

SETTINGS = dict(detector="ssae", image_size=32, batch_size=4, epochs=100, calibration_share=0.25)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Twelve images train; three normal ones and two scratched ones test; one of these has a mask.
    One is twice as wide, one lies on its side, two test images are copies, one file is broken.
    """
    root = tmp_path_factory.mktemp("parts")
    random = np.random.default_rng(0)

    def write(name, size=(40, 32), **options):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(path, **options)
        return path

    for i in range(11):
        write(f"train/good/{i:02d}.png")
    write("train/good/wide.png", (80, 32))
    for i in range(2):
        write(f"test/good/{i}.png")
    (root / "test/good/copy.png").write_bytes((root / "test/good/0.png").read_bytes())
    (root / "test/good/trains.png").write_bytes((root / "train/good/00.png").read_bytes())
    (root / "test/good/broken.png").write_bytes(b"\x89PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    write("test/scratch/0.png", (32, 40), exif=exif)
    write("test/scratch/1.png")
    (root / "ground_truth/scratch").mkdir(parents=True)
    mask = Image.new("L", (40, 32))
    mask.paste(255, (5, 5, 20, 20))
    mask.save(root / "ground_truth/scratch/1_mask.png")
    return root


@pytest.fixture(scope="module")
def config(parts):
    return preset("folder", data_dir=str(parts), **SETTINGS)


@pytest.fixture(scope="module")
def data(config):
    with check.loaded(config) as data:
        yield data


def test_what_is_in_the_folder(config, data):
    found = check.look(config, data)
    assert found.counts == {"good": (12, 2), "scratch": (0, 2)}
    assert list(found.sizes.items()) == [((40, 32), 15), ((80, 32), 1)]
    # 40x32 is covered by two tiles, 80x32 by three.
    assert found.image_shape == (32, 32, 3) and found.tiles == 15 * 2 + 3
    assert found.masks == (1, 2)
    assert found.notes == (
        "Read as train, test: 12 good images to train on, 5 good ones to test on, 2 bad ones, 1"
        " masks.",
        "1 of 2 bad images have a mask that can be used.",
    )
    assert dict(found.left_out) == {
        "test/good/broken.png": "not a PNG, JPEG, BMP, WebP or TIFF image",
        "test/good/copy.png": "a copy of test/good/0.png",
        "test/good/trains.png": "a copy of train/good/00.png, a training image",
    }


def test_what_a_run_would_do(config, data):
    plan = check.plan(config, data)
    assert (plan.train, plan.held_out, plan.test, plan.anomalies) == (9, 3, 4, 2)
    assert plan.twins == 0
    # The largest of three held-out scores is the threshold.
    assert plan.guarantee.images == 3 and plan.guarantee.expected_fpr == pytest.approx(1 / 4)


def test_without_held_out_images_nothing_is_guaranteed(parts, data):
    config = preset("folder", data_dir=str(parts), **{**SETTINGS, "calibration_share": 0.0})
    plan = check.plan(config, data)
    assert (plan.train, plan.held_out, plan.guarantee) == (12, 0, None)


def test_a_plain_folder_has_one_class_and_tests_a_tenth(parts):
    config = preset("folder", data_dir=str(parts / "train" / "good"), **SETTINGS)
    with check.loaded(config) as data:
        found, plan = check.look(config, data), check.plan(config, data)
    assert found.counts == {"good": (12, 0)} and found.masks is None
    assert (plan.train + plan.held_out, plan.test, plan.anomalies) == (11, 1, 0)


def test_too_few_images_are_refused_as_training_refuses_them(parts, data):
    config = preset("folder", data_dir=str(parts), **{**SETTINGS, "calibration_share": 0.01})
    with pytest.raises(ValueError, match="leave none to hold out for the threshold"):
        check.plan(config, data)
    config = preset("folder", data_dir=str(parts), **{**SETTINGS, "batch_size": 64})
    with pytest.raises(ValueError, match="batch_size=64 is more than the 19 training images"):
        check.estimate(config, data)


@pytest.mark.parametrize("epochs", [1, 100_000])
def test_the_estimate_is_of_real_steps_and_leaves_nothing_behind(
    epochs, parts, data, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(check, "_SECONDS", 0.5)
    config = preset("folder", data_dir=str(parts), **{**SETTINGS, "epochs": epochs})
    before = {path: path.stat().st_mtime_ns for path in pathlib.Path(parts).rglob("*")}
    estimate = check.estimate(config, data)
    # 19 tiles, 4 per step.
    assert (estimate.steps, estimate.epochs) == (4, epochs) and estimate.seconds > 0
    assert estimate.timed == 4 if epochs == 1 else 4 < estimate.timed < 4 * epochs
    left = [name for name in os.listdir(tmp_path) if not name.startswith("__autograph_generated")]
    assert capsys.readouterr().out == "" and left == []
    assert before == {path: path.stat().st_mtime_ns for path in pathlib.Path(parts).rglob("*")}


def test_seconds_of_training():
    # The first step takes 5 s, others 1 s; 2 s pass between epochs of 3 steps.
    ends = np.array([0.0, 5, 6, 7, 10, 11, 12, 15, 16, 17])
    assert check._seconds(ends, steps=3, epochs=10) == 5 + 10 * 5
    # No whole epoch but the first was timed: 1 s per step.
    assert check._seconds(ends[:4], steps=100, epochs=10) == 5 + 10 * 100
    assert check._seconds(ends[:2], steps=1, epochs=1) == 5 + 5
