import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.networks.fast.batch_normalization import BatchNormalization


@pytest.mark.parametrize("shape", [(8, 6, 6, 5), (3, 5), (64, 1, 1, 2)])
def test_equals_keras_forward_backward_and_in_its_averages(shape):
    rng = np.random.default_rng(0)
    # Small values: what epsilon is added to matters.
    x = tf.constant(rng.normal(3e-3, 1e-2, shape), tf.float32)
    weights = tf.constant(rng.normal(size=shape), tf.float32)
    layers = BatchNormalization(), keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
    found = []
    for layer in layers:
        layer.build(shape)
        layer.set_weights(
            [rng.normal(size=shape[-1:]) for _ in range(3)] + [rng.uniform(0.5, 1, shape[-1:])]
        )
    layers[1].set_weights(layers[0].get_weights())
    for layer in layers:
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True) * weights)
        gradients = tape.gradient(loss, [x, *layer.trainable_variables])
        found.append([*gradients, *layer.get_weights(), layer(x, training=False)])
    for ours, theirs in zip(*found):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())
