import dataclasses

import numpy as np
import pytest

from tf_ssae.config import preset
from tf_ssae.datasets.images import LabelledImages
from tf_ssae.datasets.protocols import Split, split


@pytest.fixture(scope="module")
def data():
    """1,000 images of five classes of unequal size, each image unlike every other; the last 200 are official test images."""
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat(np.arange(5), [100, 150, 200, 250, 300]))
    images = random.integers(0, 256, (1000, 8, 8, 1), np.uint8)
    return LabelledImages(images, labels, ("a", "b", "c", "d", "e"), official_test=np.arange(1000) >= 800)


def test_pooled(data):
    result = split(data, preset("digits", anomaly=3))
    # Every class is cut to 100: 400 normals, 80% of which train.
    assert len(result.train) == 320 and len(result.test) == 180
    assert np.bincount(data.labels[np.concatenate([result.train, result.test])]).tolist() == [100] * 5
    assert 3 not in data.labels[result.train]
    assert result.test_is_anomaly.sum() == 100
    assert not set(result.train) & set(result.test)


def test_ten_equal_classes_give_the_thesis_share(digit_images):
    result = split(digit_images, preset("digits", anomaly=4))
    assert result.test_is_anomaly.mean() == pytest.approx(1 / 2.8, abs=1e-3)


def test_official(data):
    result = split(data, preset("digits", anomaly=3, protocol="official"))
    assert sorted(result.test) == list(range(800, 1000))
    assert sorted(result.train) == [i for i in range(800) if data.labels[i] != 3]


def test_split_follows_its_own_seed_only(data):
    def fingerprint(**settings):
        return split(data, preset("digits", anomaly=3, **settings)).fingerprint()

    assert fingerprint() == fingerprint(seed=7, detector="rotation", epochs=1)
    assert fingerprint() != fingerprint(split_seed=1)


def test_max_train_images_leaves_the_test_set_alone(data):
    whole, part = split(data, preset("digits")), split(data, preset("digits", max_train_images=50))
    assert part.train.tolist() == whole.train[:50].tolist()
    assert part.test.tolist() == whole.test.tolist()


def test_test_images_come_in_no_order(data):
    is_anomaly = split(data, preset("digits")).test_is_anomaly
    assert 0 < is_anomaly[:40].sum() < 40


def test_overlap_is_refused(data):
    with pytest.raises(ValueError, match="1 images are in both"):
        Split(data, 3, np.flatnonzero(data.labels == 0)[:5], np.flatnonzero(data.labels == 0)[4:8])
    with pytest.raises(ValueError, match="holds anomalies"):
        Split(data, 3, np.flatnonzero(data.labels == 3), np.flatnonzero(data.labels == 0))


def test_equal_images_are_counted(data):
    images = data.images.copy()
    normal = np.flatnonzero(data.labels == 0)
    images[normal[1]] = images[normal[0]]
    twice = dataclasses.replace(data, images=images)
    assert Split(twice, 3, normal[:1], normal[1:]).duplicates() == 1


def test_a_class_that_does_not_exist(data):
    with pytest.raises(ValueError, match="anomaly=5: digits has no such class. Its classes: 0 a, 1 b, 2 c, 3 d, 4 e"):
        split(data, preset("digits", anomaly=5))


def test_no_official_split(digit_images):
    with pytest.raises(ValueError, match="no official test split: use --protocol=pooled"):
        split(digit_images, preset("digits", protocol="official"))


def test_nothing_to_test_on():
    data = LabelledImages(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 0, 1, 1]), ("a", "b"))
    with pytest.raises(ValueError, match="test set of 0 normals and 2 anomalies; expected some of each"):
        split(data, preset("digits", anomaly=1))
