import types

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset

torch = pytest.importorskip("torch", reason="PyTorch is not installed; only benchmarks need it")


def to_torch(images):
    return torch.from_numpy(np.asarray(images, np.float32).transpose(0, 3, 1, 2).copy())


@pytest.mark.parametrize("dataset, shape", [("mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
@pytest.mark.parametrize("rotations", ["sampled", "all"])
def test_the_twin_computes_the_same_losses_gradients_and_scores(dataset, shape, rotations):
    from pytorch_twin import SSAE, _to_torch

    config = preset(dataset, rotations=rotations, batch_size=8)
    detector = registry.make(config, shape)
    # Larger weights than training starts from, which give features that differ between images.
    for variable in detector.trainable_variables:
        if "kernel" in variable.path:
            variable.assign(variable * 5)
    twin = SSAE(config, shape[-1])
    twin.load(detector)
    rng = np.random.default_rng(0)

    # Before the steps: the running averages are those of the start in both.
    twin.eval()
    x = rng.integers(0, 256, (8, *shape), np.uint8)
    scores = twin.scores(to_torch(detector.preprocess(tf.constant(x))))
    expected = detector.networks(tf.constant(x))
    for found, name in zip(scores, ("a_rec", "a_cls")):
        np.testing.assert_allclose(found, expected[name], rtol=1e-4)

    twin.train()
    names = [variable.path for variable in detector.trainable_variables]
    gradients = {}
    detector.optimizer = types.SimpleNamespace(
        apply=lambda values, variables: gradients.update(zip(names, values))
    )
    differences = []
    for _ in range(8):
        x = rng.integers(0, 256, (8, *shape), np.uint8)
        x_rotated = (
            np.concatenate([np.rot90(x, k, (1, 2)) for k in range(4)])
            if rotations == "all"
            else np.rot90(x, 1, (1, 2))
        )
        d = np.repeat(np.arange(4), 8) if rotations == "all" else np.ones(8, int)
        detector.reset_metrics()
        logs = detector.train_step(
            (tf.constant(x), tf.constant(x_rotated), tf.constant(d, tf.int32))
        )
        twin.zero_grad()
        losses = twin.losses(
            *(to_torch(detector.preprocess(tf.constant(images))) for images in (x, x_rotated)),
            torch.from_numpy(d),
        )
        losses[0].backward()
        for loss, name in zip(losses, ("loss", "l_rec", "l_cls")):
            np.testing.assert_allclose(loss.detach(), logs[name], rtol=1e-4)
        differences.append([])
        for network in ("encoder", "side_encoder", "decoder", "classifier"):
            weights = getattr(detector, network).trainable_variables
            for ours, theirs in zip(weights, getattr(twin, network).parameters(), strict=True):
                theirs = theirs.grad
                difference = (
                    _to_torch(gradients[ours.path].numpy()) - theirs
                ).abs().max() / theirs.abs().max()
                differences[-1].append(float(difference))
    # The best of the batches: a mistake shows in each. In some, one feature of half a million lies
    # at its rectifier's kink, where rounding, another with every number of threads, decides the
    # slope: up to 7e-4 of the encoder's gradient.
    np.testing.assert_array_less(np.min(differences, axis=0), 1e-4)
