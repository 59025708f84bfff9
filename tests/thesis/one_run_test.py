"""The process that trains one run, and what it records. Training itself is replaced; `worker_test`
trains for real.
"""

import json
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split, Subset
from tf_ssae.detectors.health import TrainingFailed
from tf_ssae.detectors.registry import preset
from tf_ssae.runs.run_folder import FolderBusy
from tf_ssae.training import run as training
from thesis import one_run
from thesis.grids import GRIDS, Scale

NAME = GRIDS["smoke"].runs[0].name
ENVIRONMENT = {"versions": {}, "git_revision": None, "machine": {}, "split_fingerprint": "split"}


@pytest.fixture
def job(tmp_path):
    scale = {"max_train_images": 0, "epochs": 0, "max_test_images": 0, "rotations": ""}
    folders = {"results": str(tmp_path / "results"), "work": str(tmp_path / "work")}
    return {"grid": "smoke", "scale": scale, "name": NAME, **folders}


def begun(folder):
    """What is in a run's folder once its first epoch is done."""
    folder.mkdir(parents=True)
    config = preset(**GRIDS["smoke"].config_settings(GRIDS["smoke"].runs[0], Scale()))
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "environment.json").write_text(json.dumps(ENVIRONMENT))
    (folder / "history.csv").write_text("epoch,seconds,loss,val_loss\n1,2.5,0.123456789,\n")


def ending_with(error, trained, monkeypatch):
    def run(config, model_dir, watch):
        begun(model_dir.with_name(f"{model_dir.name}.partial"))
        (callback,) = watch(None, None, None)
        if trained:
            callback.on_train_end({})
        raise error

    monkeypatch.setattr(one_run, "watch", lambda *args: [])
    monkeypatch.setattr(training, "train", run)


@pytest.mark.parametrize(
    "error, trained",
    [(TrainingFailed("The decoder died."), False), (ValueError("The decoder died."), True)],
)
def test_a_training_that_failed_is_a_result(error, trained, job, store, monkeypatch):
    ending_with(error, trained, monkeypatch)
    assert one_run.main(job) == one_run.FAILED
    (run,) = store.load("smoke").runs.itertuples()
    assert run.failed == "The decoder died." and run.stored["metrics"] is None
    assert run.stored["history"] == [{"epoch": 1, "seconds": 2.5, "loss": 0.123457}]
    assert run.seconds >= 2.5


@pytest.mark.parametrize(
    "error, status",
    [
        (ValueError("anomaly=11"), one_run.UNUSABLE),
        (FileNotFoundError("No prepared data set"), one_run.UNUSABLE),
        (FileExistsError("A run with other settings"), one_run.UNUSABLE),
        (FolderBusy("Another process is training"), one_run.BUSY),
    ],
)
def test_what_cannot_be_trained_stores_nothing(error, status, job, store, monkeypatch, capsys):
    ending_with(error, False, monkeypatch)
    assert one_run.main(job) == status
    assert capsys.readouterr().out == f"Error: {error}\n" and not store.root.exists()


def test_a_finished_run_that_was_not_stored_is_not_trained_again(job, store, monkeypatch, tmp_path):
    folder = tmp_path / "work" / "run"
    begun(folder)
    scores = {name: {"average_precision": 0.5} for name in ("a_rec", "a_cls", "a_ws", "a_max")}
    (folder / "metrics.json").write_text(json.dumps({"share": 0.357, "scores": scores}))
    monkeypatch.setattr(training, "train", None)
    assert one_run.main(job) == one_run.STORED
    stored = store.load("smoke", Scale().name)
    assert set(stored.scores.average_precision) == {0.5}
    assert stored.runs.stored[0]["command"] == f"python -m thesis.run --grid=smoke --name={NAME}"


def split_of(data, anomalous, test):
    """Image 0 trains, `test` tests."""
    index = (np.arange(1), np.arange(0), test)
    return Split(*(Subset(data, images, anomalous) for images in index))


def always_right_on_black(images):
    """On white images the likeliest answer is always 0."""
    is_white = tf.cast(tf.reduce_max(images, [1, 2, 3]) > 0, tf.float32)[:, None, None]
    right, none = tf.eye(4), tf.one_hot([0] * 4, 4)
    return {"rotation_probabilities": right + is_white * 0.6 * (none - right)}


def test_rotation_accuracy_is_recorded_by_kind(tmp_path):
    labels = np.array([0, 0, 1, 0, 1, 1])
    images = np.zeros([6, 8, 8, 1], np.uint8) + np.uint8(255) * labels[:, None, None, None]
    data = LabelledImages(images.astype(np.uint8), labels, ("good", "scratch"))
    split = split_of(data, np.array([False, True]), np.arange(1, 6))
    detector = types.SimpleNamespace(
        networks=always_right_on_black, trained_on_rotations=True, reconstructs=False
    )
    (callback,) = one_run.watch(detector, split, tmp_path)
    logs = {}
    callback.on_epoch_end(0, logs)
    assert logs == {"test_rotation_accuracy_normal": 1.0, "test_rotation_accuracy_anomalous": 0.25}


@pytest.mark.parametrize("classes, drawn", [(tuple("0123456789"), True), (("good", "bad"), False)])
def test_strips_are_drawn_of_digits_alone(classes, drawn, tmp_path):
    labels = np.arange(20) % len(classes)
    images = np.zeros([20, 8, 8, 1], np.uint8) + np.uint8(10) * labels[:, None, None, None]
    data = LabelledImages(images.astype(np.uint8), labels, classes)
    anomalous = np.arange(len(classes)) == 1
    test = np.arange(20)[labels != 0] if len(classes) == 2 else np.arange(2, 20)
    split = split_of(data, anomalous, test)
    detector = types.SimpleNamespace(
        preprocess=lambda images: images / 255,
        networks=lambda images: {"reconstruction": 1 - images / 255},
        trained_on_rotations=False,
        reconstructs=True,
    )
    for callback in one_run.watch(detector, split, tmp_path):
        callback.on_train_end({})
    found = {path.name for path in tmp_path.iterdir()}
    assert found == ({one_run.OF_CLASSES, one_run.OF_ANOMALIES} if drawn else set())
    if drawn:
        # One test image is of the anomalous class, the first place; each class has its own place.
        assert originals(tmp_path / one_run.OF_ANOMALIES) == [10] + [255] * 9
        assert originals(tmp_path / one_run.OF_CLASSES) == [10 * k for k in range(10)]


def originals(path):
    """The grey level of each of the ten places of a strip, upper row."""
    strip = np.asarray(Image.open(path))
    width = strip.shape[1] // 10
    return strip[strip.shape[0] // 4, width // 2 :: width].tolist()


def test_a_strip_holds_images_above_their_reconstructions_each_in_its_place(tmp_path):
    detector = types.SimpleNamespace(
        preprocess=lambda images: images / 255,
        networks=lambda images: {"reconstruction": 1 - images / 255},
    )
    images = np.float32([60, 200])[:, None, None, None] * np.ones([1, 8, 8, 1], np.float32)
    one_run.write_strip(detector, images, [0, 7], tmp_path / "strip.png")
    assert originals(tmp_path / "strip.png") == [60, *[255] * 6, 200, 255, 255]
    strip = np.asarray(Image.open(tmp_path / "strip.png"))
    assert strip[-4, 4::8].tolist() == [195, *[255] * 6, 55, 255, 255]
