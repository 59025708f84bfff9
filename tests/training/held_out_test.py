"""Learning curves: what is measured on held-out images, when, and that training does not notice."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import QUICK, read_page, without_report

from tf_ssae import runs
from tf_ssae.data import pipeline, protocols
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.ops.losses import RECONSTRUCTION_LOSSES
from tf_ssae.training import checkpoints, fit
from tf_ssae.training import run as training
from tf_ssae.training.held_out import HeldOut, parting


def history(model_dir):
    with open(model_dir / "history.csv") as file:
        return list(csv.DictReader(file))


def without_it(monkeypatch):
    monkeypatch.setattr(fit, "HeldOut", lambda *_: keras.callbacks.Callback())


def test_training_is_the_same_where_nothing_is_measured(quick_run, tmp_path, monkeypatch):
    without_it(monkeypatch)
    with without_report():
        training.train(preset("digits", **QUICK), tmp_path / "run")
    plain, measured = history(tmp_path / "run"), history(quick_run)
    assert set(measured[0]) - set(plain[0]) == {
        f"val_{name}" for name in ("loss", "l_rec", "l_cls", "rotation_accuracy")
    }
    for row, other in zip(plain, measured, strict=True):
        assert all(row[name] == other[name] for name in row if name != "seconds")
    for ours, theirs in zip(
        runs.load(tmp_path / "run").get_weights(), runs.load(quick_run).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_training_of_the_locator_is_the_same_too(digit_images, tmp_path, monkeypatch):
    settings = dict(image_size=32, batch_size=8, max_train_images=24, epochs=2, jit_compile=False)
    config = preset("digits", detector="locator", **settings)
    split = protocols.split(digit_images, config)

    def trained(folder):
        folder.mkdir()
        detector = registry.make(config, split.data.image_shape)
        steps = pipeline.steps_per_epoch(len(split.train.index), config)
        _, rows = fit.fit(detector, split, steps, folder, None)
        return detector.get_weights(), rows

    weights, rows = trained(tmp_path / "measured")
    for row in rows:
        assert all(np.isfinite(row[f"val_{name}"]) for name in ("l_focal", "l_dice", "l_rec"))
    without_it(monkeypatch)
    for ours, theirs in zip(weights, trained(tmp_path / "plain")[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.fixture(scope="module")
def split(digit_images):
    return protocols.split(digit_images, preset("digits"))


def test_it_measures_the_losses_of_held_out_images_as_the_trained_model_has_them(split):
    """Three batches of 33 are all 99 held-out images."""
    config = preset("digits", detector="autoencoder", batch_size=33, epochs=1)
    detector = registry.make(config, split.data.image_shape)
    before = [w.copy() for w in detector.get_weights()]
    logs = {"loss": 1.0}
    HeldOut(detector, split.calibration, steps=30).on_epoch_end(0, logs)
    images = tf.constant(split.calibration.images)
    losses = RECONSTRUCTION_LOSSES[config.reconstruction_reduction](
        detector.preprocess(images), detector.networks(images)["reconstruction"]
    )
    assert len(split.calibration) == 99 and set(logs) == {"loss", "val_loss", "val_l_rec"}
    assert logs["val_l_rec"] == pytest.approx(float(np.mean(losses)), rel=1e-5)
    # Nothing was learnt: neither weights nor the averages of BatchNorm.
    for ours, theirs in zip(before, detector.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "steps, epochs", [(30, [0, 1, 2, 3, 4, 5, 6, 7]), (10, [0, 1, 4, 7]), (1, [0, 7])]
)
def test_it_measures_as_often_as_a_tenth_of_the_images_that_train_allows(split, steps, epochs):
    config = preset("digits", detector="autoencoder", batch_size=33, epochs=8)
    detector = registry.make(config, split.data.image_shape)
    callback, measured = HeldOut(detector, split.calibration, steps), []
    callback._losses = lambda batch: {"loss": 1.0}
    for epoch in range(8):
        logs = {}
        callback.on_epoch_end(epoch, logs)
        if logs:
            measured.append(epoch)
    assert measured == epochs


def test_the_sample_is_bounded_seeded_and_drawn_from_held_out_images(split):
    def batches(**settings):
        config = preset("digits", detector="autoencoder", epochs=1, **settings)
        detector = registry.make(config, split.data.image_shape)
        return [np.asarray(batch) for batch in HeldOut(detector, split.calibration, 30)._batches]

    found = batches(batch_size=20)
    np.testing.assert_array_equal(found, batches(batch_size=20))
    held_out = {image.tobytes() for image in split.calibration.images}
    assert len(found) == 4 and {image.tobytes() for batch in found for image in batch} <= held_out
    assert not np.array_equal(found, batches(batch_size=20, seed=1))
    # Fewer than a batch are repeated.
    (one,) = batches(batch_size=128)
    assert len(one) == 128 and {image.tobytes() for image in one} == held_out


def test_its_random_numbers_are_none_that_train(split):
    config = preset("digits", detector="locator", image_size=32, epochs=1)
    detector = registry.make(config, split.data.image_shape)
    index = split.calibration.index[np.newaxis, :12]

    def shown(first, count):
        numbered = pipeline.numbered_batches(split.data.images, index.repeat(count, 0), first)
        return {batch[1].numpy().tobytes() for batch in detector.prepare(numbered, 30)}

    # The same images, with other defects each time.
    trained, held_out = shown(0, 30), shown(30, 2)
    assert len(trained) == 30 and len(held_out) == 2 and not trained & held_out


def test_the_curves_of_both_are_in_history_tensorboard_and_report(digits_run):
    model_dir, _ = digits_run
    rows = history(model_dir)
    for name in ("l_rec", "l_cls", "rotation_accuracy"):
        assert all(row[f"val_{name}"] for row in rows), "each epoch has images enough"
    assert float(rows[-1]["val_rotation_accuracy"]) > 0.8 > float(rows[0]["val_rotation_accuracy"])
    (log,) = (model_dir / "logs" / "validation").iterdir()
    tags = {
        value.tag
        for event in tf.compat.v1.train.summary_iterator(str(log))
        for value in event.summary.value
    }
    assert {"epoch_l_rec", "epoch_l_cls", "epoch_rotation_accuracy"} <= tags
    page = read_page(model_dir / "report.html")
    figures = page.split("<h2>Training</h2>")[1].split("</section>")[0]
    assert figures.count("held-out images</li>") == figures.count("<figure>") == 4
    assert "val_" not in figures


def test_where_training_and_held_out_images_part_is_said():
    alike = {"epoch": 2, "loss": 1.0, "val_loss": 9.0, "l_rec": 0.5, "val_l_rec": 0.9}
    assert parting([alike]) == parting([]) == parting([{"epoch": 1, "l_rec": 1.0}]) == ""
    apart = {**alike, "rotation_accuracy": 0.99, "val_rotation_accuracy": 0.9}
    assert "in rotation_accuracy 0.99 and 0.9: what the networks" in parting([alike, apart])
    assert parting([apart, alike]) == ""
    # More accurate, or less lost, on held-out images is no reason to worry.
    assert parting([{**apart, "val_rotation_accuracy": 1.0, "val_l_rec": 0.1}]) == ""
    both = parting([{**apart, "l_cls": 0.001, "val_l_cls": 0.3}])
    assert "rotation_accuracy 0.99 and 0.9; l_cls 0.001 and 0.3" in both


def test_a_history_that_an_earlier_version_began_goes_on(tmp_path):
    path = tmp_path / "history.csv"
    rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0, "val_loss": 1.5}]
    checkpoints._write_history(path, rows)
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "1,2.0,", "2,1.0,1.5"]
    assert checkpoints._read_history(path) == rows
