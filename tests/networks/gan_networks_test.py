import keras
import numpy as np
import pytest

from tf_ssae.networks import egbad, ganomaly

BATCH_NORMALIZATION = 4  # variables a channel


def draws(network):
    return [
        (v.path, v.numpy())
        for v in network.weights
        if "kernel" in v.path and v.numpy().size >= 1000
    ]


@pytest.fixture
def seed():
    return keras.random.SeedGenerator(0)


def test_egbad_encoder(seed):
    network = egbad.encoder(1, 200, seed)
    assert network.output_shape == (None, 200)
    convolutions = 9 * 32 + 32 + 9 * 32 * 64 + 9 * 64 * 128
    assert (
        network.count_params()
        == convolutions + BATCH_NORMALIZATION * (64 + 128) + 8 * 8 * 128 * 200 + 200
    )


def test_egbad_generator(seed):
    network = egbad.generator(200, 1, seed)
    assert network.output_shape == (None, 32, 32, 1)
    dense, transposed = 200 * 1024 + 1024 * 8192, 16 * 128 * 64 + 16 * 64 + 1
    assert network.count_params() == dense + transposed + BATCH_NORMALIZATION * (1024 + 8192 + 64)
    images = network(np.random.default_rng(0).normal(size=(3, 200))).numpy()
    assert -1 <= images.min() < 0 < images.max() <= 1


def test_egbad_discriminator(seed):
    network = egbad.discriminator(3, 200, seed)
    assert network.output_shape == [(None,), (None, 1024)]
    of_x, of_z = 16 * 3 * 64 + 64 + 16 * 64 * 64 + BATCH_NORMALIZATION * 64, 200 * 512 + 512
    assert network.count_params() == of_x + of_z + (8 * 8 * 64 + 512) * 1024 + 1024 + 1024 + 1
    seeds = [layer.seed for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    assert len(set(seeds)) == len(seeds) == 4


def test_ganomaly_encoder_and_decoder(seed):
    inward, outward = (
        ganomaly.encoder(32, 1, 100, seed, "encoder"),
        ganomaly.decoder(32, 100, 1, seed),
    )
    assert inward.output_shape == (None, 1, 1, 100) and outward.output_shape == (None, 32, 32, 1)
    convolutions = 16 * (1 * 64 + 64 * 128 + 128 * 256 + 256 * 100)
    assert inward.count_params() == convolutions + BATCH_NORMALIZATION * (128 + 256)
    assert outward.count_params() == convolutions + BATCH_NORMALIZATION * (64 + 128 + 256)


def test_ganomaly_discriminator(seed):
    network = ganomaly.discriminator(32, 3, seed)
    assert network.output_shape == [(None,), (None, 4, 4, 256)]
    convolutions = 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 1)
    assert network.count_params() == convolutions + BATCH_NORMALIZATION * (128 + 256)


@pytest.mark.parametrize("size, extra", [(64, [32]), (128, [16, 32])])
def test_larger_images_add_stages_at_their_own_end(size, extra, seed):
    def widths(network, axis):
        return [v.shape[axis] for v in network.weights if "kernel" in v.path]

    assert widths(ganomaly.encoder(size, 3, 100, seed, "encoder"), 3) == [*extra, 64, 128, 256, 100]
    assert widths(ganomaly.discriminator(size, 3, seed), 3) == [*extra, 64, 128, 256, 1]
    outward = ganomaly.decoder(size, 100, 3, seed)
    assert widths(outward, 2) == [256, 128, 64, *reversed(extra), 3] and outward.output_shape == (
        None,
        size,
        size,
        3,
    )


def test_every_kernel_starts_from_its_own_draw_of_n_0_002(seed):
    networks = [
        egbad.encoder(1, 200, seed),
        egbad.generator(200, 1, seed),
        egbad.discriminator(1, 200, seed),
        ganomaly.encoder(32, 1, 100, seed, "encoder"),
        ganomaly.decoder(32, 100, 1, seed),
        ganomaly.discriminator(32, 1, seed),
    ]
    drawn = [draw for network in networks for draw in draws(network)]
    for path, kernel in drawn:
        assert abs(kernel.std() - 0.02) < 0.002 and abs(kernel.mean()) < 0.002, path
    assert len({tuple(kernel.ravel()[:3]) for _, kernel in drawn}) == len(drawn) > 20


def test_a_discriminator_is_reinitialised(seed):
    network = ganomaly.discriminator(32, 1, seed)
    before = {v.path: v.numpy() for v in network.trainable_variables}
    for variable in network.trainable_variables:
        variable.assign_add(variable * 0 + 1)
    ganomaly.reinitialise(network)
    for variable in network.trainable_variables:
        found, mean = variable.numpy(), 1 if "gamma" in variable.path else 0
        if "beta" in variable.path:
            assert not found.any()
            continue
        assert abs(found.mean() - mean) < 0.01 and found.std() == pytest.approx(0.02, rel=0.2), (
            variable.path
        )
        assert not np.array_equal(found, before[variable.path])
