"""Whole exports of a real run, from the command line too, and those that cannot succeed."""

import dataclasses
import json
import os

import numpy as np
import pytest
from conftest import QUICK, quick_export, run_command, without_report
from stored_results import SCORES

from tf_ssae import runs
from tf_ssae.detectors.registry import preset
from tf_ssae.export import publish, tflite
from tf_ssae.scoring import readers, saved_model
from tf_ssae.scoring.tflite import TFLiteModel
from tf_ssae.training import run as training


@pytest.fixture
def quick():
    with quick_export():
        yield


@pytest.fixture
def digits_model(digits_run):
    return digits_run[0]


def test_export_is_whole(digits_export):
    export_dir, done = digits_export
    assert done.returncode == 0 and done.stderr == "", done.stderr
    for kind in ("saved_model", *tflite.KINDS):
        assert f"\n{kind} " in done.stdout
    assert {path.name for path in export_dir.iterdir()} == {
        "parts", "models.config", "batching.config", "compose.yaml", "SERVING.md",
    }  # fmt: skip
    version = export_dir / "parts" / "1"
    assert os.stat(version).st_mode & 0o055 == 0o055, (
        "a server that runs as another user could not read it"
    )
    assert {path.name for path in (version / "tflite").iterdir()} == {
        f"{kind}.{suffix}"
        for kind in ("float32", "float16", "int8")
        for suffix in ("tflite", "json", "held_out.json")
    }


def test_parity_report_holds_what_was_proven(exported):
    report = json.loads((exported / "parity.json").read_text())
    assert (
        report["test_images"] == 487
        and "export.py" in report["command"]
        and set(report["files"]) == {"saved_model", *tflite.KINDS}
    )
    for kind, entry in report["files"].items():
        assert (
            set(entry["scores"]) == set(SCORES["ssae"])
            and 0 < entry["latency_ms"] <= entry["latency_p99_ms"]
        )
        assert entry["decisions"]["differ"] <= entry["decisions"]["limit"] <= 0.02
        assert set(entry["images_per_second"]) == {"1", str(os.cpu_count())}
        for row in entry["scores"].values():
            assert row["spearman"] > 0.99 and row["decisions_flipped"] < 0.02, kind
    sizes = {kind: entry["bytes"] for kind, entry in report["files"].items()}
    assert sizes["int8"] < 0.3 * sizes["float32"] and sizes["float16"] < 0.55 * sizes["float32"]


def test_a_second_export_is_the_next_version_and_batches_if_asked(
    exported, digits_model, tmp_path, quick
):
    for name in ("parts", "others"):
        (tmp_path / name / "7").mkdir(parents=True)
    before = os.umask(0o077)
    try:
        publish.export(digits_model, tmp_path, name="parts", tflite_batch_size=4, test_images=50)
    finally:
        os.umask(before)
    # A server that runs as another user can read all of it.
    for path in [*(tmp_path / "parts" / "8").rglob("*"), tmp_path / "models.config"]:
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    float32 = (tmp_path / "parts" / "8" / "tflite" / "float32.tflite").read_bytes()
    assert TFLiteModel(float32).batch_size == 4
    with pytest.raises(FileExistsError, match="parts/8 exists: leave out --version"):
        publish.export(digits_model, tmp_path, name="parts", version=8)


def test_images_of_your_own_as_floats(tmp_path, digit_images, quick):
    floats = dataclasses.replace(
        digit_images, images=(digit_images.images / 255).astype(np.float32)
    )
    config = preset("digits", detector="autoencoder", **QUICK)
    with without_report():
        training.train(config, tmp_path / "run", data=floats)
    with pytest.raises(
        ValueError, match="images of digits are not those that .* was trained and tested on"
    ):
        publish.export(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    report = publish.export(tmp_path / "run", tmp_path / "out", data=floats, test_images=100)
    assert set(report["files"]["float16"]["scores"]) == {"a_rec"}


def test_a_file_out_of_tolerance_is_not_published(digits_model, tmp_path, monkeypatch, quick):
    plain = tflite.convert

    def with_another_model(detector, kind, *args):
        if kind == "float16":
            detector.encoder.set_weights([2 * value for value in detector.encoder.get_weights()])
        return plain(detector, kind, *args)

    monkeypatch.setattr(tflite, "convert", with_another_model)
    with pytest.raises(
        publish.ParityError,
        match="float16, output a_rec: scores differ by up to .*; the tolerance is 0.01",
    ):
        publish.export(digits_model, tmp_path, name="parts", test_images=100)
    assert not (tmp_path / "parts").exists()
    assert (tmp_path / "parts-1.rejected" / "parity.json").is_file()


def test_what_clients_ask_is_proven_as_well(digits_model, tmp_path, monkeypatch, quick):
    plain = saved_model.load_decide

    def with_other_pixels(folder):
        decide = plain(folder)
        return lambda files: decide([files[0]] * len(files))

    monkeypatch.setattr(saved_model, "load_decide", with_other_pixels)
    with pytest.raises(
        publish.ParityError, match="decide of saved_model, output a_rec: scores differ by up to"
    ):
        publish.export(digits_model, tmp_path, name="parts", test_images=100)
    assert not (tmp_path / "parts").exists()


def test_openvino_files_are_proven_and_score(digits_model, digit_images, tmp_path, quick):
    pytest.importorskip("openvino")
    report = publish.export(digits_model, tmp_path, name="parts", test_images=50, openvino=True)
    entry, folder = report["files"]["openvino"], tmp_path / "parts" / "1" / "openvino"
    assert {path.name for path in folder.iterdir()} == {
        f"float32.{s}" for s in ("xml", "bin", "json", "held_out.json")
    }
    assert entry["bytes"] == sum((folder / f"float32.{s}").stat().st_size for s in ("xml", "bin"))
    assert 0 < entry["latency_ms"] <= entry["latency_p99_ms"]
    for row in entry["scores"].values():
        assert row["largest_relative_difference"] < 1e-4 and row["decisions_flipped"] == 0
    reader, detector = readers.load(folder / "float32.xml"), runs.load(digits_model)
    assert reader.description == detector.description
    for name, values in detector(digit_images.images[:30]).items():
        found = reader.score(digit_images.images[:30])[name]
        np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-5)
    (folder / "float32.bin").write_bytes(b"x" + (folder / "float32.bin").read_bytes()[1:])
    with pytest.raises(ValueError, match="does not belong to .*float32.xml"):
        readers.load(folder / "float32.xml")
    (folder / "float32.bin").unlink()
    with pytest.raises(FileNotFoundError, match="float32.bin"):
        readers.load(folder / "float32.xml")


def test_openvino_is_asked_for_before_the_work(digits_model, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"OpenVINO is not installed: pip install 'tf_ssae\[open"):
        publish.export(digits_model, tmp_path / "out", openvino=True)
    assert not (tmp_path / "out").exists()


def test_an_interrupted_export_leaves_nothing(digits_model, tmp_path, monkeypatch, quick):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(tflite, "convert", stop)
    with pytest.raises(KeyboardInterrupt):
        publish.export(digits_model, tmp_path, name="parts")
    assert not list(tmp_path.iterdir())


def test_what_is_not_a_finished_calibrated_run_is_refused(digits_model, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a run folder"):
        publish.export(tmp_path, tmp_path / "out")
    unfinished = tmp_path / "run"
    unfinished.mkdir()
    for name in ("config.json", "environment.json"):
        (unfinished / name).write_bytes((digits_model / name).read_bytes())
    with pytest.raises(FileNotFoundError, match="unfinished run"):
        publish.export(unfinished, tmp_path / "out")
    detector = runs.load(digits_model)
    detector.calibration = None
    detector.save(unfinished / "model.keras")
    with pytest.raises(ValueError, match="was never calibrated"):
        publish.export(unfinished, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written(digits_model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PermissionError, match="Cannot write the export folder .*file/out"):
        publish.export(digits_model, tmp_path / "file" / "out")


def test_bad_flags_are_one_line(digits_model, tmp_path):
    done = run_command("export.py", f"--model_dir={tmp_path}", f"--export_dir={tmp_path / 'out'}")
    assert (
        done.returncode == 1
        and done.stderr.startswith("Error: ")
        and "Traceback" not in done.stderr
    )
    with pytest.raises(ValueError, match="name='a b': expected letters"):
        publish.export(digits_model, tmp_path / "out", name="a b")
