"""Many products in one folder: each a run of its own, those that can be."""

import csv

from conftest import read_page, run_command
from PIL import Image

from tf_ssae.runs import run_folder

FLAGS = [
    "--detector=rotation",
    "--image_size=32",
    "--epochs=1",
    "--batch_size=16",
    "--calibration_share=0.25",
]


def test_each_is_trained_and_one_that_fails_stops_no_other(tmp_path, digit_images):
    root, where = tmp_path / "products", tmp_path / "runs"
    (root / "nut & bolt").mkdir(parents=True)
    for i, image in enumerate(digit_images.images[:60]):
        Image.fromarray(image[..., 0]).resize((32, 32)).save(root / "nut & bolt" / f"{i}.png")
    (root / "a broken one").mkdir()
    (root / "a broken one" / "0.png").write_bytes(b"\x89PNG")
    (root / ".hidden").mkdir()
    (root / "runs" / "nut").mkdir(parents=True)
    (root / "runs" / "nut" / "model.keras").touch()

    def trained():
        done = run_command("train.py", f"--products={root}", f"--model_dir={where}", *FLAGS)
        with open(where / "index.csv", newline="") as file:
            return done, {row["name"]: row for row in csv.DictReader(file)}

    done, rows = trained()
    assert done.returncode == 1 and "Not trained: a broken one." in done.stderr, done.stderr
    assert list(rows) == ["a broken one", "nut & bolt"]
    assert "can be read" in rows["a broken one"]["failed"]
    run_folder.require_finished(where / "nut & bolt")
    row = rows["nut & bolt"]
    assert row["failed"] == "" and row["images"] == "60"
    assert "to guarantee 1.00%" in row["warnings"]
    page = read_page(where / "index.html")
    assert 'href="nut%20%26%20bolt/report.html"' in page and "nut &amp; bolt" in page
    assert "Not trained" in page and "1 of 2 are trained" in page

    # Again: what is finished stays, what can be mended is mended.
    before = (where / "nut & bolt" / "model.keras").stat().st_mtime_ns
    for path in (root / "nut & bolt").iterdir():
        (root / "a broken one" / path.name).write_bytes(path.read_bytes())
    done, rows = trained()
    assert done.returncode == 0 and "Finished before" in done.stdout, done.stderr
    assert {row["failed"] for row in rows.values()} == {""}
    assert (where / "nut & bolt" / "model.keras").stat().st_mtime_ns == before


def test_the_reason_is_the_sentence_and_not_the_list_below_it(tmp_path):
    (tmp_path / "products" / "nut" / "bad").mkdir(parents=True)
    Image.new("L", (32, 32)).save(tmp_path / "products" / "nut" / "bad" / "0.png")
    where = tmp_path / "runs"
    run_command("train.py", f"--products={tmp_path / 'products'}", f"--model_dir={where}", *FLAGS)
    with open(where / "index.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert "nut is laid out in a way that is not understood" in row["failed"]


def test_mistakes_are_answered_at_once(tmp_path):
    done = run_command("train.py", f"--products={tmp_path}")
    assert done.returncode == 1 and "expected a folder for each product" in done.stderr
    done = run_command("train.py", f"--products={tmp_path}", "--data_dir=photos")
    assert done.returncode == 2 and "leave out --data_dir" in done.stderr
