import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.networks.fast.batch_normalization import BatchNormalization
from tf_ssae.networks.fast.folded import fold


def norms(layer):
    return [part for part in layer._flatten_layers() if isinstance(part, BatchNormalization)]


def as_if_trained(model):
    """Weights of the size they have after training, none of them where they started."""
    rng = np.random.default_rng(0)
    for variable in model.weights:
        deviation = 0.3
        if "kernel" in variable.path:
            deviation = 1 / np.sqrt(np.prod(variable.shape[:-1]))
        value = rng.normal(size=variable.shape) * deviation
        if "gamma" in variable.path or "variance" in variable.path:
            value = rng.uniform(0.5, 2, variable.shape)
        variable.assign(value)


def random_inputs(model):
    rng = np.random.default_rng(1)
    return keras.tree.map_structure(
        lambda x: rng.normal(size=(2, *x.shape[1:])).astype(np.float32), model.input
    )


SIZES = {"ssae": (32, 64, 128), "ganomaly": (32, 64), "egbad": (32,), "locator": (64,)}


@pytest.mark.parametrize(
    "name, size", [(name, size) for name, sizes in SIZES.items() for size in sizes]
)
def test_folded_networks_compute_the_same(name, size):
    config = preset("digits", detector=name, image_size=size)
    detector = registry.make(config, (8, 8, 3))
    networks = [layer for layer in detector.layers if isinstance(layer, keras.Model)]
    assert len(networks) >= 3
    for network in networks:
        as_if_trained(network)
        inputs = random_inputs(network)
        expected = network(inputs, training=False)
        fold(network)
        found = network(inputs, training=False)
        for ours, theirs in zip(keras.tree.flatten(found), keras.tree.flatten(expected)):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())
        # Of the locator's, four stand behind a sum.
        sums = sum(isinstance(layer, layers.Add) for layer in network.layers)
        assert sum(not norm.folded for norm in norms(network)) == sums


def test_folding_again_changes_nothing():
    network = registry.make(preset("digits", detector="ganomaly"), (8, 8, 1)).encoder
    as_if_trained(network)
    before = network.get_weights()
    fold(network)
    once = network.get_weights()
    fold(network)
    for value, twice in zip(once, network.get_weights()):
        np.testing.assert_array_equal(value, twice)
    assert any((old != new).any() for old, new in zip(before, once))


def test_a_folded_model_computes_the_same_where_it_is_not_known_to_be_folded():
    """As a model loaded from a file, or a function traced before."""
    inputs = keras.Input([4, 4, 2])
    model = keras.Model(inputs, BatchNormalization()(layers.Conv2D(3, 2)(inputs)))
    as_if_trained(model)
    traced = tf.function(lambda x: model(x, training=False))
    x = tf.constant(np.random.default_rng(2).normal(size=(2, 4, 4, 2)), tf.float32)
    expected = traced(x)
    fold(model)
    np.testing.assert_allclose(traced(x), expected, rtol=1e-5, atol=1e-6)
    (norm,) = norms(model)
    norm.folded = False
    np.testing.assert_allclose(model(x, training=False), expected, rtol=1e-5, atol=1e-6)


def _activated_before(x):
    return BatchNormalization()(layers.Dense(3, activation="relu")(x))


def _used_twice(x):
    y = layers.Dense(3)(x)
    return layers.Add()([y, BatchNormalization()(y)])


def _both_outputs(x):
    y = layers.Dense(3)(x)
    return [y, BatchNormalization()(y)]


def _layer_called_twice(x):
    dense = layers.Dense(3)
    return layers.Add()([dense(x), BatchNormalization()(dense(x))])


def _inside_another(x):
    y = layers.Dense(3)(x)
    inner = keras.Input([3])
    return layers.Add()([BatchNormalization()(y), keras.Model(inner, layers.ReLU()(inner))(y)])


@pytest.mark.parametrize(
    "build",
    [_activated_before, _used_twice, _both_outputs, _layer_called_twice, _inside_another],
)
def test_what_cannot_be_folded_is_left(build):
    inputs = keras.Input([4])
    model = keras.Model(inputs, build(inputs))
    as_if_trained(model)
    before = model.get_weights()
    fold(model)
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)
    assert not any(norm.folded for norm in norms(model))


def test_a_trained_detector_is_folded_through_and_through(digit_images):
    """Also the detectors inside it."""
    detector = registry.make(preset("digits", detector="ensemble"), digit_images.image_shape)
    for network in (detector.autoencoder.encoder, detector.rotation.classifier):
        as_if_trained(network)
    images = tf.constant(digit_images.images[:4])
    expected = detector.networks(images)
    detector.finish_training()
    assert norms(detector) and all(norm.folded for norm in norms(detector))
    found = detector.networks(images)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5)
