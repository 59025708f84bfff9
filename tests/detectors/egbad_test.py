import numpy as np
import pytest
import tensorflow as tf
from moving import moved, values

from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset


def made(digit_images, **settings):
    config = preset("digits", detector="egbad", **settings)
    return registry.make(config, digit_images.image_shape), tf.constant(digit_images.images[:4])


def test_each_step_trains_its_own_networks(digit_images):
    detector, images = made(digit_images)
    ours, theirs = detector.generator_variables, detector.discriminator.trainable_variables
    assert len(ours) == len(detector.encoder.trainable_variables) + len(
        detector.generator.trainable_variables
    )
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


def test_the_steps_of_g_and_e_have_no_variable_in_common(digit_images):
    detector, images = made(digit_images)
    x, z = detector.to_tanh_range(images), tf.random.stateless_normal([4, 200], seed=[0, 0])
    with tf.GradientTape(persistent=True) as tape:
        l_g = detector.loss_of_pairs((detector.generator(z, training=True), z), 1)
        l_e = detector.loss_of_pairs((x, detector.encoder(x, training=True)), 0)
    for loss, trained in ((l_g, detector.generator), (l_e, detector.encoder)):
        reached = [v for v in detector.generator_variables if tape.gradient(loss, v) is not None]
        assert {id(v) for v in reached} == {id(v) for v in trained.trainable_variables}


def test_losses_are_those_of_the_labels(digit_images):
    detector, images = made(digit_images, learning_rate=1e-9)
    # A discriminator that gives every pair the same logit, 1: of being encoded, a probability of
    # 0.731.
    detector.discriminator.trainable_variables[-2].assign(tf.zeros([1024, 1]))
    detector.discriminator.trainable_variables[-1].assign([1.0])
    logs = {name: float(value) for name, value in detector.train_step(images).items()}
    wrong, right = -np.log(0.26894), -np.log(0.73106)
    assert logs["l_g"] == pytest.approx(right, rel=1e-4) and logs["l_e"] == pytest.approx(
        wrong, rel=1e-4
    )
    assert logs["l_d"] == pytest.approx(right + wrong, rel=1e-4) and logs["loss"] == pytest.approx(
        right + wrong, rel=1e-4
    )


def test_d_learns_to_call_encoded_pairs_real(digit_images):
    detector, images = made(digit_images, learning_rate=1e-3)
    detector.generator_optimizer.learning_rate = 0.0
    for _ in range(10):
        detector.train_step(images)
    x, z = detector.to_tanh_range(images), tf.random.stateless_normal([4, 200], seed=[0, 0])
    encoded, _ = detector.discriminator([x, detector.encoder(x, training=True)])
    generated, _ = detector.discriminator([detector.generator(z, training=True), z])
    assert np.mean(encoded) > 0 > np.mean(generated)


def test_scores_are_those_of_averaged_weights(digit_images, monkeypatch):
    detector, images = made(digit_images, learning_rate=1e-2)
    # Folding comes last, and changes the weights, not what they compute.
    monkeypatch.setattr(type(detector), "fold", lambda self: None)
    seen = [values(detector.trainable_variables)]
    for _ in range(2):
        detector.train_step(images)
        seen.append(values(detector.trainable_variables))
    detector.finish_training()
    for first, second, third, average in zip(
        *seen, values(detector.trainable_variables), strict=True
    ):
        # min(0.999, (1 + step) / (10 + step)): 2/11, then 3/12.
        np.testing.assert_allclose(
            average, 0.25 * (2 / 11 * first + 9 / 11 * second) + 0.75 * third, rtol=1e-4, atol=1e-6
        )


def test_the_score_is_the_papers(digit_images):
    detector, images = made(digit_images)
    outputs = detector.explain(images)
    x, rebuilt = detector.to_tanh_range(images), 2 * outputs["reconstruction"] - 1
    assert tf.reduce_min(x) == -1 and tf.reduce_max(x) == 1
    z = detector.encoder(x)
    np.testing.assert_allclose(detector.generator(z), rebuilt, atol=1e-6)
    f, f_rebuilt = detector.discriminator([x, z])[1], detector.discriminator([rebuilt, z])[1]
    expected = 0.9 * np.abs(x - rebuilt).sum((1, 2, 3)) + 0.1 * np.abs(f - f_rebuilt).sum(1)
    np.testing.assert_allclose(outputs["a_egbad"], expected, rtol=1e-4)


def test_larger_images_are_refused_before_any_work():
    with pytest.raises(ValueError, match="image_size=64: expected 32 for egbad"):
        preset("digits", detector="egbad", image_size=64)
