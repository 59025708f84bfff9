"""What `detectors.base.Detector` promises, checked on every detector of the package and on the
user's own of CONTRIBUTING.md; export_conformance_test has what holds of its exports.
"""

import subprocess
import sys

import numpy as np
import own_detector
import pytest
import tensorflow as tf
from conftest import ROOT, give_back_memory, once, shared_folder
from stored_results import SCORES
from trained_detector import Trained

from tf_ssae.calibration import Calibration
from tf_ssae.detectors import registry
from tf_ssae.ops.batched import joined, of_any_number

EXPECTED = {**SCORES, own_detector.NAME: own_detector.SCORES}


@pytest.fixture(scope="module", params=registry.names())
def trained(request, digit_images, tmp_path_factory):
    trained = Trained(request.param, digit_images)
    # For export_conformance_test, so that it need not train.
    folder = shared_folder(tmp_path_factory) / f"trained-{request.param}"
    once(folder, lambda: trained.store(folder))
    yield trained
    give_back_memory()


def test_scores_have_names_and_one_value_per_image(trained):
    assert (
        set(trained.detector.score_names)
        == set(trained.scores)
        == set(EXPECTED[trained.detector.config.detector])
    )
    for name, values in trained.scores.items():
        assert values.shape == (24,) and values.dtype == np.float32, name


def test_scores_are_finite_and_differ_between_images(trained):
    for name, values in trained.scores.items():
        assert np.isfinite(values).all() and len(np.unique(values)) > 12, name


def test_an_image_scores_the_same_alone_in_any_batch_and_in_any_order(trained):
    order = np.random.default_rng(0).permutation(24)
    alone = [trained.detector(trained.images[i : i + 1]) for i in order[:5]]
    shuffled = trained.detector(tf.gather(trained.images, order))
    for name, values in trained.scores.items():
        np.testing.assert_allclose(
            [float(score[name][0]) for score in alone], values[order[:5]], rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(shuffled[name], values[order], rtol=1e-4, atol=1e-5)


def test_compiled_scores_are_the_scores_whatever_the_last_batch(trained):
    batches = [trained.images[:10], trained.images[10:20], trained.images[20:]]
    # XLA compiles any graph, and takes long: a detector of the thesis and a GAN stand for all.
    with_xla = trained.detector.config.detector in ("ssae", "ganomaly")
    explain = of_any_number(trained.detector.explain, trained.detector.image_shape, with_xla)
    compiled = list(map(explain, batches))
    for name, values in trained.scores.items():
        np.testing.assert_allclose(
            np.concatenate([batch[name] for batch in compiled]), values, rtol=1e-4, atol=1e-5
        )


def test_uint8_and_float_images_score_the_same(trained):
    scores = trained.detector(tf.cast(trained.images, tf.float32) / 255)
    for name, values in trained.scores.items():
        np.testing.assert_allclose(scores[name], values, rtol=1e-4, atol=1e-5)


def test_images_of_another_shape_are_refused(trained):
    with pytest.raises(
        ValueError, match=r"Images of shape \[2, 28, 28, 1\]; expected \[B, 8, 8, 1\]"
    ):
        trained.detector.preprocess(tf.zeros([2, 28, 28, 1], tf.uint8))


def test_integers_that_are_not_uint8_are_refused(trained):
    with pytest.raises(ValueError, match=r"Images of int64; expected uint8, or float in \[0, 1\]"):
        trained.detector(np.zeros([2, 8, 8, 1], np.int64))


def test_one_step_changes_every_trainable_variable(trained):
    unchanged = [
        path for path, value in trained.before.items() if np.array_equal(value, trained.after[path])
    ]
    assert not unchanged
    assert len(trained.before) == len(trained.after) >= 1


def test_reports_what_it_promises(trained):
    assert set(trained.logs) == {"loss", *trained.detector.reports}


def test_its_networks_say_what_it_promises(trained):
    detector = trained.detector
    outputs = detector.combine(detector.networks(trained.images))
    assert set(detector.score_names) <= set(outputs)
    assert ("reconstruction" in outputs) == detector.reconstructs
    assert ("rotation_probabilities" in outputs) == detector.classifies_rotations
    if detector.reconstructs:
        x, rebuilt = detector.preprocess(trained.images), outputs["reconstruction"]
        assert rebuilt.shape == (24, *x.shape[1:])
        assert np.min(rebuilt) >= 0
        if "a_rec" in trained.scores:
            np.testing.assert_allclose(
                np.square(x - rebuilt).sum((1, 2, 3)), trained.scores["a_rec"], rtol=1e-4
            )
    if detector.classifies_rotations:
        probabilities = outputs["rotation_probabilities"].numpy()
        assert probabilities.shape == (24, 4, 4)
        np.testing.assert_allclose(probabilities.sum(2), 1, rtol=1e-5)
        true = probabilities[:, np.arange(4), np.arange(4)]
        if "a_cls" in trained.scores:
            np.testing.assert_allclose(-true.mean(1), trained.scores["a_cls"], rtol=1e-4)
        if "a_log" in trained.scores:
            np.testing.assert_allclose(-np.log(true).mean(1), trained.scores["a_log"], rtol=1e-3)


def test_it_explains_by_what_its_networks_say(trained):
    said, explained = (
        trained.detector.networks(trained.images),
        trained.detector.explain(trained.images),
    )
    for name, values in trained.scores.items():
        np.testing.assert_allclose(explained[name], values, rtol=1e-4, atol=1e-5)
    if trained.detector.reconstructs:
        error = np.square(trained.detector.preprocess(trained.images) - said["reconstruction"])
        np.testing.assert_allclose(explained["squared_error"], error, rtol=1e-4, atol=1e-6)
    if trained.detector.classifies_rotations:
        true = said["rotation_probabilities"].numpy()[:, np.arange(4), np.arange(4)]
        np.testing.assert_allclose(explained["rotation_probabilities"], true, atol=1e-5)


def test_the_score_that_decides_is_one_of_its_own_and_made_of_its_own(trained):
    detector = trained.detector
    for accuracy in (0.25, 1.0):
        assert detector.deciding_score(accuracy) in detector.score_names
    for name, parts in detector.parts.items():
        assert name in detector.score_names and set(parts) < set(detector.score_names)


def test_normalisation_comes_from_the_calibration_images(trained):
    if "a_ws" not in trained.scores:
        pytest.skip("one score alone needs no normalisation")
    raw = joined(trained.detector(batch) for batch in trained.normals.batches(50))
    parts = []
    for name, weight in (("a_rec", 0.25), ("a_cls", 0.75)):
        normal = raw[name]
        parts.append(weight * (trained.scores[name] - normal.min()) / (normal.max() - normal.min()))
    np.testing.assert_allclose(trained.scores["a_ws"], parts[0] + parts[1], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(trained.scores["a_max"], np.maximum(*parts), rtol=1e-3, atol=1e-4)


def test_its_calibration_comes_from_the_held_out_images(trained):
    scores = joined(trained.detector(batch) for batch in trained.held_out.batches(50))
    calibration = trained.detector.calibration
    assert calibration.images == 119 and calibration.held_out
    assert set(calibration.thresholds) == set(trained.detector.score_names)
    assert (calibration.map_scale is not None) == trained.detector.reconstructs
    for name, threshold in calibration.thresholds.items():
        normal = np.sort(scores[name])
        # 5% of 120 is six images: the threshold is the sixth largest score.
        assert threshold == pytest.approx(normal[-6], rel=1e-5), name
        np.testing.assert_allclose(calibration.scores[name], normal, rtol=1e-4, atol=1e-5)


def test_its_calibration_travels_with_it(trained):
    copy = type(trained.detector).from_config(trained.detector.get_config())
    assert isinstance(copy.calibration, Calibration)
    assert copy.calibration.to_dict() == trained.detector.calibration.to_dict()


@pytest.fixture(scope="module")
def loader():
    """A process that loads detectors: it reads their folders, and answers each with a line."""
    program = """
import sys
import keras, numpy as np
from tf_ssae.cli import plugins
from tf_ssae.detectors import registry
plugins.load(sys.argv[1:])
for name in registry.names():
    registry.find(name)
for folder in map(str.strip, sys.stdin):
    detector = keras.saving.load_model(folder + "/model.keras")
    scores = detector(np.load(folder + "/images.npy"))
    np.savez(folder + "/scores.npz", **{name: v.numpy() for name, v in scores.items()})
    print("done", flush=True)
"""
    command = [sys.executable, "-c", program, str(own_detector.PATH)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield process


def test_a_fresh_process_loads_it_and_scores_the_same(trained, loader, tmp_path):
    trained.detector.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", trained.images)
    loader.stdin.write(f"{tmp_path}\n")
    loader.stdin.flush()
    assert loader.stdout.readline() == "done\n"
    loaded = np.load(tmp_path / "scores.npz")
    assert set(loaded) == set(trained.scores)
    for name, values in trained.scores.items():
        np.testing.assert_allclose(loaded[name], values, rtol=1e-5, atol=1e-6)
