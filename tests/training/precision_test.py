"""Runs whose networks compute in bfloat16."""

import json
import zipfile

import keras
import numpy as np
import pytest
from conftest import QUICK, quick_export, without_report

from tf_ssae import runs
from tf_ssae.data.protocols import split
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.export import parity, publish
from tf_ssae.export.in_float32 import in_float32
from tf_ssae.runs import run_folder
from tf_ssae.scoring import readers
from tf_ssae.training import run as training
from tf_ssae.training import summary

AUTO = preset("digits", precision="auto", **QUICK)


def interrupt(*_):
    def stop(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    return [keras.callbacks.LambdaCallback(on_epoch_begin=stop)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run begun where bfloat16 is the fastest, and resumed where it is not."""
    model_dir = tmp_path_factory.mktemp("runs") / "auto"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "fastest", lambda: "bfloat16")
        with pytest.raises(KeyboardInterrupt):
            training.train(AUTO, model_dir, watch=interrupt)
        patch.setattr(registry, "fastest", lambda: "float32")
        with without_report():
            training.train(AUTO, model_dir)
    return model_dir


def test_auto_is_decided_once_and_stored(run):
    assert run_folder.read_config(run).precision == "auto"
    environment = json.loads((run / "environment.json").read_text())
    assert environment["precision"] == "bfloat16"
    assert isinstance(environment["machine"]["bfloat16"], list)
    detector = runs.load(run)
    assert detector.config.precision == detector.calibration.precision == "bfloat16"
    assert readers.load(run).warnings == []
    with pytest.raises(FileExistsError, match="already holds this run, finished"):
        training.train(AUTO, run)


@pytest.mark.parametrize(
    "precision, fastest, said",
    [
        ("float32", "bfloat16", "float32"),
        ("bfloat16", "bfloat16", "bfloat16"),
        ("bfloat16", "float32", "bfloat16, slow on this machine"),
    ],
)
def test_the_beginning_says_the_precision(precision, fastest, said, monkeypatch, digit_images):
    monkeypatch.setattr(summary, "fastest", lambda: fastest)
    config = preset("digits", precision=precision, **QUICK)
    text = summary.beginning(config, split(digit_images, config), "new run in runs")
    assert f"ssae, 3 epochs, networks in {said}; new run" in text


def test_it_is_exported_in_float32_with_thresholds_of_its_own(run, tmp_path, capsys):
    with quick_export():
        report = publish.export(run, tmp_path, name="parts")
    assert report["trained"]["precision"] == "bfloat16"
    assert "Trained in bfloat16, exported in float32: " in capsys.readouterr().out
    row = report["trained"]["scores"]["a_rec"]
    assert 0 < row["largest_relative_difference"] < 0.05 and row["spearman"] > 0.99
    reader = readers.load(tmp_path / "parts" / "1")
    assert reader.calibration.precision == "float32" and reader.warnings == []
    before, now = runs.load(run).calibration.thresholds, reader.calibration.thresholds
    # Not those of a normalised score: fitted to the same images, they are at 1 or thereabouts.
    for name in ("a_rec", "a_cls"):
        assert now[name] != before[name] and now[name] == pytest.approx(before[name], rel=0.1)


def test_thresholds_of_other_images_are_kept_and_said_to_be_of_another_precision(run):
    trained = runs.load(run)
    kept = in_float32(trained, None)
    assert kept.config.precision == "float32"
    assert kept.calibration == trained.calibration
    (warning,) = readers.of_detector(kept).warnings
    assert "set with networks that computed in bfloat16; these compute in float32" in warning


def test_parity_refuses_what_float32_makes_another_model_of(run):
    trained = runs.load(run)
    rng = np.random.default_rng(0)
    scores = {name: rng.normal(size=200) for name in trained.score_names}
    truth = np.arange(200) < 100
    compared = parity.Parity("parts", scores, scores, trained.calibration, truth)
    compared.add_trained("bfloat16", scores, trained.calibration.thresholds)
    assert not compared.violations
    worse = {name: values + 10 * truth for name, values in scores.items()}
    compared.add_trained("bfloat16", worse, trained.calibration.thresholds)
    name = trained.calibration.deciding_score
    expected = f"float32, trained in bfloat16, output {name}: average precision falls by"
    assert any(expected in sentence for sentence in compared.violations)


def test_a_run_of_an_earlier_version_is_in_float32(quick_run, tmp_path):
    for name in (run_folder.CONFIG, run_folder.MODEL):
        (tmp_path / name).write_bytes((quick_run / name).read_bytes())
    settings = json.loads((tmp_path / run_folder.CONFIG).read_text())
    del settings["precision"]
    (tmp_path / run_folder.CONFIG).write_text(json.dumps(settings))
    path = tmp_path / run_folder.MODEL
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    stored = json.loads(entries["config.json"])
    del stored["config"]["config"]["precision"]
    del stored["config"]["calibration"]["precision"]
    entries["config.json"] = json.dumps(stored).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    detector = runs.load(tmp_path)
    assert detector.config.precision == detector.calibration.precision == "float32"
    expected = runs.load(quick_run)
    images = np.random.default_rng(0).integers(0, 256, [3, 8, 8, 1], np.uint8)
    np.testing.assert_array_equal(detector(images)["a_ws"], expected(images)["a_ws"])
