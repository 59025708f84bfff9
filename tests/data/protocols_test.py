import dataclasses

import numpy as np
import pytest

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.protocols import Split, split
from tf_ssae.detectors.registry import preset

THREE = np.arange(5) == 3


@pytest.fixture(scope="module")
def data():
    """1,000 images of five classes of unequal size, each image unlike every other; the last 200 are
    official test images.
    """
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat(np.arange(5), [100, 150, 200, 250, 300]))
    images = random.integers(0, 256, (1000, 8, 8, 1), np.uint8)
    return LabelledImages(
        images, labels, ("a", "b", "c", "d", "e"), official_test=np.arange(1000) >= 800
    )


def test_pooled_cuts_every_class_to_the_smallest(data):
    result = split(data, preset("digits", anomaly=3))
    # Every class is cut to 100: 400 normals, 80% of which train, but for a tenth of these, held
    # out.
    assert len(result.train) == 288 and len(result.calibration) == 32 and len(result.test) == 180
    everything = np.concatenate([result.train, result.calibration, result.test])
    assert (
        np.bincount(data.labels[everything]).tolist() == [100] * 5 and len(set(everything)) == 500
    )
    assert 3 not in data.labels[result.train] and 3 not in data.labels[result.calibration]
    assert result.test.is_anomaly.sum() == 100


def test_what_is_held_out_comes_off_the_training_set_alone(data):
    part, whole = (
        split(data, preset("digits", anomaly=3)),
        split(data, preset("digits", anomaly=3, calibration_share=0.0)),
    )
    assert np.concatenate(
        [part.train, part.calibration]
    ).tolist() == whole.train.tolist() and not len(whole.calibration)
    assert part.test.tolist() == whole.test.tolist()
    with pytest.raises(ValueError, match="4 normal images to train on leave none to hold out"):
        split(data, preset("digits", max_train_images=4))


def test_parts_of_a_picture_stay_together(data):
    """Every picture in three parts: they lie side by side, in one set."""
    parts = dataclasses.replace(
        data,
        images=data.images.repeat(3, axis=0),
        labels=(data.labels > 0).repeat(3).astype(int),
        class_names=("good", "scratch"),
        official_test=((data.labels > 0) | (np.arange(1000) % 2 == 0)).repeat(3),
        source=np.arange(1000).repeat(3),
        names=tuple(f"{i}.png" for i in range(1000)),
    )
    result = split(parts, preset("folder", data_dir="parts"))
    pictures = {
        name: parts.pictures(getattr(result, name)) for name in ("train", "calibration", "test")
    }
    for index in pictures.values():
        assert (index.reshape(-1, 3) == index[::3, None]).all()
    trains = (data.labels == 0) & (np.arange(1000) % 2 == 1)
    assert set(pictures["train"]) | set(pictures["calibration"]) == set(np.flatnonzero(trains))
    assert len(set(pictures["calibration"])) == round(0.1 * trains.sum())
    assert result.test.is_anomaly.sum() == 3 * 900
    with pytest.raises(ValueError, match="are in both the training and the test set"):
        dataclasses.replace(result, train=result.train[1:], test=result.train[:1])


@pytest.mark.parametrize("protocol", ["pooled", "official"])
def test_every_protocol_keeps_the_parts_of_a_picture_together(data, protocol):
    parts = dataclasses.replace(
        data,
        images=data.images.repeat(3, axis=0),
        labels=data.labels.repeat(3),
        official_test=data.official_test.repeat(3),
        source=np.arange(1000).repeat(3),
    )
    config = preset("digits", anomaly=3, protocol=protocol, max_test_images=150)
    whole, cut = split(data, config), split(parts, config)
    for index, pictures in (
        (cut.train, whole.train),
        (cut.calibration, whole.calibration),
        (cut.test, whole.test),
    ):
        np.testing.assert_array_equal(index.reshape(-1, 3), 3 * pictures[:, None] + np.arange(3))


def test_a_folder_without_test_images_tests_on_a_tenth():
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 1), np.uint8)
    data = LabelledImages(
        images,
        np.zeros(100, int),
        ("good",),
        source=np.arange(100),
        names=tuple(map(str, range(100))),
    )
    result = split(data, preset("folder", data_dir="parts"))
    assert (len(result.train), len(result.calibration), len(result.test)) == (81, 9, 10)
    assert not result.test.is_anomaly.any()


def test_ten_equal_classes_give_the_thesis_share(digit_images):
    result = split(digit_images, preset("digits", anomaly=4))
    assert result.test.is_anomaly.mean() == pytest.approx(1 / 2.8, abs=1e-3)


def test_official_keeps_the_sources_own_test_set(data):
    result = split(data, preset("digits", anomaly=3, protocol="official"))
    assert sorted(result.test) == list(range(800, 1000))
    assert sorted([*result.train, *result.calibration]) == [
        i for i in range(800) if data.labels[i] != 3
    ]


def test_split_follows_its_own_seed_only(data):
    def fingerprint(**settings):
        return split(data, preset("digits", anomaly=3, **settings)).fingerprint()

    assert fingerprint() == fingerprint(seed=7, detector="rotation", epochs=1)
    assert fingerprint() != fingerprint(split_seed=1)


def test_max_train_images_leaves_the_test_set_alone(data):
    whole, part = split(data, preset("digits")), split(data, preset("digits", max_train_images=50))
    assert np.concatenate([part.train, part.calibration]).tolist() == whole.train[:50].tolist()
    assert part.test.tolist() == whole.test.tolist()


def test_test_images_come_in_no_order(data):
    is_anomaly = split(data, preset("digits")).test.is_anomaly
    assert 0 < is_anomaly[:40].sum() < 40


def test_overlap_is_refused(data):
    normal, anomalous, none = (
        np.flatnonzero(data.labels == 0),
        np.flatnonzero(data.labels == 3),
        np.arange(0),
    )
    with pytest.raises(ValueError, match="1 images are in both the training and the test set"):
        Split(data, THREE, normal[:5], none, normal[4:8])
    with pytest.raises(
        ValueError, match="2 images are in both the training and the calibration set"
    ):
        Split(data, THREE, normal[:5], normal[3:8], normal[8:])
    with pytest.raises(ValueError, match="1 images are in both the calibration and the test set"):
        Split(data, THREE, normal[:5], normal[5:8], normal[7:])
    with pytest.raises(ValueError, match="The training set holds anomalies"):
        Split(data, THREE, anomalous, none, normal)
    with pytest.raises(ValueError, match="The calibration set holds anomalies"):
        Split(data, THREE, normal[:5], anomalous, normal[5:])


def test_equal_images_are_counted(data):
    images = data.images.copy()
    normal = np.flatnonzero(data.labels == 0)
    images[normal[1]] = images[normal[0]]
    twice = dataclasses.replace(data, images=images)
    assert Split(twice, THREE, normal[:1], np.arange(0), normal[1:]).duplicates() == 1


def test_a_class_that_does_not_exist(data):
    with pytest.raises(
        ValueError,
        match="anomaly=5: digits has no such class. Its classes: 0 a, 1 b, 2 c, 3 d, 4 e",
    ):
        split(data, preset("digits", anomaly=5))


def test_a_class_without_images(digit_images):
    data = dataclasses.replace(digit_images, class_names=(*digit_images.class_names, "ten"))
    with pytest.raises(
        ValueError, match="No image of class ten: protocol pooled takes equally many"
    ):
        split(data, preset("digits"))


def test_no_official_split(digit_images):
    with pytest.raises(ValueError, match="no official test split: use --protocol=pooled"):
        split(digit_images, preset("digits", protocol="official"))


def test_nothing_to_test_on():
    data = LabelledImages(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 0, 1, 1]), ("a", "b"))
    with pytest.raises(
        ValueError, match="test set of 0 normals and 2 anomalies .anomaly=1.; expected some of each"
    ):
        split(data, preset("digits", anomaly=1))


def test_max_test_images_keeps_the_share_and_the_order(data):
    whole, part = (
        split(data, preset("digits", anomaly=3, max_test_images=count)) for count in (0, 90)
    )
    assert len(part.test) == 90 and part.test.is_anomaly.sum() == 50
    # The first normals and the first anomalies of the whole test set, in its order.
    places = [whole.test.tolist().index(i) for i in part.test]
    assert places == sorted(places)
    for kind in (True, False):
        chosen = part.test[part.test.is_anomaly == kind]
        assert chosen.tolist() == whole.test[whole.test.is_anomaly == kind][: len(chosen)].tolist()
    assert part.train.tolist() == whole.train.tolist()


def test_max_test_images_cuts_no_picture_apart(data):
    parts = dataclasses.replace(
        data,
        images=data.images.repeat(2, axis=0),
        labels=(data.labels > 0).repeat(2).astype(int),
        class_names=("good", "scratch"),
        official_test=((data.labels > 0) | (np.arange(1000) % 2 == 0)).repeat(2),
        source=np.arange(1000).repeat(2),
    )
    result = split(parts, preset("folder", data_dir="parts", max_test_images=100))
    assert len(result.test) == 200 and len(np.unique(parts.pictures(result.test))) == 100
    whole = split(parts, preset("folder", data_dir="parts"))
    assert result.test.is_anomaly.mean() == pytest.approx(whole.test.is_anomaly.mean(), abs=0.01)


@pytest.mark.parametrize("count", [180, 1000])
def test_a_test_set_smaller_than_max_test_images_is_whole(data, count):
    config = preset("digits", anomaly=3)
    cut = dataclasses.replace(config, max_test_images=count)
    assert split(data, config).fingerprint() == split(data, cut).fingerprint()
