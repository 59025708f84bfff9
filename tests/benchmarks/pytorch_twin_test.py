import numpy as np
import pytest
import tensorflow as tf

from tf_ssae import detectors
from tf_ssae.config import preset

torch = pytest.importorskip("torch", reason="PyTorch is not installed; only benchmarks need it")


def to_torch(images):
    return torch.from_numpy(np.asarray(images, np.float32).transpose(0, 3, 1, 2).copy())


@pytest.mark.parametrize("dataset, shape", [("mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
@pytest.mark.parametrize("rotations", ["sampled", "all"])
def test_the_twin_computes_the_same_losses_gradients_and_scores(dataset, shape, rotations):
    from pytorch_twin import SSAE, _to_torch

    config = preset(dataset, rotations=rotations, batch_size=8)
    detector = detectors.make(config, shape)
    # Larger weights than training starts from, which give features that differ between images.
    for variable in detector.trainable_variables:
        if "kernel" in variable.path:
            variable.assign(variable * 5)
    twin = SSAE(config, shape[-1])
    twin.load(detector)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (8, *shape), np.uint8)
    x_rotated = np.concatenate([np.rot90(x, k, (1, 2)) for k in range(4)]) if rotations == "all" else np.rot90(x, 1, (1, 2))
    d = np.repeat(np.arange(4), 8) if rotations == "all" else np.ones(8, int)

    # Before the step: the running averages are those of the start in both.
    twin.eval()
    scores = twin.scores(to_torch(detector.preprocess(tf.constant(x))))
    expected = detector.primary(tf.constant(x))
    for found, name in zip(scores, ("a_rec", "a_cls")):
        np.testing.assert_allclose(found, expected[name], rtol=1e-4)

    gradients = {}
    detector._apply = lambda values: gradients.update(zip([v.path for v in detector.trainable_variables], values))
    logs = detector.train_step((tf.constant(x), tf.constant(x_rotated), tf.constant(d, tf.int32)))
    twin.train()
    losses = twin.losses(
        *(to_torch(detector.preprocess(tf.constant(images))) for images in (x, x_rotated)), torch.from_numpy(d)
    )
    losses[0].backward()
    for loss, name in zip(losses, ("loss", "l_rec", "l_cls")):
        np.testing.assert_allclose(loss.detach(), logs[name], rtol=1e-4)
    for name in ("encoder", "side_encoder", "decoder", "classifier"):
        theirs = [parameter.grad for parameter in getattr(twin, name).parameters()]
        ours = [_to_torch(gradients[v.path].numpy()) for v in getattr(detector, name).trainable_variables]
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-4 * float(b.abs().max()), err_msg=name)
