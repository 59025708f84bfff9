"""Work inside the folder of the images, with every default: outputs never become inputs. One class
of defects has a name that is no UTF-8.
"""

import csv
import json
import os
import pathlib

import numpy as np
import pytest
from conftest import QUICK, ROOT, read_page, run_python
from PIL import Image

from tf_ssae.data import sources
from tf_ssae.detectors.registry import preset

_DEFECT = "Kratzer_\udcfc"
_SETTINGS = {**QUICK, "detector": "autoencoder", "image_size": 32, "batch_size": 16}


@pytest.fixture(scope="module")
def parts(tmp_path_factory, digit_images):
    """Digits in the layout of MVTec AD, with the runs, exports and tables that were made there."""
    root = tmp_path_factory.mktemp("inside") / "parts"
    normal = digit_images.images[digit_images.labels > 0][:, ..., 0]
    zeros = digit_images.images[digit_images.labels == 0][:, ..., 0]
    mask = np.full([8, 8], 0, np.uint8)
    mask[2:5] = 255
    for folder, images in (
        ("train/good", normal[:60]),
        ("test/good", normal[60:70]),
        (f"test/{_DEFECT}", zeros[:6]),
        (f"ground_truth/{_DEFECT}", np.tile(mask, [6, 1, 1])),
    ):
        (root / folder).mkdir(parents=True)
        for i, image in enumerate(images):
            Image.fromarray(image).save(root / folder / f"{i:03d}.png")
    flags = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    for command in (
        ["train", "--dataset=folder", "--data_dir=.", *flags],
        ["export", "--model_dir=runs/parts-autoencoder-seed-0", "--export_dir=exported"],
        [
            "score",
            "--model_dir=exported/parts-autoencoder-seed-0/1",
            "--images=.",
            "--output=a.csv",
        ],
    ):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = run_python("-m", "tf_ssae.cli.main", *command, cwd=root, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
    return root


def test_the_second_run_trains_on_what_the_first_one_did(parts, tmp_path):
    config = preset("folder", data_dir=str(parts), **_SETTINGS)
    found = sources.load(config, tmp_path / "cache")
    assert len(found.names) == 76 and found.class_names == ("good", _DEFECT)
    assert found.left_out == ()
    (passed,) = [note for note in found.notes if note.startswith("Passed over")]
    assert "2 outputs of tf_ssae" in passed


def test_scoring_takes_the_images_alone(parts):
    with open(parts / "a.csv", newline="", encoding="utf-8", errors="surrogateescape") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    # Here no layout is asked for: masks are image files too.
    folders = {str(pathlib.PurePath(path).parent) for path in paths}
    assert folders == {
        "train/good", "test/good", f"test/{_DEFECT}", f"ground_truth/{_DEFECT}",
    }  # fmt: skip
    assert len(paths) == 82


def test_a_name_that_is_no_utf_8_goes_through_all_of_it(parts):
    run = parts / "runs" / "parts-autoencoder-seed-0"
    assert b"test/Kratzer_\xfc/000.png" in (run / "scores.csv").read_bytes()
    for page in (run / "report.html", parts / "a.html"):
        assert "Kratzer_\\udcfc" in read_page(page)
    exported = parts / "exported" / "parts-autoencoder-seed-0" / "1"
    description = json.loads((exported / "detector.json").read_text())
    assert description["class_names"] == ["good", _DEFECT]
