import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops import rotations


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 6, 6, 2), np.uint8)


def test_rotates_counter_clockwise():
    # One bright pixel in the top right corner goes to the top left one.
    image = np.zeros((1, 2, 2, 1), np.uint8)
    image[0, 0, 1] = 9
    rotated = rotations.rotate(tf.constant(image), 1).numpy()
    assert rotated[0, :, :, 0].tolist() == [[9, 0], [0, 0]]


@pytest.mark.parametrize("d", range(4))
def test_agrees_with_numpy(images, d):
    np.testing.assert_array_equal(
        rotations.rotate(tf.constant(images), d), np.rot90(images, d, axes=(1, 2))
    )


def test_unknown_rotation_is_refused(images):
    with pytest.raises(ValueError, match="0, 1, 2 or 3"):
        rotations.rotate(tf.constant(images), 4)


def test_stack_holds_every_rotation_and_starts_with_the_images(images):
    stack = rotations.rotate_stack(tf.constant(images)).numpy()
    labels = rotations.rotation_labels(3).numpy()
    assert stack.shape == (12, 6, 6, 2) and stack.dtype == np.uint8
    np.testing.assert_array_equal(stack[:3], images)
    for i, (rotated, d) in enumerate(zip(stack, labels)):
        np.testing.assert_array_equal(rotated, np.rot90(images[i % 3], d))


def test_sampled_rotations_are_what_their_labels_say(images):
    many = np.repeat(images, 200, axis=0)
    rotated, c = rotations.rotate_sampled(tf.constant(many), seed=[3, 4])
    for image, turned, d in zip(many, rotated.numpy(), c.numpy()):
        np.testing.assert_array_equal(turned, np.rot90(image, d))
    # 600 draws: each rotation's count is within five standard deviations of 150.
    assert np.abs(np.bincount(c, minlength=4) - 150).max() < 5 * np.sqrt(600 * 0.25 * 0.75)


def test_sampled_rotations_follow_the_seed(images):
    many = np.repeat(images, 20, axis=0)
    first, again, other = (
        rotations.rotate_sampled(tf.constant(many), seed=[0, s])[1].numpy() for s in (1, 1, 2)
    )
    assert (first == again).all() and (first != other).any()


def test_all_but_the_first_are_turned():
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 2), np.uint8)
    rotated, c = rotations.rotate_sampled_others(tf.constant(images), seed=[1, 2])
    assert c[0] == 0 and set(c.numpy()[1:]) == {1, 2, 3}
    for image, found, d in zip(images, rotated.numpy(), c.numpy()):
        np.testing.assert_array_equal(found, np.rot90(image, d))
