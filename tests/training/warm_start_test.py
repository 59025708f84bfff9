"""Runs that begin with the weights of another run, on images of which some trained it."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf
from conftest import QUICK, run_command

from tf_ssae import runs
from tf_ssae.data import protocols
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.export.same_split import same_split
from tf_ssae.runs import run_folder, trained_weights, training_images
from tf_ssae.training import run as training
from tf_ssae.training.warm_start import WarmStart, in_words

SETTINGS = {**QUICK, "max_train_images": 512, "calibration_share": 0.2}


def settings(run, **changes):
    return preset("digits", **{**SETTINGS, "init_from": str(run), **changes})


@pytest.fixture(scope="module")
def warm_run(quick_run, tmp_path_factory):
    """A run on more images than `quick_run`, begun with its weights; and its metrics."""
    model_dir = tmp_path_factory.mktemp("runs") / "warm"
    return model_dir, training.train(settings(quick_run), model_dir)


def test_it_begins_with_what_the_other_run_had_learnt(quick_run, digit_images):
    """Those in `model.keras` are folded, so these are others, but score the same."""
    detector = registry.make(settings(quick_run), digit_images.image_shape)
    images = tf.constant(digit_images.images[:16])
    WarmStart.of(detector.config).give(detector)
    expected, found = runs.load(quick_run).networks(images), detector.networks(images)
    np.testing.assert_allclose(found["a_rec"], expected["a_rec"], rtol=1e-3)
    np.testing.assert_allclose(found["a_cls"], expected["a_cls"], atol=1e-3)


def test_it_goes_on_from_there(quick_run, warm_run):
    first = [
        float((run / "history.csv").read_text().splitlines()[1].split(",")[2])
        for run in (quick_run, warm_run[0])
    ]
    assert first[1] < 0.7 * first[0]


def test_nothing_that_trained_the_other_run_sets_the_threshold_or_tests(
    quick_run, warm_run, digit_images
):
    model_dir, metrics = warm_run
    trained = training_images.read(quick_run)
    split = protocols.split(
        digit_images,
        run_folder.read_config(model_dir),
        training_images.trained_before(model_dir, digit_images),
    )
    environment = json.loads((model_dir / run_folder.ENVIRONMENT).read_text())
    assert split.fingerprint() == environment["split_fingerprint"]
    for subset in (split.calibration, split.test):
        assert len(subset) and not trained & set(training_images.digests(subset).tolist())
    assert metrics["train_images"] + len(split.calibration) == 512
    # A third run would have to know all that trained either.
    assert training_images.read(model_dir) == trained | set(
        training_images.digests(split.train).tolist()
    )


def test_it_says_how_the_scores_of_the_held_out_images_moved(quick_run, warm_run, digit_images):
    model_dir, metrics = warm_run
    found = metrics["warm_start"]
    assert found["held_out"] == len(training_images.read_held_out(quick_run))
    assert 0 < found["images"] <= found["held_out"] - found["train"]
    held_out = training_images.among(digit_images, training_images.read_held_out(quick_run))
    now = training_images.among(digit_images, training_images.read(model_dir))
    images = tf.constant(digit_images.images[held_out & ~now])
    assert len(images) == found["images"]
    for run, said in ((quick_run, found["before"]), (model_dir, found["now"])):
        detector = runs.load(run)
        scores = detector(images)[said["score"]].numpy()
        assert said["median"] == pytest.approx(np.median(scores), rel=1e-3)
        assert said["above"] == (scores > detector.calibration.threshold).sum()
    sentence = in_words(found)
    assert f"Of the {found['held_out']} images that it held out, {found['images']} do" in sentence
    assert sentence in (model_dir / "report.html").read_text().replace("<wbr>", "")


def test_its_images_are_found_again_for_an_export(warm_run, digit_images, tmp_path):
    config = run_folder.read_config(warm_run[0])
    gone = dataclasses.replace(config, init_from="gone")
    split = same_split(gone, warm_run[0], None, digit_images, tmp_path / "cache")
    assert len(split.train) == warm_run[1]["train_images"]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"detector": "autoencoder"}, "its networks differ: detector='ssae' .now 'autoencoder'"),
        ({"image_size": 64}, "its networks differ: image_size=32 .now 64"),
        ({"latent_depth": 32}, "latent_depth=16 .now 32., side_latent_depth=1 .now 3"),
        ({"crop": "centre"}, "it cut images otherwise"),
    ],
)
def test_other_networks_are_refused_before_the_work(quick_run, changes, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        training.train(settings(quick_run, **changes), tmp_path / "run")
    assert not list(tmp_path.iterdir())


def test_colour_after_grey_is_refused(quick_run, digit_images, tmp_path):
    colour = dataclasses.replace(digit_images, images=digit_images.images.repeat(3, axis=3))
    with pytest.raises(ValueError, match="grey of 8 pixels and colour of 8 pixels"):
        training.train(settings(quick_run), tmp_path / "run", data=colour)
    assert not list(tmp_path.iterdir())


def test_a_folder_without_new_images_cannot_set_a_threshold(digit_images):
    config = preset("digits", calibration_share=0.2)
    trained = digit_images.labels > 0
    trained[np.flatnonzero(trained)[:20]] = False
    with pytest.raises(ValueError, match="to hold out for the threshold.*Add good images"):
        protocols.split(digit_images, config, trained)


def test_runs_without_what_it_needs_are_refused(quick_run, tmp_path):
    run = shutil.copytree(quick_run, tmp_path / "old", ignore=shutil.ignore_patterns("logs"))
    (run / trained_weights.FILE).write_bytes(b"PK")
    with pytest.raises(ValueError, match=f"{trained_weights.FILE} is damaged"):
        WarmStart.of(settings(run))
    (run / trained_weights.FILE).unlink()
    with pytest.raises(FileNotFoundError, match="earlier version of tf_ssae. Train it again"):
        WarmStart.of(settings(run))
    done = run_command("train.py", f"--init_from={tmp_path}", f"--model_dir={tmp_path / 'new'}")
    assert done.returncode == 1 and "is not a run folder of tf_ssae" in done.stderr
