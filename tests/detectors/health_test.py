import re

import numpy as np
import pytest

from tf_ssae.detectors import health

IMAGES = np.random.default_rng(0).uniform(size=(8, 4, 4, 1))
WELL = [{"loss": 4.0, "l_d": 1.0}, {"loss": 3.0, "l_d": 1.2}]


def test_a_healthy_gan_has_no_warnings():
    found = health.of_gan(IMAGES.mean(axis=0) + 0.5 * (IMAGES - IMAGES.mean(axis=0)), IMAGES, WELL)
    # Half-way from the mean to the images, half the deviation and a quarter of the variance are
    # left.
    assert found == {
        "reconstruction_spread": pytest.approx(0.5),
        "reconstruction_explained": pytest.approx(0.75),
        "warnings": [],
    }


@pytest.mark.parametrize(
    "reconstructions, history, warning",
    [
        (np.repeat(IMAGES[:1], 8, axis=0) + 0.01 * IMAGES, WELL, "collapsed.*0.01 times"),
        (IMAGES[::-1], WELL, "do not invert each other.*explained variance -"),
        (IMAGES, [WELL[0], {**WELL[1], "restarted": 0.01}], "restarted, in epoch 2"),
        (IMAGES, [{"loss": 3.0, "l_d": 1e-4}], "discriminator won: with a loss of 0.0001"),
        (
            IMAGES,
            [{"loss": 3.0, "l_d": 1.0}, {"loss": 31.0, "l_d": 1.0}],
            "exploded: 31 in the last epoch, 3 in its best epoch",
        ),
    ],
)
def test_each_kind_of_collapse_is_reported(reconstructions, history, warning):
    (found,) = health.of_gan(reconstructions, IMAGES, history)["warnings"]
    assert re.search(warning, found)


def test_dead_and_constant_decoders_are_refused_and_weak_ones_are_not():
    images = np.random.default_rng(0).uniform(size=(8, 4, 4, 1))
    health.check_alive(images * 1e-6)
    health.check_not_constant(images * 0.1, images)
    with pytest.raises(health.TrainingFailed, match="The decoder died"):
        health.check_alive(images * 0)
    with pytest.raises(health.TrainingFailed, match="the same reconstruction for every image"):
        health.check_not_constant(np.repeat(images[:1], 8, axis=0), images)


def test_a_score_of_a_classifier_that_is_nearly_always_sure_is_saturated():
    def of(share):
        """What is said where so large a share of 100 scores is -0.9999."""
        a_cls = np.where(np.arange(100) < 100 * share, -0.9999, -0.99)
        return health.saturated({"a_rec": np.ones(100), "a_cls": a_cls}, "held-out")

    assert of(0.89) == health.saturated({"a_rec": np.ones(100)}, "held-out") == ""
    assert "a_cls is saturated: of 95% of the held-out images" in of(0.95)
    assert "more than 99.9% sure" in of(0.95)
