"""What a step of training does, of every detector."""

import numpy as np
import own_detector  # noqa: F401  (it registers itself)
import pytest
import tensorflow as tf

from tf_ssae.data import pipeline
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.networks.fast import plain


def made(name, digit_images, **settings):
    config = preset("digits", detector=name, learning_rate=0.01, batch_size=8, **settings)
    return registry.make(config, digit_images.image_shape)


def train(detector, digit_images, steps):
    """Eager: some steps take less time than to trace one."""
    detector.run_eagerly = True
    index = np.arange(8 * steps)
    batches = pipeline.training_batches(digit_images.images, index, detector.config)
    batches = detector.prepare(batches, steps)
    detector.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)


@pytest.mark.parametrize(
    "name", [name for name in registry.names() if registry.find(name).trained_on_rotations]
)
def test_sampled_rotations_train_too(name, digit_images):
    detector = made(name, digit_images, rotations="sampled")
    before = [variable.numpy() for variable in detector.trainable_variables]
    train(detector, digit_images, steps=1)
    outputs = detector.networks(tf.constant(digit_images.images[:8]))
    assert all(np.isfinite(values).all() for values in outputs.values())
    pairs = zip(before, detector.trainable_variables, strict=True)
    assert any(not np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_ensemble_trains_as_its_parts_do_alone(digit_images):
    ensemble = made("ensemble", digit_images)
    train(ensemble, digit_images, steps=3)
    for name, part in (("autoencoder", ensemble.autoencoder), ("rotation", ensemble.rotation)):
        alone = made(name, digit_images)
        train(alone, digit_images, steps=3)
        for ours, theirs in zip(part.trainable_variables, alone.trainable_variables, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=ours.path)


@pytest.fixture(scope="module", params=registry.names())
def untrained(request, digit_images):
    """A detector of each kind, and a batch."""
    config = preset("digits", detector=request.param, batch_size=8)
    detector = registry.make(config, digit_images.image_shape)
    batches = pipeline.training_batches(digit_images.images, np.arange(16), config)
    return detector, next(iter(detector.prepare(batches, steps=2)))


def test_no_step_sums_more_than_two_gradients_at_once(untrained):
    """Of three, TensorFlow's AddN takes first the one whose buffer is free by then: now and then a
    step rounds differently.
    """
    detector, batch = untrained
    step = tf.function(detector.train_step).get_concrete_function(batch)
    sums = [operation for operation in step.graph.get_operations() if operation.type == "AddN"]
    assert all(len(operation.inputs) <= 2 for operation in sums)


def test_a_step_runs_in_the_form_for_gpus(untrained, monkeypatch):
    monkeypatch.setattr(plain, "is_faster", lambda: True)
    detector, batch = untrained
    before = [variable.numpy() for variable in detector.trainable_variables]
    reports = detector.train_step(batch)
    assert all(np.isfinite(value) for value in reports.values())
    for variable, value in zip(detector.trainable_variables, before, strict=True):
        assert not np.array_equal(variable, value), variable.path


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
