"""Synthetic defects: repeatable, of the image's size, marked where visible, and of many kinds."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.data import defects


@pytest.fixture(scope="module")
def images():
    """Grey ramps with some grain, `[16, 64, 64, 1]`."""
    random = np.random.default_rng(0)
    ramp = np.linspace(0.3, 0.7, 64)[None, :, None, None]
    grain = random.normal(0, 0.02, (16, 64, 64, 1))
    return tf.constant(np.clip(ramp + grain, 0, 1), tf.float32)


@pytest.fixture(scope="module")
def tampered(images):
    return defects.tamper(images, tf.constant([1, 2]))


def test_the_same_seed_draws_the_same_defects_and_another_draws_others(images, tampered):
    for found, expected in zip(defects.tamper(images, tf.constant([1, 2])), tampered):
        np.testing.assert_array_equal(found, expected)
    other, _ = defects.tamper(images, tf.constant([1, 3]))
    assert np.abs(other - tampered[0]).max() > 0.1


def test_images_stay_images(images, tampered):
    changed, change = tampered
    assert changed.shape == images.shape and change.shape == (16, 64, 64, 1)
    for values in (changed, change):
        assert np.min(values) >= 0 and np.max(values) <= 1 and np.isfinite(values).all()


def test_what_is_marked_has_changed_and_what_has_not_is_not_marked(images, tampered):
    changed, change = (np.asarray(values) for values in tampered)
    difference = np.abs(changed - images)
    assert (difference[change >= 1] > 0).mean() > 0.9
    # A mark reaches one pixel beyond the change.
    near = tf.nn.max_pool2d(difference, 3, 1, "SAME").numpy()
    assert change[near == 0].max() == 0


def test_many_images_get_a_visible_defect_and_few_are_all_defect(images):
    changes = [defects.tamper(images, tf.constant([1, step]))[1] for step in range(8)]
    shares = (np.concatenate(changes) >= 1).mean(axis=(1, 2, 3))
    assert (shares > 0).mean() > 0.5 and np.median(shares) < 0.3


def test_a_mix_draws_the_kinds_that_it_names(images):
    # Beyond a straight line, flat paint: defects of one colour that reach the border.
    wedges = defects.Mix((0, 0, 0, 1, 0), (0, 0, 0, 0, 1))
    _, change = defects.tamper(images, tf.constant([1, 2]), most=1, mix=wedges)
    border = np.ones([64, 64, 1], bool)
    border[2:-2, 2:-2] = False
    marked = np.asarray(change) >= 1
    assert all(image[border].any() for image in marked if image.any())


def test_no_defect_where_none_is_wanted(images):
    changed, change = defects.tamper(images, tf.constant([1, 2]), share=0.0)
    np.testing.assert_array_equal(changed, images)
    assert not np.any(change)


def test_colour_and_a_graph(images):
    colour = tf.repeat(images, 3, axis=3)
    compiled = tf.function(defects.tamper)
    for found, expected in zip(
        compiled(colour, tf.constant([5, 6])), defects.tamper(colour, tf.constant([5, 6]))
    ):
        np.testing.assert_allclose(found, expected, atol=1e-3)
