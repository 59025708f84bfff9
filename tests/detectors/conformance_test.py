"""What `detectors.base.Detector` promises, checked on every detector of the package and on the
user's own of CONTRIBUTING.md.
"""

import dataclasses

import numpy as np
import own_detector
import pytest
import tensorflow as tf
from conftest import give_back_memory, run_python
from stored_results import SCORES

from tf_ssae.calibration import Calibration
from tf_ssae.data import pipeline
from tf_ssae.data.protocols import split
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.evaluation import predictions
from tf_ssae.export import openvino_ir, saved_model, tflite
from tf_ssae.ops.batched import batched, joined
from tf_ssae.scoring import saved_model as exported
from tf_ssae.scoring.tflite import TFLiteModel
from tf_ssae.training import calibrate

# Of wavelets.
WITHOUT_NETWORKS = ("a_tex", "a_win")

EXPECTED = {**SCORES, own_detector.NAME: own_detector.SCORES}


class Trained:
    """A detector after some steps on real digits, calibrated, with some test images; its weights
    around the first step.
    """

    def __init__(self, name, digit_images, rotations="all", precision="float32"):
        # A high rate, so that one step moves every variable by more than rounding; no default where
        # a test has to notice the setting.
        settings = dict(learning_rate=0.01, batch_size=32, alpha=0.25, target_fpr=0.05)
        how = dict(rotations=rotations, precision=precision)
        config = preset("digits", detector=name, **how, **settings)
        chosen = split(digit_images, config)
        images = digit_images.images
        self.detector = registry.make(config, digit_images.image_shape)
        self.before = {v.path: v.numpy() for v in self.detector.trainable_variables}
        batches = pipeline.training_batches(images, chosen.train.index, config)
        batches = self.detector.prepare(batches, steps=50)
        self.detector.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
        self.after = {v.path: v.numpy() for v in self.detector.trainable_variables}
        # Until the scores differ by more than rounding, which normalisation would magnify.
        self.logs = self.detector.fit(batches, steps_per_epoch=8, shuffle=False, verbose=0).history
        self.detector.finish_training()
        self.normals, self.held_out = chosen.train.first(100), chosen.calibration
        self.detector.fit_features(self.normals.batches(50))
        outputs = predictions.ask(self.detector, self.normals.batches(50))
        self.detector.fit_normalisation(outputs.scores)
        outputs = predictions.ask(
            self.detector, self.held_out.batches(50), self.detector.reconstructs
        )
        self.detector.calibration = calibrate.of_outputs(
            self.detector, outputs, self.held_out, is_held_out=True
        )
        self.images = tf.constant(chosen.test.first(24).images)
        self.scores = {name: value.numpy() for name, value in self.detector(self.images).items()}


@pytest.fixture(scope="module", params=registry.names())
def trained(request, digit_images):
    yield Trained(request.param, digit_images)
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
    alone = [trained.detector(trained.images[i : i + 1]) for i in range(24)]
    shuffled = trained.detector(tf.gather(trained.images, order))
    for name, values in trained.scores.items():
        np.testing.assert_allclose(
            [float(score[name][0]) for score in alone], values, rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(shuffled[name], values[order], rtol=1e-4, atol=1e-5)


def test_compiled_scores_are_the_scores_whatever_the_last_batch(trained):
    batches = [trained.images[:10], trained.images[10:20], trained.images[20:]]
    compiled = list(batched(trained.detector.explain, batches, jit_compile=True))
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


def test_a_fresh_process_loads_it_and_scores_the_same(trained, tmp_path):
    trained.detector.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", trained.images)
    program = """
import sys
import keras, numpy as np
from tf_ssae.cli import plugins
from tf_ssae.detectors import registry
plugins.load(sys.argv[2:])
for name in registry.names():
    registry.find(name)
detector = keras.saving.load_model(sys.argv[1] + "/model.keras")
scores = detector(np.load(sys.argv[1] + "/images.npy"))
np.savez(sys.argv[1] + "/scores.npz", **{name: v.numpy() for name, v in scores.items()})
"""
    is_own = trained.detector.config.detector == own_detector.NAME
    done = run_python("-c", program, str(tmp_path), *([str(own_detector.PATH)] if is_own else []))
    assert done.returncode == 0, done.stderr
    loaded = np.load(tmp_path / "scores.npz")
    assert set(loaded) == set(trained.scores)
    for name, values in trained.scores.items():
        np.testing.assert_allclose(loaded[name], values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", [name for name in registry.names() if registry.find(name).trained_on_rotations]
)
def test_sampled_rotations_train_too(name, digit_images):
    trained = Trained(name, digit_images, rotations="sampled")
    assert all(np.isfinite(values).all() for values in trained.scores.values())
    assert any(
        not np.array_equal(trained.before[path], trained.after[path]) for path in trained.before
    )


def test_ensemble_trains_as_its_parts_do_alone(digit_images):
    ensemble = Trained("ensemble", digit_images).detector
    for name, part in (("autoencoder", ensemble.autoencoder), ("rotation", ensemble.rotation)):
        alone = Trained(name, digit_images).detector
        for ours, theirs in zip(part.trainable_variables, alone.trainable_variables, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=ours.path)


@pytest.mark.parametrize("name", registry.names())
def test_no_step_sums_more_than_two_gradients_at_once(name, digit_images):
    """Of three, TensorFlow's AddN takes first the one whose buffer is free by then: now and then a
    step rounds differently.
    """
    config = preset("digits", detector=name, batch_size=8)
    detector = registry.make(config, digit_images.image_shape)
    detector.compile_from_settings()
    batches = pipeline.training_batches(digit_images.images, np.arange(16), config)
    batches = detector.prepare(batches, steps=2)
    step = tf.function(detector.train_step).get_concrete_function(next(iter(batches)))
    sums = [operation for operation in step.graph.get_operations() if operation.type == "AddN"]
    assert all(len(operation.inputs) <= 2 for operation in sums)


@pytest.mark.parametrize("name", ["ssae", "ganomaly"])
def test_a_step_compiled_by_xla_is_the_same_step(name, digit_images):
    losses = {}
    for jit_compile in (False, True):
        config = preset(
            "digits", detector=name, jit_compile=jit_compile, batch_size=16, rotations="sampled"
        )
        detector = registry.make(config, digit_images.image_shape)
        batches = pipeline.training_batches(digit_images.images, np.arange(16), config)
        batches = detector.prepare(batches, steps=3)
        # Three epochs of one step: the later losses depend on the updates of the earlier steps.
        losses[jit_compile] = detector.fit(
            batches, epochs=3, steps_per_epoch=1, shuffle=False, verbose=0
        ).history["loss"]
    assert len(set(losses[True])) == 3
    np.testing.assert_allclose(losses[True], losses[False], rtol=1e-4)


@pytest.mark.parametrize(
    "weights, moved",
    [
        ({"w_rec": 0.0}, {"encoder", "side_encoder", "classifier"}),
        ({"w_cls": 0.0}, {"encoder", "decoder"}),
        ({}, {"encoder", "side_encoder", "classifier", "decoder"}),
    ],
)
def test_ssae_trains_e1_on_both_tasks_and_the_rest_on_its_own(digit_images, weights, moved):
    config = preset("digits", batch_size=8, **weights)
    detector = registry.make(config, digit_images.image_shape)
    networks = {
        name: getattr(detector, name)
        for name in ("encoder", "side_encoder", "classifier", "decoder")
    }
    before = {name: network.get_weights() for name, network in networks.items()}
    batches = pipeline.training_batches(digit_images.images, np.arange(8), config)
    detector.fit(
        pipeline.with_rotations(batches, config), steps_per_epoch=1, shuffle=False, verbose=0
    )

    def kernel_moved(name):
        changed = zip(networks[name].weights, before[name])
        return all(not np.array_equal(v, old) for v, old in changed if "kernel" in v.path)

    assert {name for name in networks if kernel_moved(name)} == moved


def test_its_saved_model_scores_the_same(trained, tmp_path):
    saved_model.write(trained.detector, tmp_path)
    loaded = exported.load(tmp_path)[0](trained.images.numpy())
    assert set(loaded) == set(trained.scores)
    for name, values in trained.scores.items():
        np.testing.assert_allclose(loaded[name], values, rtol=1e-4, atol=1e-5)


def test_its_openvino_files_score_the_same(trained, tmp_path):
    pytest.importorskip("openvino")
    model = openvino_ir.write(trained.detector, tmp_path / "ir" / "float32.xml", ["normal"])
    for count in (24, 5):
        found = model(trained.images[:count].numpy())
        assert set(found) == set(trained.scores)
        for name, values in trained.scores.items():
            tolerance = 1e-4 * np.abs(values).max()
            np.testing.assert_allclose(found[name], values[:count], atol=tolerance)


@pytest.mark.parametrize("kind", tflite.KINDS)
def test_its_tflite_files_score_the_same(trained, kind):
    if kind == "int8" and not trained.detector.survives_int8:
        pytest.skip("no int8 file is exported of it")
    model = tflite.convert(trained.detector, kind, trained.normals.images)
    found = TFLiteModel(model)(trained.images.numpy())
    assert set(found) == set(trained.scores)
    for name, values in trained.scores.items():
        # An int8 file keeps only the ranking, within rounding.
        if kind == "int8":
            assert np.corrcoef(found[name], values)[0, 1] > 0.98, name
        else:
            tolerance = {"float32": 1e-4, "float16": 2e-2}[kind] * np.abs(values).max()
            np.testing.assert_allclose(found[name], values, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("size", [64, 128])
def test_larger_images_train_and_score(size, digit_images):
    config = preset("digits", image_size=size, batch_size=4, rotations="sampled")
    detector = registry.make(config, digit_images.image_shape)
    batches = pipeline.training_batches(digit_images.images, np.arange(8), config)
    detector.fit(
        pipeline.with_rotations(batches, config), steps_per_epoch=2, shuffle=False, verbose=0
    )
    outputs = detector.networks(tf.constant(digit_images.images[:3]))
    assert outputs["reconstruction"].shape == (3, size, size, 1)
    assert np.isfinite(outputs["a_rec"]).all() and np.isfinite(outputs["a_cls"]).all()


@pytest.mark.parametrize("name", registry.names())
def test_it_computes_in_bfloat16_or_refuses_to(name, digit_images):
    detector_class = registry.find(name)
    if not detector_class.computes_in_bfloat16:
        with pytest.raises(ValueError, match=f"{name} computes in float32 alone"):
            preset("digits", detector=name, precision="bfloat16")
        config = preset("digits", detector=name, precision="auto")
        assert registry.make(config, digit_images.image_shape).config.precision == "float32"
        return
    trained = Trained(name, digit_images, precision="bfloat16")
    detector = trained.detector
    assert detector.calibration.precision == "bfloat16"
    assert {v.dtype for v in detector.trainable_variables} == {"float32"}
    assert all(np.isfinite(values).all() for values in trained.scores.values())
    config = dataclasses.replace(detector.config, precision="float32")
    exact = detector_class.from_config({**detector.get_config(), "config": config.to_dict()})
    exact.set_weights(detector.get_weights())
    for score, values in exact(trained.images).items():
        found = trained.scores[score]
        assert found.dtype == np.float32 and np.corrcoef(found, values)[0, 1] > 0.98, score
        assert np.array_equal(found, values) == (score in WITHOUT_NETWORKS), score
    give_back_memory()
