import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops import scores


def test_a_rec_is_the_sum_of_squares():
    images = np.full((1, 2, 2, 3), 0.5, np.float32)
    np.testing.assert_allclose(scores.a_rec(images, np.zeros_like(images)), [12 * 0.25])


def test_a_cls_by_hand():
    # Two images under four rotations, rotation-major as rotate_stack has them. softmax of log(p) is
    # p.
    true = np.array([[0.7, 0.4], [0.1, 0.3], [0.25, 0.9], [0.95, 0.2]])  # [rotation, image]
    logits = np.empty((4, 2, 4))
    for d in range(4):
        for i in range(2):
            logits[d, i] = np.log((1 - true[d, i]) / 3)
            logits[d, i, d] = np.log(true[d, i])
    probabilities = scores.rotation_probabilities(tf.constant(logits.reshape(8, 4)))
    assert probabilities.shape == (2, 4, 4)
    np.testing.assert_allclose(tf.linalg.diag_part(probabilities), true.T)
    np.testing.assert_allclose(
        scores.a_cls(probabilities), [-(0.7 + 0.1 + 0.25 + 0.95) / 4, -(0.4 + 0.3 + 0.9 + 0.2) / 4]
    )


def test_overall_scores_by_hand():
    a_rec, a_cls = np.array([0.2, 1.5]), np.array([0.8, -0.5])
    np.testing.assert_allclose(scores.a_ws(a_rec, a_cls, 0.5), [0.5, 0.5])
    np.testing.assert_allclose(scores.a_max(a_rec, a_cls, 0.5), [0.4, 0.75])
    np.testing.assert_allclose(scores.a_ws(a_rec, a_cls, 0.25), [0.65, 0.0])
    np.testing.assert_allclose(scores.a_max(a_rec, a_cls, 0.25), [0.6, 0.375])


def test_scores_of_the_gans_by_hand():
    images, features = np.full((1, 2, 2, 3), 0.5, np.float32), np.array([[1.0, 2.0]], np.float32)
    found = scores.a_egbad(images, -images, features, np.array([[0.0, 5.0]], np.float32))
    np.testing.assert_allclose(found, [0.9 * 12 + 0.1 * 4], rtol=1e-6)
    z, z_rebuilt = (
        np.array([1.0, 2.0, 3.0]).reshape(1, 1, 1, 3),
        np.array([1.0, 0.0, -1.0]).reshape(1, 1, 1, 3),
    )
    np.testing.assert_allclose(scores.a_ganomaly(z, z_rebuilt, "squared"), [(0 + 4 + 16) / 3])
    np.testing.assert_allclose(scores.a_ganomaly(z, z_rebuilt, "absolute"), [0 + 2 + 4])


def test_normalisation_does_not_clip():
    normalise = scores.MinMax()
    normalise.fit(10.0, 20.0)
    np.testing.assert_allclose(
        normalise(tf.constant([10.0, 20.0, 45.0, 0.0])), [0.0, 1.0, 3.5, -1.0]
    )


@pytest.mark.parametrize("minimum", [-0.2552166, 0.0, 152.5522, 1e6])
def test_normalisation_survives_constants_in_float16(minimum):
    normalise, span = scores.MinMax(), 0.0041 * max(1, minimum)
    normalise.fit(minimum, minimum + span)
    values = np.linspace(minimum, minimum + span, 7, dtype=np.float32)
    exact = (values.astype(float) - float(normalise.minimum)) / span
    np.testing.assert_allclose(normalise(tf.constant(values)), exact, rtol=1e-4, atol=1e-4)


def test_normalisation_that_was_not_fitted_gives_nan():
    assert np.isnan(scores.MinMax()(tf.constant([1.0]))).all()


@pytest.mark.parametrize("minimum, maximum", [(3.0, 3.0), (np.nan, 1.0), (0.0, np.inf)])
def test_scores_that_cannot_be_normalised_are_refused(minimum, maximum):
    with pytest.raises(ValueError, match="expected two different, finite"):
        scores.MinMax().fit(minimum, maximum)
