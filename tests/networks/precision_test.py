import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tf_ssae.networks import egbad, ganomaly, locator, precision
from tf_ssae.networks.classifier import classifier
from tf_ssae.networks.decoder import decoder
from tf_ssae.networks.encoder import encoder
from tf_ssae.networks.precision import Float32, compute_in
from tf_ssae.system import processor

NETWORKS = {
    "encoder": lambda seed: encoder(32, 1, 16, seed, "encoder"),
    "decoder": lambda seed: decoder(32, 16, 3, "sigmoid", seed),
    "classifier": lambda seed: classifier(17, seed),
    "egbad_encoder": lambda seed: egbad.encoder(1, 200, seed),
    "egbad_generator": lambda seed: egbad.generator(200, 1, seed),
    "egbad_discriminator": lambda seed: egbad.discriminator(1, 200, seed),
    "ganomaly_encoder": lambda seed: ganomaly.encoder(32, 1, 100, seed, "encoder"),
    "ganomaly_decoder": lambda seed: ganomaly.decoder(32, 100, 1, seed),
    "ganomaly_discriminator": lambda seed: ganomaly.discriminator(32, 1, seed),
    "locator_encoder": lambda seed: locator.encoder(64, 1, seed),
    "locator_side_encoder": lambda seed: locator.side_encoder(64, 1, seed),
    "locating_decoder": lambda seed: locator.locating_decoder(64, seed),
    "locator_decoder": lambda seed: locator.decoder(64, 3, seed),
    "locator_classifier": lambda seed: locator.classifier(64, seed),
}


def made(name):
    return NETWORKS[name](keras.random.SeedGenerator(0))


def outputs_and_gradients(network, inputs):
    with tf.GradientTape() as tape:
        outputs = keras.tree.flatten(network(inputs, training=True))
        loss = tf.add_n([tf.reduce_sum(tf.square(output)) for output in outputs])
    return outputs, tape.gradient(loss, network.trainable_variables)


@pytest.mark.parametrize("name", NETWORKS)
def test_in_bfloat16_a_network_computes_nearly_the_same(name):
    network = made(name)
    if "discriminator" in name:
        for layer in network.layers:
            if isinstance(layer, layers.Dropout):
                layer.rate = 0.0
    rng = np.random.default_rng(0)
    inputs = keras.tree.map_structure(
        lambda x: rng.normal(size=(8, *x.shape[1:])).astype(np.float32), network.input
    )
    expected = keras.tree.flatten(network(inputs, training=False))
    compute_in(network, "bfloat16")
    found = keras.tree.flatten(network(inputs, training=False))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == tf.float32
        difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
        # It rounds to 8 bits: a network in which nothing changed computes in float32 after all.
        assert 1e-5 < difference < 0.03
    _, gradients = outputs_and_gradients(network, inputs)
    assert {gradient.dtype for gradient in gradients} == {tf.float32}
    assert {v.dtype for v in network.weights} == {"float32"}

    compute_in(network, "float32")
    # Steps in training mode have moved BatchNorm's averages.
    again, expected = network(inputs, training=True), made(name)
    expected.set_weights(network.get_weights())
    for ours, theirs in zip(
        keras.tree.flatten(again), keras.tree.flatten(expected(inputs, training=True))
    ):
        if "discriminator" not in name:
            np.testing.assert_array_equal(ours, theirs)


def test_a_network_with_another_end_is_refused():
    x = keras.Input([4])
    with pytest.raises(ValueError, match="mine cannot compute in bfloat16: each of its outputs"):
        compute_in(keras.Model(x, [Float32()(x), layers.Dense(2)(x)], name="mine"), "bfloat16")


@pytest.mark.parametrize(
    "capabilities, flags, expected",
    [
        ([], [], "float32"),
        ([], ["avx512_bf16"], "bfloat16"),
        ([(9, 0)], [], "bfloat16"),
        # The networks run on the GPU, whatever the processor can do.
        ([(7, 5)], ["amx_bf16"], "float32"),
    ],
)
def test_what_a_machine_is_fastest_in(capabilities, flags, expected, monkeypatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities)
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"compute_capability": gpu},
    )
    monkeypatch.setattr(processor, "bfloat16", lambda: flags)
    assert precision.fastest() == expected
