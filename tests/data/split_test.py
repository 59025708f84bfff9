"""Views of images, and sets that must not overlap."""

import dataclasses

import numpy as np
import pytest

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split, Subset

# Seven tiles of four images: the first image is cut into two, the third into three.
SOURCE = np.array([0, 0, 1, 2, 2, 2, 3])
LABELS = np.array([0, 0, 1, 2, 2, 2, 0])
TWO = np.arange(3) == 2


@pytest.fixture(scope="module")
def cut():
    """Tile k is grey of the value 10 k, and its image's class is in `LABELS`."""
    images = np.full((7, 4, 4, 1), 10 * np.arange(7).reshape(7, 1, 1, 1), np.uint8)
    names = ("a.png", "b.png", "c.png", "d.png")
    return LabelledImages(images, LABELS, ("cat", "dog", "cow"), source=SOURCE, names=names)


@pytest.fixture(scope="module")
def whole(cut):
    """As many images, each its own tile, without names."""
    return dataclasses.replace(cut, source=None, names=None)


@pytest.fixture
def subset(cut):
    """The third image, of three tiles, the first, of two, and the last, of one."""
    return Subset(cut, np.array([3, 4, 5, 0, 1, 6]), TWO)


def test_a_subset_counts_images_and_holds_their_tiles(subset):
    assert len(subset) == 3
    assert subset.images.shape == (6, 4, 4, 1)
    assert subset.images[:, 0, 0, 0].tolist() == [30, 40, 50, 0, 10, 60]


def test_a_subset_says_which_image_each_tile_is_of(subset):
    assert subset.source.tolist() == [2, 2, 2, 0, 0, 3]
    assert subset.bounds.tolist() == [0, 3, 5, 6]
    assert subset.ids.tolist() == [2, 0, 3]
    assert subset.names == ["c.png", "a.png", "d.png"]


def test_the_class_of_a_tile_is_that_of_its_image(subset):
    assert subset.tile_labels.tolist() == [2, 2, 2, 0, 0, 0]
    assert subset.tile_is_anomaly.tolist() == [True, True, True, False, False, False]
    assert subset.labels.tolist() == [2, 0, 0]
    assert subset.is_anomaly.tolist() == [True, False, False]


def test_an_image_is_as_anomalous_as_its_most_anomalous_tile(subset):
    worst = subset.worst(np.array([0.1, 0.7, 0.3, -2.0, -1.0, 0.5], np.float32))
    assert worst.dtype == np.float32
    np.testing.assert_array_equal(worst, np.array([0.7, -1.0, 0.5], np.float32))


def test_batches_are_of_tiles_in_order(subset):
    batches = list(subset.batches(4).as_numpy_iterator())
    assert [len(batch) for batch in batches] == [4, 2]
    np.testing.assert_array_equal(np.concatenate(batches), subset.images)


def test_the_first_images_come_with_all_their_tiles(subset):
    assert subset.first(0).index.tolist() == []
    assert subset.first(1).index.tolist() == [3, 4, 5]
    assert subset.first(2).index.tolist() == [3, 4, 5, 0, 1]
    assert subset.first(9).index.tolist() == subset.index.tolist()


def test_chosen_images_come_with_all_their_tiles(subset):
    chosen = subset.of(np.array([True, False, True]))
    assert chosen.index.tolist() == [3, 4, 5, 6] and chosen.names == ["c.png", "d.png"]
    assert chosen.is_anomaly.tolist() == [True, False]


def test_an_image_that_was_not_cut_is_its_own_tile(whole):
    subset = Subset(whole, np.array([5, 0, 2]), TWO)
    assert len(subset) == len(subset.images) == 3
    assert subset.source.tolist() == subset.ids.tolist() == [5, 0, 2]
    assert subset.names == ["image 5", "image 0", "image 2"]
    assert subset.labels.tolist() == subset.tile_labels.tolist() == [2, 0, 1]
    assert subset.is_anomaly.tolist() == subset.tile_is_anomaly.tolist() == [True, False, False]
    assert subset.worst(np.array([3.0, 1.0, 2.0])).tolist() == [3, 1, 2]
    assert subset.of(np.array([False, True, True])).index.tolist() == [0, 2]


def test_a_subset_may_be_empty(cut, whole):
    for data in (cut, whole):
        empty = Subset(data, np.arange(0), TWO)
        assert len(empty) == 0 and empty.images.shape == (0, 4, 4, 1) and empty.names == []
        assert empty.labels.tolist() == empty.is_anomaly.tolist() == empty.ids.tolist() == []
        assert empty.first(3).index.tolist() == [] and empty.bounds.tolist() == [0]


def subsets(data, *indices):
    return [Subset(data, np.array(index, int), TWO) for index in indices]


def test_overlap_is_refused(whole):
    with pytest.raises(ValueError, match="1 images are in both the training and the test set"):
        Split(*subsets(whole, [0, 1], [], [1, 2]))
    with pytest.raises(
        ValueError, match="2 images are in both the training and the calibration set"
    ):
        Split(*subsets(whole, [0, 1, 2], [1, 2, 6], [3]))
    with pytest.raises(ValueError, match="1 images are in both the calibration and the test set"):
        Split(*subsets(whole, [0], [1, 2], [2, 3]))
    with pytest.raises(ValueError, match="The training set holds anomalies"):
        Split(*subsets(whole, [0, 3], [], [1]))
    with pytest.raises(ValueError, match="The calibration set holds anomalies"):
        Split(*subsets(whole, [0], [4], [1]))


def test_tiles_of_one_image_in_two_sets_are_refused(cut):
    with pytest.raises(ValueError, match="1 images are in both the training and the test set"):
        Split(*subsets(cut, [0], [], [1, 2]))


def test_thresholds_are_fitted_to_what_was_held_out_if_anything_was(cut):
    held_out, none = (Split(*subsets(cut, [0, 1], index, [3, 4, 5])) for index in ([2], []))
    assert held_out.for_thresholds is held_out.calibration
    assert none.for_thresholds is none.train
    assert none.data is cut and none.anomalous.tolist() == [False, False, True]


def test_the_same_sets_of_other_images(cut):
    split = Split(*subsets(cut, [0, 1], [2], [3, 4, 5]))
    other = split.with_data(dataclasses.replace(cut, images=cut.images + np.uint8(1)))
    assert other.data.images[2, 0, 0, 0] == 21 and other.test.index.tolist() == [3, 4, 5]
    for name in ("train", "calibration", "test"):
        assert getattr(other, name).data is other.data


def test_a_fingerprint_depends_on_pixels_labels_sets_and_order(cut):
    sets = [0, 1, 6], [2], [3, 4, 5]
    same = Split(*subsets(cut, *sets)).fingerprint()
    assert same == Split(*subsets(cut, *sets)).fingerprint()
    pixels, labels = cut.images.copy(), LABELS.copy()
    pixels[4, 0, 0] += 1
    labels[2] = 0
    others = [
        Split(*subsets(dataclasses.replace(cut, images=pixels), *sets)),
        Split(*subsets(dataclasses.replace(cut, labels=labels), *sets)),
        Split(*subsets(cut, [6, 0, 1], [2], [3, 4, 5])),
        Split(*subsets(cut, [0, 1], [6, 2], [3, 4, 5])),
        Split(*subsets(cut, [0, 1, 6], [2], [])),
    ]
    assert len({same, *(other.fingerprint() for other in others)}) == 6


def test_equal_images_are_counted(cut, whole):
    pixels = cut.images.copy()
    # Two tiles of one test image, and another test image, equal tiles that train; a held-out one
    # does not count.
    pixels[3], pixels[5], pixels[6], pixels[2] = pixels[0], pixels[1], pixels[1], pixels[0]
    cut, whole = (dataclasses.replace(data, images=pixels) for data in (cut, whole))
    assert Split(*subsets(cut, [0, 1], [2], [3, 4, 5, 6])).duplicates() == 2
    assert Split(*subsets(whole, [0, 1], [2], [3, 4, 5, 6])).duplicates() == 3
    assert Split(*subsets(whole, [0], [1], [4, 6])).duplicates() == 0
