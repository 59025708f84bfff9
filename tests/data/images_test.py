import numpy as np
import pytest

from tf_ssae.data.images import LabelledImages

GOOD = np.zeros((4, 8, 8, 1), np.float32)


def images(array, labels=(0, 1, 0, 1)):
    return LabelledImages(array, np.array(labels), ("cat", "dog"))


@pytest.mark.parametrize(
    "array", [GOOD, (GOOD * 255).astype(np.uint8), np.ones((4, 32, 32, 3), np.float32)]
)
def test_good_images_are_taken(array):
    assert images(array).image_shape == array.shape[1:]


def nan_pixel():
    array = GOOD.copy()
    array[2, 1, 1] = np.nan
    return array


@pytest.mark.parametrize(
    "array, message",
    [
        (GOOD[..., 0], r"Images of shape \[4, 8, 8\]; expected \[N, S, S, C\]"),
        (np.zeros((4, 8, 6, 1), np.float32), r"Images of shape \[4, 8, 6, 1\]; expected .*square"),
        (np.zeros((4, 8, 8, 4), np.float32), r"C = 1 \(grey\) or 3 \(colour\)"),
        (GOOD.astype(np.float64), "dtype float64; expected uint8 .* or float32"),
        (GOOD.astype(np.int32), "dtype int32; expected uint8 .* or float32"),
        (nan_pixel(), "Image 2 has NaN pixels"),
        (GOOD + 200, r"Image 0 has pixels from 200.0 to 200.0; expected float32 images in 0 to 1"),
        (GOOD - 0.5, "Image 0 has pixels from -0.5 to -0.5"),
    ],
)
def test_bad_images_are_described(array, message):
    with pytest.raises(ValueError, match=message):
        images(array)


def test_bad_labels_are_described():
    with pytest.raises(ValueError, match=r"Labels of shape \(3,\) for 4 images"):
        images(GOOD, (0, 1, 0))
    with pytest.raises(ValueError, match="Labels run from 0 to 2; expected 0 to 1"):
        images(GOOD, (0, 1, 2, 0))
    with pytest.raises(
        ValueError, match="Labels are an array of float64; expected a numpy array of integers"
    ):
        images(GOOD, (0.0, 1.0, 0.0, 1.0))
    with pytest.raises(ValueError, match="Labels are list"):
        LabelledImages(GOOD, [0, 1, 0, 1], ("cat", "dog"))


@pytest.mark.parametrize(
    "given, message",
    [
        (
            dict(source=np.array([0, 0, 2, 2])),
            "source: expected the image that each tile was cut from, 0, 1, 2, .*without a gap",
        ),
        (dict(source=np.array([0, 1, 0, 1])), "source: expected .* in ascending order"),
        (
            dict(source=np.array([0, 0, 1])),
            "source: expected the image that each tile was cut from",
        ),
        (dict(source=np.array([0, 0, 1, 1]), names=("a.png",)), "1 names for 2 images"),
        (dict(official_test=np.array([True])), r"official_test of shape \(1,\) for 4 images"),
    ],
)
def test_names_and_sources_that_do_not_fit_the_images_are_described(given, message):
    with pytest.raises(ValueError, match=message):
        LabelledImages(GOOD, np.array([0, 0, 1, 1]), ("cat", "dog"), **given)


def test_where_the_tiles_of_each_image_begin():
    cut = LabelledImages(
        GOOD, np.array([0, 0, 0, 1]), ("cat", "dog"), source=np.array([0, 0, 0, 1])
    )
    assert cut.first_tiles.tolist() == [0, 3] and images(GOOD).first_tiles.tolist() == [0, 1, 2, 3]
    assert cut.source_of(np.array([3, 1, 0])).tolist() == [1, 0, 0]
    assert images(GOOD).source_of(np.array([3, 1, 0])).tolist() == [3, 1, 0]
