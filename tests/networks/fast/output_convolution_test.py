import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.networks.fast.output_convolution import OutputConvolution, output_convolution


def plain(x, kernel):
    return tf.nn.conv2d_transpose(
        x, kernel, [*x.shape[:3], kernel.shape[2]], strides=1, padding="SAME"
    )


def result_and_gradients(function, x, kernel, weights):
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = function(x, kernel)
        loss = tf.reduce_sum(y * weights)
    return y, *tape.gradient(loss, [x, kernel])


@pytest.mark.parametrize(
    "size, channels, filters", [(32, 32, 1), (32, 32, 3), (8, 6, 1), (6, 5, 1), (2, 3, 4)]
)
def test_equals_the_plain_operator_forward_and_backward(size, channels, filters):
    rng = np.random.default_rng(0)
    shapes = [2, size, size, channels], [4, 4, filters, channels], [2, size, size, filters]
    arguments = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
    ours = tf.function(lambda *a: result_and_gradients(output_convolution, *a))(*arguments)
    for found, expected in zip(ours, result_and_gradients(plain, *arguments)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_layer_is_keras_conv2dtranspose_with_its_weights():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    ours = OutputConvolution(5, activation="relu")
    ours(x)
    theirs = keras.layers.Conv2DTranspose(5, 4, padding="same", activation="relu")
    theirs(x)
    theirs.set_weights([ours.get_weights()[0], np.arange(5) / 10])
    copy = OutputConvolution.from_config(ours.get_config())
    copy(x)
    copy.set_weights(theirs.get_weights())
    np.testing.assert_allclose(copy(x), theirs(x), atol=1e-6)
