import numpy as np
import peers
import pytest


def ramps(count):
    """Images of one ramp at many strengths: one principal component."""
    strength = np.linspace(0.2, 1, count)[:, np.newaxis, np.newaxis, np.newaxis]
    ramp = np.linspace(0, 255, 64)[:, np.newaxis, np.newaxis] * np.ones([64, 64, 1])
    return (strength * ramp).astype(np.uint8)


def test_what_the_principal_components_explain_scores_low():
    scores = peers.pca(ramps(40))
    marked = ramps(5)
    marked[:, 10:14, 20:40] = 255
    assert 10 * scores(ramps(7)).max() < scores(marked).min()


def test_a_patch_unlike_the_normal_ones_scores_high():
    pytest.importorskip("efficientnet_lite_pytorch", reason="only the benchmark needs it")
    scores = peers.imagenet(ramps(20))
    marked = ramps(3)
    marked[:, 20:40, 20:40] = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 1))
    assert scores(marked).min() > 2 * scores(ramps(3)).max()
