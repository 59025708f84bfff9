"""A run folder whose files are not those that the run wrote: a ValueError with a sentence."""

import json
import shutil
import zipfile

import pytest

from tf_ssae import runs
from tf_ssae.runs import run_folder


@pytest.fixture
def run(quick_run, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in (run_folder.CONFIG, run_folder.MODEL):
        shutil.copy(quick_run / name, folder)
    return folder


def with_entry(path, name, change, compression=zipfile.ZIP_STORED):
    """Writes a Keras file again, with one entry changed by a function of its bytes."""
    with zipfile.ZipFile(path) as archive:
        entries = {entry: archive.read(entry) for entry in archive.namelist()}
    entries[name] = change(entries[name])
    with zipfile.ZipFile(path, "w", compression) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)


def with_config(path, change):
    def changed(content):
        values = json.loads(content)
        change(values)
        return json.dumps(values).encode()

    with_entry(path, "config.json", changed)


def test_a_run_is_loaded_whose_training_data_were_moved(run):
    config = json.loads((run / run_folder.CONFIG).read_text())
    (run / run_folder.CONFIG).write_text(json.dumps({**config, "data_dir": "/elsewhere"}))
    assert runs.load(run).is_calibrated


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"detector": "autoencoder"}, "holds 'tf_ssae>ssae', but the run's settings name"),
        ({"latent_depth": 32}, r"other settings .*: latent_depth=16 \(the run: 32\)"),
        ({"latent_depth": 10**9}, "config.json is corrupt: latent_depth=1000000000"),
        ({"alpha": 0.1}, r"alpha=0.5 \(the run: 0.1\)"),
        ({"epochs": True}, "config.json is corrupt: epochs=True: expected int"),
    ],
)
def test_settings_of_another_run(run, settings, message):
    config = json.loads((run / run_folder.CONFIG).read_text())
    (run / run_folder.CONFIG).write_text(json.dumps({**config, **settings}))
    with pytest.raises(ValueError, match=message):
        runs.load(run)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"null"])
def test_settings_that_are_none(run, content):
    (run / run_folder.CONFIG).write_bytes(content)
    with pytest.raises(ValueError, match="config.json is corrupt"):
        runs.load(run)


def _foreign(values):
    values.update(module="builtins", class_name="eval", registered_name="eval")


def _lambda(values):
    values.update(module="keras.layers", class_name="Lambda", registered_name=None)


def _threshold(value):
    return lambda values: values["config"]["calibration"]["thresholds"].update(a_ws=value)


def _shape(value):
    return lambda values: values["config"].update(image_shape=value)


@pytest.mark.parametrize(
    "change",
    [
        _foreign, _lambda, _threshold("high"), _threshold(True), _threshold(float("nan")),
        _shape([30000, 30000, 3]), _shape("many"), _shape([8, 8]), _shape([16, 8, 1]),
        _shape(None), lambda values: values.pop("config"),
        lambda values: values["config"].pop("calibration"),
        lambda values: values["config"]["calibration"].update(images="all"),
        lambda values: values["config"]["calibration"].update(scores=[]),
        lambda values: values["config"].update(config=[]),
    ],
)  # fmt: skip
def test_a_model_tampered_with(run, change):
    with_config(run / run_folder.MODEL, change)
    with pytest.raises(ValueError, match="model.keras"):
        runs.load(run)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1000]),
        lambda path: path.write_bytes(path.read_bytes()[: 2**16] + bytes(2**16)),
        lambda path: with_entry(path, "config.json", lambda content: b"[" * 100_000),
        lambda path: with_entry(path, "config.json", lambda content: content[:100]),
        lambda path: with_entry(path, "model.weights.h5", lambda content: content[:5000]),
        lambda path: with_entry(path, "model.weights.h5", lambda content: b"no HDF5"),
        # It unpacks to a hundred times its size.
        lambda path: with_entry(
            path, "model.weights.h5", lambda content: bytes(2**24), zipfile.ZIP_DEFLATED
        ),
    ],
)
def test_a_damaged_model(run, damage):
    damage(run / run_folder.MODEL)
    with pytest.raises(ValueError, match="model.keras"):
        runs.load(run)


def test_a_model_that_was_never_calibrated(run):
    with_config(run / run_folder.MODEL, lambda values: values["config"].update(calibration=None))
    with pytest.raises(ValueError, match="never calibrated"):
        runs.load(run)
