import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.networks.fast.adam import Adam


@pytest.mark.parametrize("beta_1, beta_2", [(0.5, 0.999), (0.9, 0.99)])
@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_keras_adam(beta_1, beta_2, compiled):
    random = np.random.default_rng(0)
    shapes = [(3, 4, 5), (7,), ()]
    start = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    optimizers = [
        Adam(0.01, beta_1, beta_2),
        keras.optimizers.Adam(0.01, beta_1=beta_1, beta_2=beta_2),
    ]
    variables = [[keras.Variable(value) for value in start] for _ in optimizers]

    def step(gradients):
        for optimizer, trained in zip(optimizers, variables):
            optimizer.apply(gradients, trained)

    for optimizer, trained in zip(optimizers, variables):
        optimizer.build(trained)
    step = tf.function(step) if compiled else step
    for i in range(30):
        # From large to far below epsilon, as of a unit that dies.
        gradients = [
            tf.constant(random.normal(size=shape) * 10.0 ** (2 - i // 2), tf.float32)
            for shape in shapes
        ]
        for optimizer in optimizers:
            optimizer.learning_rate.assign(0.01 / (1 + i))
        step(gradients)
        for ours, theirs in zip(optimizers[0].variables, optimizers[1].variables, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=3e-5, atol=1e-30, err_msg=ours.path)
        for ours, theirs in zip(*variables, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert optimizers[0].iterations == 30
