import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops.preprocessing import check_image_shape, preprocess
from tf_ssae.ops.rotations import rotate


def random_images(size, channels=1):
    return np.random.default_rng(size).integers(0, 256, (2, size, size, channels), np.uint8)


def test_28x28_images_are_padded_with_zeros():
    images = random_images(28)
    result = preprocess(tf.constant(images), 32).numpy()
    assert result.shape == (2, 32, 32, 1) and result.dtype == np.float32
    np.testing.assert_allclose(result[:, 2:30, 2:30], images / 255, rtol=1e-6)
    result[:, 2:30, 2:30] = 0
    assert not result.any()


def test_8x8_images_are_enlarged_four_times():
    images = random_images(8)
    np.testing.assert_allclose(
        preprocess(tf.constant(images), 32), np.kron(images, np.ones((1, 4, 4, 1))) / 255, rtol=1e-6
    )


def test_uint8_and_float_images_mean_the_same():
    images = random_images(32, 3)
    np.testing.assert_array_equal(
        preprocess(tf.constant(images), 32), preprocess(tf.constant(images / np.float32(255)), 32)
    )


@pytest.mark.parametrize("size", [8, 10, 28, 32])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_commutes_with_rotation_exactly(size, d):
    images = tf.constant(random_images(size))
    np.testing.assert_array_equal(
        preprocess(rotate(images, d), 32), rotate(preprocess(images, 32), d)
    )


@pytest.mark.parametrize("shape", [(28, 32, 1), (64, 64, 3), (27, 27, 1), (32, 32, 2), (0, 0, 1)])
def test_shapes_that_cannot_be_brought_to_size_exactly_are_refused(shape):
    with pytest.raises(ValueError, match="expected square images of an even size of at most 32"):
        check_image_shape(shape, 32)


def test_the_target_may_be_larger():
    images = random_images(28)
    result = preprocess(tf.constant(images), 64).numpy()
    np.testing.assert_allclose(
        result[:, 4:60, 4:60], np.kron(images, np.ones((1, 2, 2, 1))) / 255, rtol=1e-6
    )
    assert result.shape == (2, 64, 64, 1) and not result[:, :4].any()
