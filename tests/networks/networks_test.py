import keras
import numpy as np
import pytest

from tf_ssae.networks.classifier import classifier
from tf_ssae.networks.decoder import decoder
from tf_ssae.networks.encoder import encoder


def kernels(network):
    return [
        (variable.path.split("/")[-2:], variable.numpy())
        for variable in network.weights
        if "kernel" in variable.path
    ]


@pytest.fixture
def seed():
    return keras.random.SeedGenerator(0)


@pytest.mark.parametrize("channels, depth", [(1, 16), (3, 200)])
def test_encoder_is_figure_4_1(channels, depth, seed):
    network = encoder(32, channels, depth, seed, name="encoder")
    assert network.output_shape == (None, 1, 1, depth)
    shapes = [kernel.shape for _, kernel in kernels(network)]
    assert shapes == [(4, 4, channels, 32), (4, 4, 32, 64), (4, 4, 64, 128), (4, 4, 128, depth)]


def test_decoder_is_figure_4_1(seed):
    network = decoder(32, 16, 3, "relu", seed)
    assert network.output_shape == (None, 32, 32, 3)
    filters = [kernel.shape[2] for _, kernel in kernels(network)]
    assert filters == [256, 128, 64, 32, 3]


@pytest.mark.parametrize("size, extra", [(64, [16]), (128, [8, 16])])
def test_larger_images_add_stages_at_their_own_end(size, extra, seed):
    inward = encoder(size, 3, 16, seed, name="encoder")
    assert inward.output_shape == (None, 1, 1, 16)
    assert [kernel.shape[3] for _, kernel in kernels(inward)] == [*extra, 32, 64, 128, 16]
    outward = decoder(size, 16, 3, "relu", seed)
    assert outward.output_shape == (None, size, size, 3)
    assert [kernel.shape[2] for _, kernel in kernels(outward)] == [
        256,
        128,
        64,
        32,
        *reversed(extra),
        3,
    ]


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_decoder_output_range(activation, seed):
    network = decoder(32, 4, 1, activation, seed)
    network.layers[-2].bias.assign([-0.5])
    images = network(np.random.default_rng(0).normal(size=(3, 1, 1, 4)).astype(np.float32)).numpy()
    assert images.min() >= 0
    assert (
        (images == 0).all()
        if activation == "relu"
        else np.allclose(images, 1 / (1 + np.exp(0.5)), atol=0.01)
    )


def test_every_kernel_starts_from_its_own_draw_of_n_0_001(seed):
    drawn = [
        *kernels(encoder(32, 3, 200, seed, "encoder")),
        *kernels(decoder(32, 200, 3, "relu", seed)),
        *kernels(classifier(400, seed)),
    ]
    for path, kernel in drawn:
        if kernel.size >= 1000:
            assert abs(kernel.std() - 0.01) < 0.001 and abs(kernel.mean()) < 0.001, path
    starts = [tuple(kernel.ravel()[:3]) for _, kernel in drawn]
    assert len(set(starts)) == len(starts) == 11
