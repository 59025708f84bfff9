import numpy as np
import pytest

from tf_ssae.data import pipeline
from tf_ssae.detectors.registry import preset

CONFIG = preset("digits", batch_size=8, epochs=3, seed=5)
INDEX = np.arange(100, 150)


@pytest.fixture
def images():
    # The image at index i is filled with the value i.
    return np.arange(200, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)


def batches(images, config, first_epoch=0):
    return list(pipeline.training_batches(images, INDEX, config, first_epoch).as_numpy_iterator())


def test_an_epoch_holds_every_image_at_most_once_and_only_training_images(images):
    result = batches(images, CONFIG)
    assert [step for step, _ in result] == list(range(18))  # 3 epochs of 50 // 8
    for epoch in range(3):
        seen = np.concatenate([x[:, 0, 0, 0] for _, x in result[6 * epoch : 6 * epoch + 6]])
        assert len(set(seen)) == 48 and set(seen) <= set(INDEX)


def test_epochs_and_seeds_have_orders_of_their_own(images):
    def order(seed, epoch):
        result = batches(images, preset("digits", batch_size=8, epochs=3, seed=seed))
        return np.concatenate(
            [x[:, 0, 0, 0] for _, x in result[6 * epoch : 6 * epoch + 6]]
        ).tolist()

    assert order(5, 0) == order(5, 0)
    assert order(5, 0) != order(5, 1) and order(5, 0) != order(6, 0)


@pytest.mark.parametrize("rotations", ["all", "sampled"])
def test_a_resumed_epoch_is_the_epoch_that_would_have_been(images, rotations):
    config = preset("digits", batch_size=8, epochs=3, seed=5, rotations=rotations)

    def rotated(first_epoch):
        dataset = pipeline.training_batches(images, INDEX, config, first_epoch)
        return list(pipeline.with_rotations(dataset, config).as_numpy_iterator())

    for whole, resumed in zip(rotated(0)[6:], rotated(1), strict=True):
        for a, b in zip(whole, resumed):
            np.testing.assert_array_equal(a, b)


def test_images_stay_uint8_and_are_stacked_four_times():
    random = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 3), np.uint8)
    dataset = pipeline.training_batches((random), np.arange(20), CONFIG)
    x, x_rotated, d = next(pipeline.with_rotations(dataset, CONFIG).as_numpy_iterator())
    assert (
        x.dtype == x_rotated.dtype == np.uint8
        and x.shape == (8, 6, 6, 3)
        and x_rotated.shape == (32, 6, 6, 3)
    )
    np.testing.assert_array_equal(x, x_rotated[:8])
    for i in range(32):
        np.testing.assert_array_equal(x_rotated[i], np.rot90(x[i % 8], d[i]))


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(
        ValueError, match="batch_size=8 is more than the 5 training images: lower it"
    ):
        pipeline.steps_per_epoch(5, CONFIG)


def test_scoring_batches_keep_the_order_and_every_image(images):
    result = list(
        pipeline.scoring_batches(images, np.array([7, 3, 150, 9, 0]), 2).as_numpy_iterator()
    )
    assert [len(x) for x in result] == [2, 2, 1]
    assert np.concatenate(result)[:, 0, 0, 0].tolist() == [7, 3, 150, 9, 0]
