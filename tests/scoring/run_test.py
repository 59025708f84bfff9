"""Image files scored from the command line and from Python, by every form that a detector takes."""

import csv
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import QUICK, ROOT, first_shown, read_page, run_python
from PIL import Image
from pyarrow import parquet
from stored_results import SCORES

from tf_ssae import runs
from tf_ssae.detectors.registry import preset
from tf_ssae.scoring import readers
from tf_ssae.scoring import run as scoring
from tf_ssae.training import run as training


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def photos(tmp_path_factory, digit_images):
    """Thirty digits as PNG files, and what they hold."""
    folder = tmp_path_factory.mktemp("photos")
    for i, image in enumerate(digit_images.images[:30]):
        Image.fromarray(image[..., 0]).save(folder / f"{i:03d} – 部品 'a'.png")
    return folder, digit_images.images[:30]


@pytest.fixture(scope="module")
def table(digits_run, photos, tmp_path_factory):
    output = tmp_path_factory.mktemp("tables") / "scores.csv"
    return scoring.score(digits_run[0], photos[0], output), output


def test_rows_hold_the_detectors_scores_and_decisions(table, digits_run, photos):
    result, output = table
    detector = runs.load(digits_run[0])
    rows = read(output)
    assert [row["path"] for row in rows] == [str(path) for path in sorted(photos[0].iterdir())]
    thresholds = detector.calibration.thresholds
    assert set(thresholds) == set(SCORES["ssae"])
    scores = {name: value.numpy() for name, value in detector(photos[1]).items()}
    for name in SCORES["ssae"]:
        np.testing.assert_allclose(
            [float(row[name]) for row in rows], scores[name], rtol=1e-4, atol=1e-5
        )
    anomalous = scores["a_ws"] > thresholds["a_ws"]
    assert [row["decision"] for row in rows] == [
        "anomaly" if value else "normal" for value in anomalous
    ]
    assert (result.scored, result.anomalies, result.unreadable) == (30, anomalous.sum(), [])
    for row in rows:
        # 1% of 126 is one image.
        assert (float(row["p_value"]) <= 0.01) == (row["decision"] == "anomaly")
        fired = [name for name in ("a_rec", "a_cls") if float(row[name]) > thresholds[name]]
        expected = " and ".join(fired) or "together, none of them alone"
        assert row["why"] == (expected if row["decision"] == "anomaly" else "")
    assert not output.with_name("scores.csv.partial").exists()


def test_report_is_beside_the_table_and_shows_the_extremes_first(table):
    page, rows = read_page(table[1].with_suffix(".html")), read(table[1])
    for title, extreme in (("Most anomalous", max), ("Least anomalous", min)):
        assert first_shown(page, title) == extreme(rows, key=lambda row: float(row["a_ws"]))["path"]


def test_a_warning_says_that_a_threshold_from_the_training_images_guarantees_nothing(
    photos, tmp_path
):
    config = preset("digits", detector="autoencoder", calibration_share=0.0, **QUICK)
    metrics = training.train(config, tmp_path / "run")
    assert metrics["guarantee"] is None
    result = scoring.score(tmp_path / "run", photos[0], tmp_path / "scores.csv")
    warning = (
        "No image was held out in training: the threshold, set on the training images, guarantees"
        " nothing."
    )
    assert result.warnings == [warning]
    assert {row["p_value"] for row in read(tmp_path / "scores.csv")} == {""}
    for page in (tmp_path / "run" / "report.html", tmp_path / "scores.html"):
        assert f'<p class="warning" role="note">{warning}</p>' in page.read_text()


@pytest.mark.parametrize("model", [".", "tflite/float32.tflite"])
def test_exported_models_score_the_same(model, exported, table, photos, tmp_path):
    scoring.score(exported / model, photos[0], tmp_path / "scores.csv")
    for ours, theirs in zip(read(tmp_path / "scores.csv"), read(table[1]), strict=True):
        assert (ours["path"], ours["decision"], ours["why"]) == (
            theirs["path"],
            theirs["decision"],
            theirs["why"],
        )
        for name in SCORES["ssae"]:
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=1e-3, abs=1e-4)


def test_every_form_of_a_model_describes_itself_alike(digits_run, exported):
    ours, *others = [
        readers.load(path).description
        for path in (digits_run[0], exported, exported / "tflite" / "float16.tflite")
    ]
    assert ours.image_shape == (8, 8, 1) and ours.calibration.deciding_score == "a_ws"
    for other in others:
        assert other == ours and other.to_dict() == ours.to_dict()


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_other_tables_hold_the_same(suffix, digits_run, table, photos, tmp_path):
    output = tmp_path / f"scores.{suffix}"
    scoring.score(digits_run[0], photos[0], output)
    rows = (
        parquet.read_table(output).to_pylist()
        if suffix == "parquet"
        else list(map(json.loads, open(output)))
    )
    for ours, theirs in zip(rows, read(table[1]), strict=True):
        assert ours["path"] == theirs["path"] and ours["decision"] == theirs["decision"]
        assert ours["a_ws"] == pytest.approx(float(theirs["a_ws"]), rel=1e-5)


def test_images_larger_and_not_square(digits_run, photos, tmp_path):
    """An image of three digits in a row scores as the most anomalous of them."""
    Image.fromarray(np.concatenate(list(photos[1][:3, ..., 0]), axis=1)).save(
        tmp_path / "three.png"
    )
    scoring.score(digits_run[0], tmp_path / "three.png", tmp_path / "three.csv")
    (row,) = read(tmp_path / "three.csv")
    for name, values in runs.load(digits_run[0])(photos[1][:3]).items():
        assert float(row[name]) == pytest.approx(values.numpy().max(), rel=1e-3)


def test_unreadable_files_become_rows(digits_run, photos, tmp_path):
    for path in list(photos[0].iterdir())[:3]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "000 broken.png").write_bytes(b"\x89PNG")
    (tmp_path / "zero.jpg").write_bytes(b"")
    (tmp_path / "list.txt").write_text(
        "\n".join(map(str, [*sorted(tmp_path.glob("*.*g")), tmp_path / "gone.png"]))
    )
    command = [
        str(ROOT / "score.py"),
        f"--model_dir={digits_run[0]}",
        f"--images={tmp_path / 'list.txt'}",
    ]
    done = run_python(*command, f"--output={tmp_path / 'a.csv'}")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "3 images scored" in done.stdout and "3 unreadable" in done.stdout
    rows = {row["path"].rsplit("/")[-1]: row for row in read(tmp_path / "a.csv")}
    assert rows["zero.jpg"]["error"] == "an empty file" and rows["zero.jpg"]["a_ws"] == ""
    assert (
        rows["gone.png"]["error"].startswith("cannot be read")
        and rows["gone.png"]["decision"] == "unreadable"
    )
    assert len(rows) == 6 and sum(row["error"] == "" for row in rows.values()) == 3
    done = run_python(*command, f"--output={tmp_path / 'b.csv'}", "--strict")
    assert done.returncode == 1 and read(tmp_path / "b.csv") == read(tmp_path / "a.csv")


def test_damaged_files_are_scored_only_if_they_are_accepted(quick_run, digit_images, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for i, image in enumerate(digit_images.images[:3]):
        Image.fromarray(image[..., 0]).resize((64, 64)).save(folder / f"{i}.jpg", quality=95)
    data = (folder / "1.jpg").read_bytes()
    (folder / "1.jpg").write_bytes(data[: len(data) * 2 // 3])
    Image.new("L", (200, 100)).save(folder / "large.png")
    flags = [f"--model_dir={quick_run}", f"--images={folder}", "--largest_image=0.01"]
    command = ["-m", "tf_ssae.cli.main", "score", *flags]
    damage = "Premature end of JPEG file"
    for accept, decisions in (([], "unreadable"), (["--accept_damaged"], "anomaly normal review")):
        output = tmp_path / f"{len(accept)}.csv"
        done = run_python(*command, *accept, f"--output={output}", cwd=ROOT)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        rows = {os.path.basename(row["path"]): row for row in read(output)}
        assert damage in rows["1.jpg"]["error"] and rows["1.jpg"]["decision"] in decisions
        assert rows["large.png"]["error"] == (
            "200x100 pixels; expected at most largest_image=0.01 megapixels"
        )
        assert rows["0.jpg"]["error"] == "" and rows["0.jpg"]["a_ws"]
        named = f"(--accept_damaged): {folder / '1.jpg'} ({damage})."
        assert (named in done.stdout) == bool(accept)
        # The page lists it among the unreadable, or names it in a warning.
        assert damage in output.with_suffix(".html").read_text()
    refused = run_python(*command, "--largest_image=101", f"--output={tmp_path / 'c.csv'}")
    assert refused.returncode == 2 and "--largest_image=101.0: expected more" in refused.stderr


def test_an_interrupted_scoring_resumes_without_scoring_twice(
    digits_run, table, photos, tmp_path, monkeypatch
):
    output, partial = tmp_path / "scores.csv", tmp_path / "scores.csv.partial"
    monkeypatch.setattr(readers, "BATCH_SIZE", 16)
    plain, seen = readers.Reader.score_and_map, []

    def counting(self, tiles):
        if seen:
            raise KeyboardInterrupt
        seen.append(len(tiles))
        return plain(self, tiles)

    monkeypatch.setattr(readers.Reader, "score_and_map", counting)
    with pytest.raises(KeyboardInterrupt):
        scoring.score(digits_run[0], photos[0], output)
    assert not output.exists() and len(partial.read_text().splitlines()) == 1 + 16
    # As a killed process leaves it: a line that breaks off.
    whole = partial.read_bytes()
    partial.write_bytes(whole + whole.splitlines()[-1][:20])
    monkeypatch.setattr(
        readers.Reader,
        "score_and_map",
        lambda self, tiles: seen.append(len(tiles)) or plain(self, tiles),
    )
    scoring.score(digits_run[0], photos[0], output)
    assert seen[1] == 14
    for ours, theirs in zip(read(output), read(table[1]), strict=True):
        assert ours["path"] == theirs["path"] and float(ours["a_ws"]) == pytest.approx(
            float(theirs["a_ws"]), rel=1e-4
        )


def test_a_table_of_other_images_is_left_alone(digits_run, photos, tmp_path):
    for content in ('{"images": "others", "model": "another"}\n', "a cat"):
        (tmp_path / "scores.csv.partial").write_text(content)
        with pytest.raises(ValueError, match="was started with other images or another model"):
            scoring.score(digits_run[0], photos[0], tmp_path / "scores.csv")
        assert (tmp_path / "scores.csv.partial").read_text() == content


def test_nothing_can_be_read(digits_run, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    result = scoring.score(digits_run[0], tmp_path / "broken.png", tmp_path / "scores.csv")
    assert result.scored == 0 and read(tmp_path / "scores.csv")[0]["decision"] == "unreadable"
    assert "broken.png" in (tmp_path / "scores.html").read_text()


def test_drift_is_reported(digits_run, digit_images, tmp_path):
    """Images of the kind it was trained on don't drift; the same, seen through a camera that is too
    dark, do.
    """
    normal = digit_images.images[digit_images.labels != 0][:400]
    for name, images in (("same", normal), ("dark", normal // 4)):
        (tmp_path / name).mkdir()
        for i, image in enumerate(images):
            Image.fromarray(image[..., 0]).save(tmp_path / name / f"{i}.png")
        warnings = scoring.score(digits_run[0], tmp_path / name, tmp_path / f"{name}.csv").warnings
        assert any("Drift" in warning for warning in warnings) == (name == "dark"), (name, warnings)


@pytest.mark.parametrize(
    "model, images, output, message",
    [
        ("run", "photos", "scores.xlsx", "expected a name that ends in .csv, .jsonl, .parquet"),
        (
            "run",
            "nowhere/*.png",
            "scores.csv",
            "No such folder: nowhere.",
        ),
        (
            "photos",
            "photos",
            "scores.csv",
            "is not a run folder .*, not an exported version .* and not a .tflite file",
        ),
        ("exports", "photos", "scores.csv", "It holds versions 1: pass one of them, such as .*/1"),
        (
            "old",
            "photos",
            "scores.csv",
            "detector.json does not describe a model: it lacks calibration, crop, image_shape",
        ),
        (
            "lonely.tflite",
            "photos",
            "scores.csv",
            "lonely.json is missing: it holds the model's thresholds",
        ),
        ("other.tflite", "photos", "scores.csv", "other.json does not belong to .*other.tflite"),
        (
            "half",
            "photos",
            "scores.csv",
            "detector.json does not belong to .*half: it holds .*damaged",
        ),
        (
            "foreign",
            "photos",
            "scores.csv",
            "detector.json does not describe a model: A calibration holds .*; found a",
        ),
    ],
)
def test_what_cannot_be_scored(
    model, images, output, message, digits_run, exported, photos, tmp_path
):
    (tmp_path / "lonely.tflite").write_bytes((exported / "tflite" / "int8.tflite").read_bytes())
    (tmp_path / "other.tflite").write_bytes((exported / "tflite" / "float32.tflite").read_bytes())
    (tmp_path / "other.json").write_bytes((exported / "tflite" / "int8.json").read_bytes())
    shutil.copytree(exported, tmp_path / "half")
    (variables,) = (tmp_path / "half" / "variables").glob("*.data*")
    os.truncate(variables, 1000)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "saved_model.pb").touch()
    (tmp_path / "old" / "detector.json").write_text("{}")
    shutil.copytree(tmp_path / "old", tmp_path / "foreign")
    (tmp_path / "foreign" / "detector.json").write_text(
        json.dumps({"image_shape": [8, 8, 1], "crop": "tiles", "calibration": {"a": 1}})
    )
    place = {"run": digits_run[0], "photos": photos[0], "exports": exported.parent}
    with pytest.raises((ValueError, OSError), match=message):
        scoring.score(
            place.get(model, tmp_path / model), place.get(images, images), tmp_path / output
        )
    assert not (tmp_path / output).exists()


def test_names_that_are_not_utf_8(digits_run, photos, tmp_path):
    name = os.fsdecode(b"caf\xe9.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(next(photos[0].iterdir()).read_bytes())
    for suffix in ("csv", "parquet"):
        output = tmp_path / f"{suffix}" / f"scores.{suffix}"
        output.parent.mkdir()
        assert scoring.score(digits_run[0], tmp_path / "in", output).scored == 1
    assert b"caf\xe9.png" in (tmp_path / "csv" / "scores.csv").read_bytes()


_HOLDER = """
import pathlib, sys
from tf_ssae.scoring.partial_table import PartialTable
table = PartialTable(pathlib.Path(sys.argv[1]), [], {}, [])
print("open", flush=True)
sys.stdin.read()
"""


def test_two_processes_do_not_write_one_table(digits_run, photos, tmp_path):
    partial = tmp_path / "scores.csv.partial"
    command = [sys.executable, "-c", _HOLDER, str(partial)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "open\n"
        before = partial.read_bytes()
        with pytest.raises(
            FileExistsError, match="Another process is writing .*scores.csv.partial"
        ):
            scoring.score(digits_run[0], photos[0], tmp_path / "scores.csv")
        assert partial.read_bytes() == before
        holder.kill()
    # A killed process leaves no lock behind, and what it left goes when the table is there.
    partial.unlink()
    scoring.score(digits_run[0], photos[0], tmp_path / "scores.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"scores.csv", "scores.html"}


def test_a_table_that_appears_while_another_process_is_about_to_begin_is_kept(
    digits_run, photos, tmp_path, monkeypatch
):
    load = scoring.readers.load

    def finished_meanwhile(model_dir):
        (tmp_path / "scores.csv").write_text("finished")
        return load(model_dir)

    monkeypatch.setattr(scoring.readers, "load", finished_meanwhile)
    with pytest.raises(FileExistsError, match="scores.csv exists"):
        scoring.score(digits_run[0], photos[0], tmp_path / "scores.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]
    assert (tmp_path / "scores.csv").read_text() == "finished"


def test_scoring_recovers_from_a_process_that_died_between_report_and_table(
    digits_run, photos, tmp_path, monkeypatch
):
    def dies_at_the_table(temporary, path):
        if path.suffix == ".csv":
            raise KeyboardInterrupt
        os.rename(temporary, path)

    monkeypatch.setattr(os, "replace", dies_at_the_table)
    with pytest.raises(KeyboardInterrupt):
        scoring.score(digits_run[0], photos[0], tmp_path / "scores.csv")
    monkeypatch.undo()
    scoring.score(digits_run[0], photos[0], tmp_path / "scores.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores.csv", "scores.html"]


def test_a_finished_table_is_not_overwritten(table, digits_run, photos):
    with pytest.raises(FileExistsError, match="scores.csv exists"):
        scoring.score(digits_run[0], photos[0], table[1])
    with pytest.raises(FileExistsError, match="scores.html exists"):
        scoring.score(digits_run[0], photos[0], table[1].with_suffix(".jsonl"))
