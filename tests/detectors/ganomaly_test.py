import numpy as np
import pytest
import tensorflow as tf
from moving import moved, values

from tf_ssae.detectors import ganomaly, registry
from tf_ssae.detectors.registry import preset


def made(digit_images, **settings):
    config = preset("digits", detector="ganomaly", **settings)
    return registry.make(config, digit_images.image_shape), tf.constant(digit_images.images[:4])


def test_each_step_trains_its_own_networks(digit_images):
    detector, images = made(digit_images)
    ours, theirs = detector.generator_variables, detector.discriminator.trainable_variables
    parts = (detector.encoder, detector.decoder, detector.second_encoder)
    assert len(ours) == sum(len(network.trainable_variables) for network in parts)
    assert len(ours) + len(theirs) == len(detector.trainable_variables)

    detector.discriminator_optimizer.learning_rate = 0.0
    ours_before, theirs_before = values(ours), values(theirs)
    detector.train_step(images)
    assert moved(ours, ours_before) == {True} and moved(theirs, theirs_before) == {False}

    detector.discriminator_optimizer.learning_rate, detector.generator_optimizer.learning_rate = (
        1e-3,
        0.0,
    )
    ours_before, theirs_before = values(ours), values(theirs)
    detector.train_step(images)
    assert moved(ours, ours_before) == {False} and moved(theirs, theirs_before) == {True}


def test_losses_are_the_papers(digit_images):
    detector, images = made(digit_images)
    x = detector.to_tanh_range(images)
    z = detector.encoder(x, training=True)
    rebuilt = detector.decoder(z, training=True)
    z_rebuilt = detector.second_encoder(rebuilt, training=True)
    (real, f), (fake, f_rebuilt) = (
        detector.discriminator(pictures, training=True) for pictures in (x, rebuilt)
    )
    logs = {name: float(value) for name, value in detector.train_step(images).items()}
    assert logs["loss"] == pytest.approx(
        logs["l_adv"] + 50 * logs["l_con"] + logs["l_enc"], rel=1e-5
    )
    assert logs["l_adv"] == pytest.approx(np.square(f - f_rebuilt).mean(), rel=1e-4)
    assert logs["l_con"] == pytest.approx(np.abs(x - rebuilt).mean(), rel=1e-4)
    assert logs["l_enc"] == pytest.approx(np.square(z - z_rebuilt).mean(), rel=1e-4)
    assert logs["l_d"] == pytest.approx(
        (np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean()) / 2, rel=1e-4
    )


def test_d_starts_anew_when_its_loss_is_next_to_nothing(digit_images, monkeypatch):
    detector, images = made(digit_images)
    before = values(detector.discriminator.trainable_variables)
    assert not detector.train_step(images)["restarted"]
    monkeypatch.setattr(ganomaly, "_HOPELESS", 100.0)
    assert detector.train_step(images)["restarted"] == 0.5
    for variable, old in zip(detector.discriminator.trainable_variables, before):
        # Another draw, not a step from the old one.
        if "beta" not in variable.path:
            assert abs(np.corrcoef(variable.numpy().ravel(), old.ravel())[0, 1]) < 0.5, (
                variable.path
            )


def test_the_score_is_the_papers(digit_images):
    for latent_error, expected in (
        ("squared", lambda d: np.square(d).mean(1)),
        ("absolute", lambda d: np.abs(d).sum(1)),
    ):
        detector, images = made(digit_images, latent_error=latent_error)
        outputs = detector.explain(images)
        x, rebuilt = detector.to_tanh_range(images), 2 * outputs["reconstruction"] - 1
        difference = (
            (detector.encoder(x) - detector.second_encoder(rebuilt)).numpy().reshape(4, 100)
        )
        np.testing.assert_allclose(outputs["a_ganomaly"], expected(difference), rtol=1e-3)
