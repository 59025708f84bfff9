import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.networks.transposed_convolution import UpsamplingConvolution, upsampling_convolution


def plain(x, kernel):
    batch, size = x.shape[:2]
    return tf.nn.conv2d_transpose(x, kernel, [batch, 2 * size, 2 * size, kernel.shape[2]], strides=2, padding="SAME")


def result_and_gradients(function, x, kernel, upstream):
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = function(x, kernel)
        loss = tf.reduce_sum(y * upstream)
    return [y, *tape.gradient(loss, [x, kernel])]


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("size, channels, filters", [(1, 2, 3), (4, 5, 2), (7, 1, 1)])
def test_equals_the_plain_operator_forward_and_backward(size, channels, filters, jit_compile):
    random = np.random.default_rng(0)
    x, kernel, upstream = (
        tf.constant(random.normal(size=shape).astype(np.float32))
        for shape in [(3, size, size, channels), (4, 4, filters, channels), (3, 2 * size, 2 * size, filters)]
    )
    fast = tf.function(lambda *a: result_and_gradients(upsampling_convolution, *a), jit_compile=jit_compile)
    for ours, theirs in zip(fast(x, kernel, upstream), result_and_gradients(plain, x, kernel, upstream)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_layer_takes_the_weights_of_keras_own():
    x = np.random.default_rng(1).normal(size=(2, 4, 4, 6)).astype(np.float32)
    theirs = keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same", activation="relu")
    expected = theirs(x)
    ours = UpsamplingConvolution(5, activation="relu")
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), expected, rtol=1e-4, atol=1e-5)
    plain = UpsamplingConvolution(5, use_bias=False)
    plain.build(x.shape)
    plain.set_weights(theirs.get_weights()[:1])
    bias = theirs.get_weights()[1]
    np.testing.assert_allclose(np.maximum(plain(x) + bias, 0), expected, rtol=1e-4, atol=1e-5)
    copy = UpsamplingConvolution.from_config(ours.get_config())
    assert (copy.filters, copy.kernel_size, copy.strides, copy.padding) == (5, (4, 4), (2, 2), "same")
