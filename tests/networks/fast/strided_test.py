import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tf_ssae.networks.fast import strided

CASES = [("Conv2D", 8, 3, 5), ("Conv2D", 4, 6, 2), ("Conv2DTranspose", 4, 3, 5)]


def outputs_and_gradients(layer, x, weights):
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * weights)
    return [outputs, *tape.gradient(loss, [x, *layer.trainable_variables])]


@pytest.mark.parametrize("name, size, channels, filters", CASES)
@pytest.mark.parametrize("options", [{"use_bias": False}, {"activation": "relu"}])
def test_equals_keras_forward_and_in_every_gradient(name, size, channels, filters, options):
    rng, dtype = np.random.default_rng(0), "mixed_bfloat16"
    # Numbers of few bits, whose sums bfloat16 products hold exactly.
    x = tf.constant(rng.integers(-3, 4, [4, size, size, channels]), tf.float32)
    ours, theirs = (
        getattr(module, name)(filters, 4, 2, padding="same", dtype=dtype, **options)
        for module in (strided, layers)
    )
    theirs.build(x.shape)
    theirs.set_weights([rng.integers(-3, 4, weight.shape) for weight in theirs.weights])
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    weights = tf.constant(rng.integers(-1, 2, theirs.compute_output_shape(x.shape)), tf.float32)
    found = tf.function(lambda: outputs_and_gradients(ours, x, weights))()
    assert len(found) == (3 if "use_bias" in options else 4)
    for value, expected in zip(found, outputs_and_gradients(theirs, x, weights), strict=True):
        assert value.dtype == expected.dtype and value.shape == expected.shape
        value, expected = (tf.cast(v, tf.float32).numpy() for v in (value, expected))
        np.testing.assert_allclose(value, expected, atol=0.01 * np.abs(expected).max())


@pytest.mark.parametrize("size, channels, filters", [(8, 3, 5), (2, 1, 1), (16, 2, 7)])
def test_the_kernel_gradient_is_that_of_the_plain_operator(size, channels, filters):
    rng = np.random.default_rng(0)
    x = tf.constant(rng.normal(size=[3, size, size, channels]), tf.float32)
    dy = tf.constant(rng.normal(size=[3, size // 2, size // 2, filters]), tf.float32)
    expected = tf.raw_ops.Conv2DBackpropFilter(
        input=x,
        filter_sizes=[4, 4, channels, filters],
        out_backprop=dy,
        strides=[1, 2, 2, 1],
        padding="SAME",
    )
    found = strided.kernel_gradient(x, dy)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name, size, channels, filters", CASES)
def test_files_of_keras_own_layers_hold_the_same(name, size, channels, filters, tmp_path):
    x = np.random.default_rng(0).normal(size=(2, size, size, channels)).astype(np.float32)
    before, now = (
        keras.Sequential([getattr(module, name)(filters, 4, 2, padding="same")])
        for module in (layers, strided)
    )
    expected, _ = before(x), now(x)
    before.save_weights(tmp_path / "before.weights.h5")
    now.load_weights(tmp_path / "before.weights.h5")
    np.testing.assert_array_equal(now(x), expected)
