import numpy as np

from tf_ssae.ops import losses


def test_reconstruction_losses_by_hand():
    images = np.zeros((2, 2, 2, 1), np.float32)
    reconstructions = np.array(
        [[[[1], [0]], [[0], [0]]], [[[0.5], [0.5]], [[0.5], [1]]]], np.float32
    )
    np.testing.assert_allclose(losses.squared_error(images, reconstructions), [1.0, 3 * 0.25 + 1])
    np.testing.assert_allclose(losses.mean_squared_error(images, reconstructions), [0.25, 1.75 / 4])


def test_absolute_errors_by_hand():
    images = np.zeros((2, 2, 2, 1), np.float32)
    reconstructions = np.array(
        [[[[1], [0]], [[0], [-2]]], [[[0.5], [0.5]], [[0.5], [1]]]], np.float32
    )
    np.testing.assert_allclose(losses.absolute_error(images, reconstructions), [3.0, 2.5])
    np.testing.assert_allclose(losses.mean_absolute_error(images, reconstructions), [0.75, 0.625])


def test_binary_cross_entropy_by_hand():
    logits = np.log(np.array([0.2 / 0.8, 0.5 / 0.5], np.float32))
    np.testing.assert_allclose(
        losses.binary_cross_entropy(logits, 1), [-np.log(0.2), np.log(2)], rtol=1e-5
    )
    np.testing.assert_allclose(
        losses.binary_cross_entropy(logits, 0), [-np.log(0.8), np.log(2)], rtol=1e-5
    )


def test_rotation_cross_entropy_by_hand():
    logits = np.log(np.array([[0.1, 0.2, 0.3, 0.4], [0.97, 0.01, 0.01, 0.01]], np.float32))
    result = losses.rotation_cross_entropy(np.array([3, 1]), logits)
    np.testing.assert_allclose(result, [-np.log(0.4), -np.log(0.01)], rtol=1e-5)


def test_location_loss_by_hand():
    """Four pixels of a map at half the size: a defect, none, one that is ignored, none."""
    change = np.zeros((1, 4, 4, 1), np.float32)
    change[0, 0, 0] = 1.0
    change[0, 2, 1] = 0.5
    logits = np.array([[[[0.0], [0.0]], [[9.0], [-50.0]]]], np.float32)
    focal, dice = losses.location_loss(change, logits)
    # p = 1/2 at the first two: (1/2)^2 log 2 each; 0 at the last; over three pixels.
    assert float(focal) == np.float32(2 * 0.25 * np.log(2) / 3)
    # The overlap is 1/2, the defect 1, the map 1/2 + 1/2 + 0.
    np.testing.assert_allclose(float(dice), 1 - (2 * 0.5 + 1) / (1 + 1 + 1), rtol=1e-6)
