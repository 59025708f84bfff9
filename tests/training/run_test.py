"""Whole runs on real digits, and runs that cannot succeed or are interrupted."""

import csv
import dataclasses
import json
import shutil
import signal
import subprocess
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import DIGITS_EPOCHS, QUICK, QUICK_FLAGS, train, train_command, without_report

from tf_ssae import runs
from tf_ssae.data import pipeline
from tf_ssae.data.images import LabelledImages
from tf_ssae.detectors import ganomaly, registry
from tf_ssae.detectors.health import TrainingFailed
from tf_ssae.detectors.registry import preset
from tf_ssae.evaluation import predictions
from tf_ssae.training import begin, checkpoints
from tf_ssae.training import run as training


def weights(model_dir):
    return runs.load(model_dir).get_weights()


def test_digits_beat_chance_by_far(digits_run):
    model_dir, done = digits_run
    assert done.returncode == 0, done.stderr
    metrics = json.loads((model_dir / "metrics.json").read_text())
    assert metrics["share"] == pytest.approx(0.357, abs=1e-3)
    for name in ("a_rec", "a_cls", "a_ws", "a_max"):
        # 0.357 is chance. Every score must close at least a third of the way from there to 1.
        assert metrics["scores"][name]["average_precision"] > 0.57, name
        assert f"\n{name} " in done.stdout
    assert metrics["rotation_accuracy"]["normal"] > max(
        0.8, metrics["rotation_accuracy"]["anomalous"]
    )


def test_the_user_sees_only_our_lines(digits_run):
    _, done = digits_run
    assert done.stderr == ""
    assert "digits: class 0 (0) is the anomaly, the other 9 classes are normal." in done.stdout
    for part in ("l_rec", "l_cls", "rotation_accuracy"):
        assert part in done.stdout


def test_run_folder_is_whole(digits_run):
    model_dir, _ = digits_run
    assert {path.name for path in model_dir.iterdir()} == {
        "config.json",
        "model.keras",
        "metrics.json",
        "scores.csv",
        "report.html",
        "history.csv",
        "environment.json",
        "trained_weights.npz",
        "training_images.npy",
        "held_out_images.npy",
        "logs",
    }
    assert not model_dir.with_name("digits.partial").exists()
    environment = json.loads((model_dir / "environment.json").read_text())
    assert environment["command"].endswith(f"--epochs={DIGITS_EPOCHS} --model_dir={model_dir}")
    assert environment["versions"]["tensorflow"] == tf.__version__
    with open(model_dir / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, DIGITS_EPOCHS + 1))
    assert float(rows[-1]["l_rec"]) < float(rows[0]["l_rec"]) and float(rows[-1]["l_cls"]) < float(
        rows[0]["l_cls"]
    )


def test_stored_scores_are_those_of_the_stored_model(digits_run, digit_images):
    model_dir, _ = digits_run
    with open(model_dir / "scores.csv") as file:
        rows = list(csv.DictReader(file))
    chosen = [int(row["id"]) for row in rows[:40]]
    assert [int(row["label"]) for row in rows[:40]] == digit_images.labels[chosen].tolist()
    assert all((row["label"] == "0") == (row["is_anomaly"] == "1") for row in rows)
    scores = runs.load(model_dir)(digit_images.images[chosen])
    for name, values in scores.items():
        np.testing.assert_allclose(
            [float(row[name]) for row in rows[:40]], values, rtol=1e-3, atol=1e-4
        )


def test_tensorboard_gets_one_image_per_epoch(quick_run):
    images = 0
    for path in (quick_run / "logs" / "reconstructions").iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            images += sum(value.tag.startswith("originals") for value in event.summary.value)
    assert images == QUICK["epochs"]


@pytest.fixture(scope="module")
def other_seed(tmp_path_factory):
    """The folder of a run that differs from `quick_run` in its seed alone. It was interrupted, and
    started again in the same process, which still held all that the first try had made.
    """

    def interrupt(*_):
        raise KeyboardInterrupt

    model_dir = tmp_path_factory.mktemp("runs") / "other"
    config = preset("digits", seed=1, **QUICK)
    with without_report(), pytest.raises(KeyboardInterrupt) as kept:
        training.train(config, model_dir, watch=interrupt)
    with without_report():
        training.train(config, model_dir)
    # A notebook holds on to the traceback, and so to all that its frames hold.
    assert kept.tb is not None
    return model_dir


def test_a_run_interrupted_in_a_notebook_can_be_started_again_there(other_seed):
    assert (other_seed / "metrics.json").is_file()


def test_another_seed_gives_another_result(quick_run, other_seed):
    assert not np.array_equal(weights(quick_run)[0], weights(other_seed)[0])
    assert (quick_run / "scores.csv").read_text() != (other_seed / "scores.csv").read_text()


def test_a_killed_run_resumes_and_ends_with_the_same_weights_and_scores(quick_run, tmp_path):
    # In other processes, so that nothing left in this one can help: one seed gives one result.
    model_dir = tmp_path / "killed"
    process = subprocess.Popen(
        train_command(*QUICK_FLAGS, f"--model_dir={model_dir}"), stdout=subprocess.DEVNULL
    )
    partial = tmp_path / "killed.partial"
    checkpoint = partial / "checkpoints" / "checkpoint"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not model_dir.exists()
    assert checkpoint.exists() and not (partial / "scores.csv").exists()
    first = (partial / "history.csv").read_text().splitlines()[1]

    done = train(*QUICK_FLAGS, f"--model_dir={model_dir}")
    assert done.returncode == 0, done.stderr
    assert "resumed" in done.stdout
    for ours, theirs in zip(weights(model_dir), weights(quick_run), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (model_dir / "scores.csv").read_text() == (quick_run / "scores.csv").read_text()
    rows = (model_dir / "history.csv").read_text().splitlines()[1:]
    # The first with the seconds it took, and so not trained again.
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3"] and rows[0] == first
    whole = (quick_run / "history.csv").read_text().splitlines()[1:]
    assert [row.split(",")[2:] for row in rows] == [row.split(",")[2:] for row in whole]


def test_a_run_resumes_from_its_checkpoint(quick_run, tmp_path):
    def interrupt(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    interrupted = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        training.train(preset("digits", **QUICK), tmp_path / "run", watch=lambda *_: [interrupted])
    history = tmp_path / "run.partial" / "history.csv"
    names, first = history.read_text().splitlines()
    # As of a process that died when it had written the second epoch's row, and not yet its
    # checkpoint.
    history.write_text(f"{names}\n{first}\n2{first.removeprefix('1')}\n")
    with without_report():
        training.train(preset("digits", **QUICK), tmp_path / "run")
    for ours, theirs in zip(weights(tmp_path / "run"), weights(quick_run), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    rows = (tmp_path / "run" / "history.csv").read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ["1", "2", "3"] and rows[0] == first


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory):
    def stop(*args):
        raise KeyboardInterrupt

    model_dir = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(predictions, "evaluate", stop)
        training.train(preset("digits", **QUICK), model_dir)
    return model_dir.with_name("run.partial")


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """A run folder that was left after its last epoch, before it was evaluated."""
    return shutil.copytree(stopped_once, tmp_path / "run.partial")


def test_a_run_stopped_after_training_is_only_evaluated(stopped, quick_run):
    training.train(preset("digits", **QUICK), stopped.with_name("run"))
    assert (stopped.with_name("run") / "scores.csv").read_text() == (
        quick_run / "scores.csv"
    ).read_text()
    assert not stopped.exists()


def test_a_corrupt_checkpoint_is_named(stopped):
    (data,) = (stopped / "checkpoints").glob("*.data-*")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    with pytest.raises(ValueError, match=f"checkpoint .* cannot be resumed.*Remove {stopped}"):
        training.train(preset("digits", **QUICK), stopped.with_name("run"))
    assert data.exists()


def test_a_run_of_other_settings_is_not_resumed(stopped):
    with pytest.raises(FileExistsError, match=r"other settings: epochs=3 \(now 4\)"):
        training.train(preset("digits", **{**QUICK, "epochs": 4}), stopped.with_name("run"))


def test_a_run_started_on_other_images_is_not_resumed(stopped, digit_images):
    other = dataclasses.replace(digit_images, images=255 - digit_images.images)
    with pytest.raises(FileExistsError, match="was started on other images"):
        training.train(preset("digits", **QUICK), stopped.with_name("run"), data=other)
    assert stopped.exists()


def test_a_corrupt_run_folder_is_left_alone(stopped):
    (stopped / "config.json").write_text('{"dataset": "dig')
    with pytest.raises(FileExistsError, match="config.json is corrupt.* It was left unchanged"):
        training.train(preset("digits", **QUICK), stopped.with_name("run"))


def test_a_finished_run_is_not_overwritten(quick_run):
    before = {path: path.stat().st_mtime_ns for path in quick_run.rglob("*")}
    with pytest.raises(FileExistsError, match="already holds this run, finished"):
        training.train(preset("digits", **QUICK), quick_run)
    with pytest.raises(FileExistsError, match=r"other settings: seed=0 \(now 1\)"):
        training.train(preset("digits", seed=1, **QUICK), quick_run)
    assert before == {path: path.stat().st_mtime_ns for path in quick_run.rglob("*")}


def test_somebody_elses_folder_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"a cat")
    with pytest.raises(
        FileExistsError,
        match="photos is in the way: .*not a run folder of tf_ssae.* It was left unchanged",
    ):
        training.train(preset("digits"), tmp_path / "photos")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        OSError, match="Cannot write the run folder .*file/run.partial.* Pass another --model_dir"
    ):
        training.train(preset("digits"), tmp_path / "file" / "run")


def test_the_saved_model_holds_no_optimizer(quick_run):
    detector = runs.load(quick_run)
    floats = sum(np.size(variable) for variable in detector.variables)
    assert (quick_run / "model.keras").stat().st_size < 1.2 * 4 * floats + 300_000


def test_loading_what_is_not_a_finished_run(stopped, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a run folder"):
        runs.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="unfinished run"):
        runs.load(stopped)


def test_images_of_your_own(tmp_path, digit_images):
    """Any labelled images train, as floats too; so does the ensemble, end to end."""
    floats = dataclasses.replace(
        digit_images, images=(digit_images.images / 255).astype(np.float32)
    )
    with without_report():
        metrics = training.train(
            preset("digits", detector="ensemble", **QUICK), tmp_path / "run", data=floats
        )
    assert set(metrics["scores"]) == {"a_rec", "a_cls", "a_ws", "a_max"}


@pytest.mark.parametrize(
    "detector, score, settings",
    [
        # training/disk_test has the auto-encoder, and test_a_gan_that_collapsed... the other GAN.
        ("rotation", "a_cls", QUICK),
        ("ganomaly", "a_ganomaly", dict(max_train_images=128, epochs=1, batch_size=16)),
    ],
)
def test_base_models_and_gans_run_end_to_end(tmp_path, detector, score, settings):
    metrics = training.train(preset("digits", detector=detector, **settings), tmp_path / "run")
    assert set(metrics["scores"]) == {score}
    assert ("rotation_accuracy" in metrics) == (detector == "rotation")
    assert ("health" in metrics) == (detector == "ganomaly")


@pytest.mark.parametrize("detector", ["egbad", "ganomaly"])
def test_a_resumed_gan_continues_its_noise_and_its_averages(
    detector, tmp_path, digit_images, monkeypatch
):
    # So that every step of GANomaly draws at random too.
    monkeypatch.setattr(ganomaly, "_HOPELESS", 100.0)
    config = preset("digits", detector=detector, learning_rate=1e-3, batch_size=4, epochs=2)
    images = digit_images.images[:8]

    def trained(folder, epochs):
        made = registry.make(config, digit_images.image_shape)
        # Two steps take less time than to trace one.
        made.run_eagerly = True
        state = checkpoints.Checkpoints(made, folder)
        batches = pipeline.training_batches(images, np.arange(8), config, state.first_epoch).map(
            lambda step, x: x
        )
        made.fit(
            batches,
            steps_per_epoch=2,
            epochs=epochs,
            initial_epoch=state.first_epoch,
            shuffle=False,
            verbose=0,
            callbacks=[state],
        )
        made.finish_training()
        return [v.numpy() for network in made.layers for v in network.weights]

    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = trained(tmp_path / "whole", 2)
    # What finishes training happens after the last checkpoint, and changes nothing in it.
    trained(tmp_path / "parts", 1)
    # The second of these trains no more: a run that was killed while it was calibrated.
    for _ in range(2):
        for ours, theirs in zip(trained(tmp_path / "parts", 2), whole, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_gan_that_collapsed_is_scored_with_a_warning(tmp_path, monkeypatch, capsys):
    plain = begin.registry.make

    def with_constant_generator(config, image_shape):
        detector = plain(config, image_shape)
        detector.generator.layers[-2].kernel.assign(detector.generator.layers[-2].kernel * 0)
        return detector

    monkeypatch.setattr(begin.registry, "make", with_constant_generator)
    config = preset("digits", detector="egbad", **{**QUICK, "epochs": 1, "learning_rate": 1e-6})
    metrics = training.train(config, tmp_path / "run")
    assert (
        set(metrics["scores"]) == {"a_egbad"} and metrics["health"]["reconstruction_spread"] < 0.01
    )
    (warning,) = metrics["health"]["warnings"]
    assert warning.startswith(
        "The generator collapsed, or was trained too little: its reconstructions hardly differ"
    )
    assert f"WARNING: {warning}" in capsys.readouterr().out
    assert warning in (tmp_path / "run" / "report.html").read_text()
    assert (
        json.loads((tmp_path / "run" / "metrics.json").read_text())["health"] == metrics["health"]
    )


def test_a_loss_that_becomes_nan_stops_the_run(tmp_path):
    config = preset("digits", **{**QUICK, "learning_rate": 1e30, "output_activation": "relu"})
    with pytest.raises(
        TrainingFailed, match="became NaN or infinite at step .* Lower --learning_rate"
    ):
        training.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_decoder_that_dies_stops_the_run(tmp_path, monkeypatch):
    plain = begin.registry.make

    def with_dying_decoder(config, image_shape):
        detector = plain(config, image_shape)
        detector.decoder.layers[-2].bias.assign([-10.0])
        return detector

    monkeypatch.setattr(begin.registry, "make", with_dying_decoder)
    with pytest.raises(TrainingFailed, match="The decoder died.*--output_activation=sigmoid"):
        training.train(preset("digits", **{**QUICK, "output_activation": "relu"}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_constant_decoder_is_not_scored(tmp_path):
    config = preset("digits", **{**QUICK, "epochs": 1, "learning_rate": 1e-6})
    with pytest.raises(TrainingFailed, match="same reconstruction for every image"):
        training.train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "settings, message",
    [
        (
            {"anomaly": 10},
            "--anomaly=10: digits has no such class. Its classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        ({"batch_size": 2000}, "batch_size=2000 is more than the 1154 training images"),
        ({"dataset": "mnist", "data_dir": "/nowhere"}, "That folder does not exist"),
    ],
)
def test_bad_settings_are_refused_before_anything_is_written(settings, message, tmp_path):
    with pytest.raises((ValueError, OSError), match=message):
        training.train(preset(settings.pop("dataset", "digits"), **settings), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_images_that_no_network_takes_are_refused(tmp_path):
    labels = np.arange(200) % 10
    data = LabelledImages(np.zeros((200, 64, 64, 1), np.uint8), labels, tuple("0123456789"))
    with pytest.raises(ValueError, match=r"Images of shape \[64, 64, 1\]; expected square images"):
        training.train(preset("digits"), tmp_path / "run", data=data)
    assert not list(tmp_path.iterdir())
