import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tf_ssae.networks.fast import whole_map

# The class, a batch's shape, filters; of the encoder, GANomaly's discriminator, the decoder.
CASES = [
    ("Conv2D", (5, 4, 4, 8), 16),
    ("Conv2D", (5, 4, 4, 8), 1),
    ("Conv2D", (2, 2, 2, 3), 4),
    ("Conv2DTranspose", (5, 1, 1, 16), 8),
    ("Conv2DTranspose", (2, 1, 1, 1), 3),
]


def outputs_and_gradients(layer, x, weights):
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = layer(x)
        loss = tf.reduce_sum(outputs * weights)
    return [outputs, *tape.gradient(loss, [x, *layer.trainable_variables])]


@pytest.mark.parametrize("name, shape, filters", CASES)
@pytest.mark.parametrize("options", [{"use_bias": False}, {"activation": "relu"}])
def test_equals_keras_forward_and_in_every_gradient(name, shape, filters, options):
    rng = np.random.default_rng(0)
    size = shape[1] if name == "Conv2D" else 4
    x = tf.constant(rng.normal(size=shape), tf.float32)
    ours, theirs = (
        getattr(module, name)(filters, size, **options) for module in (whole_map, layers)
    )
    theirs.build(shape)
    theirs.set_weights([rng.normal(size=weight.shape) for weight in theirs.weights])
    ours.build(shape)
    ours.set_weights(theirs.get_weights())
    expected_shape = theirs.compute_output_shape(shape)
    weights = tf.constant(rng.normal(size=expected_shape), tf.float32)
    found = outputs_and_gradients(ours, x, weights)
    assert len(found) == (3 if "use_bias" in options else 4)
    for value, expected in zip(found, outputs_and_gradients(theirs, x, weights), strict=True):
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    "name, shape, options",
    [
        ("Conv2D", (5, 5, 2), {}),
        ("Conv2D", (4, 4, 2), {"padding": "same"}),
        ("Conv2DTranspose", (2, 2, 3), {}),
    ],
)
def test_a_map_that_it_would_have_to_slide_over_is_refused(name, shape, options):
    with pytest.raises(ValueError, match="a map of .* and padding=.*; expected"):
        getattr(whole_map, name)(3, 4, **options)(keras.Input(shape))


def test_files_of_keras_own_layers_hold_the_same(tmp_path):
    """Runs of earlier versions."""

    def network(module):
        x = inputs = keras.Input([8, 8, 1])
        x = layers.Conv2D(3, 4, 2, padding="same")(x)
        x = module.Conv2D(5, 4)(x)
        x = module.Conv2DTranspose(2, 4)(x)
        return keras.Model(inputs, layers.Conv2DTranspose(1, 4, 2, padding="same")(x))

    before, now = network(layers), network(whole_map)
    before.save_weights(tmp_path / "before.weights.h5")
    now.load_weights(tmp_path / "before.weights.h5")
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 1)).astype(np.float32)
    np.testing.assert_allclose(now(x), before(x), rtol=1e-4, atol=1e-6)
    now.save(tmp_path / "now.keras")
    again = keras.saving.load_model(tmp_path / "now.keras")
    np.testing.assert_array_equal(again(x), now(x))
