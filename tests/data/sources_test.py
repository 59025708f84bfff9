"""The sources of images: what they give, and their errors when they cannot."""

import os
import shutil

import numpy as np
import pytest

from tf_ssae.data import sources
from tf_ssae.detectors.registry import preset


def test_digits_are_spread_over_uint8(digit_images):
    assert digit_images.images.shape == (1797, 8, 8, 1) and digit_images.images.dtype == np.uint8
    assert digit_images.images.max() == 255 and len(np.unique(digit_images.images)) == 17
    assert np.bincount(digit_images.labels).min() == 174


def test_prepared_tfds_folder(prepared_tfds, digit_images):
    data = sources.load(preset("mnist", data_dir=str(prepared_tfds)), None)
    assert data.images.shape == (1797, 28, 28, 1) and data.images.dtype == np.uint8
    assert data.official_test.sum() == 297 and not data.official_test[:1500].any()
    assert data.class_names == tuple("0123456789")

    # The order within a split is the files'; every image is there with its label.
    def whole(images, labels):
        return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels))

    original = digit_images.images.repeat(3, axis=1).repeat(3, axis=2)
    assert whole(np.ascontiguousarray(data.images[:, 2:26, 2:26]), data.labels) == whole(
        original, digit_images.labels
    )


def test_loading_twice_gives_the_same_order(prepared_tfds):
    first, second = (
        sources.load(preset("mnist", data_dir=str(prepared_tfds)), None) for _ in range(2)
    )
    np.testing.assert_array_equal(first.images, second.images)


def test_folder_without_the_data_set_says_what_was_looked_for(prepared_tfds, tmp_path):
    with pytest.raises(FileNotFoundError) as error:
        sources.load(preset("cifar10", data_dir=str(prepared_tfds)), None)
    for part in (
        f"{prepared_tfds}/cifar10/VERSION/dataset_info.json",
        "Found there: mnist",
        "--data_dir empty",
    ):
        assert part in str(error.value)
    with pytest.raises(FileNotFoundError, match="no prepared data set at all"):
        sources.load(preset("mnist", data_dir=str(tmp_path)), None)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        sources.load(preset("mnist", data_dir=str(tmp_path / "nowhere")), None)


def _remove(path):
    path.unlink()


def _truncate(path):
    os.truncate(path, 5000)


@pytest.mark.parametrize("harm", [_remove, _truncate])
def test_an_incomplete_folder_is_named(harm, prepared_tfds, tmp_path):
    shutil.copytree(prepared_tfds, tmp_path / "tfds")
    harm(next((tmp_path / "tfds" / "mnist" / "3.0.1").glob("*test.tfrecord*")))
    with pytest.raises(FileNotFoundError, match=r"mnist in .*mnist/3.0.1 is incomplete"):
        sources.load(preset("mnist", data_dir=str(tmp_path / "tfds")), None)


def test_a_folder_of_another_version_is_named(prepared_tfds, tmp_path):
    shutil.copytree(prepared_tfds / "mnist" / "3.0.1", tmp_path / "mnist" / "1.0.0")
    with pytest.raises(FileNotFoundError, match="or another version than 3.0.1"):
        sources.load(preset("mnist", data_dir=str(tmp_path)), None)


@pytest.mark.parametrize(
    "name, shape",
    [("mnist", (28, 28, 1)), ("fashion_mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))],
)
def test_the_real_data_sets(name, shape):
    data_dir = os.environ.get("TFDS_DATA_DIR", "")
    if not os.path.isdir(os.path.join(data_dir, name)):
        pytest.skip(
            f"set TFDS_DATA_DIR to a folder of prepared tensorflow-datasets with {name} to test"
            " on it"
        )
    data = sources.load(preset(name, data_dir=data_dir), None)
    assert data.image_shape == shape and data.official_test.sum() == 10_000
    assert len(data.images) == (60_000 if name == "cifar10" else 70_000)
