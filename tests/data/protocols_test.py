import dataclasses

import numpy as np
import pytest

from tf_ssae.data.images import LabelledImages
from tf_ssae.data.protocols import split
from tf_ssae.detectors.registry import preset


def tiled(data, count, **changes):
    """The images, each cut into so many tiles."""
    changes = {"labels": data.labels, "official_test": data.official_test, **changes}
    return dataclasses.replace(
        data,
        images=data.images.repeat(count, axis=0),
        source=np.arange(len(data.images)).repeat(count),
        **{
            name: values.repeat(count) if isinstance(values, np.ndarray) else values
            for name, values in changes.items()
        },
    )


def as_folder(data, count):
    """Class 0 as normal images of a folder, of which every other one tests; each cut into tiles."""
    return tiled(
        data,
        count,
        labels=(data.labels > 0).astype(int),
        class_names=("good", "scratch"),
        official_test=(data.labels > 0) | (np.arange(1000) % 2 == 0),
        names=tuple(f"{i}.png" for i in range(1000)),
    )


def trained_or_held_out(split):
    return [*split.train.ids.tolist(), *split.calibration.ids.tolist()]


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
    # Every class is cut to 100: 400 normal images, 80% of which train, but for a tenth of these,
    # held out.
    assert len(result.train) == 288 and len(result.calibration) == 32 and len(result.test) == 180
    everything = np.concatenate([result.train.index, result.calibration.index, result.test.index])
    assert (
        np.bincount(data.labels[everything]).tolist() == [100] * 5 and len(set(everything)) == 500
    )
    assert 3 not in result.train.labels and 3 not in result.calibration.labels
    assert result.test.is_anomaly.sum() == 100


def test_what_is_held_out_comes_off_the_training_set_alone(data):
    part, whole = (
        split(data, preset("digits", anomaly=3)),
        split(data, preset("digits", anomaly=3, calibration_share=0.0)),
    )
    assert trained_or_held_out(part) == whole.train.ids.tolist() and not len(whole.calibration)
    assert part.test.ids.tolist() == whole.test.ids.tolist()
    with pytest.raises(
        ValueError, match="4 normal images .* leave none .* .--calibration_share=0.1.: raise it"
    ):
        split(data, preset("digits", max_train_images=4))


def test_the_tiles_of_an_image_stay_together(data):
    """Every image in three tiles: they are side by side, in one set."""
    result = split(as_folder(data, 3), preset("folder", data_dir="parts", calibration_share=0.1))
    subsets = {name: getattr(result, name) for name in ("train", "calibration", "test")}
    for subset in subsets.values():
        assert (subset.index.reshape(-1, 3) == subset.index[::3, None] + np.arange(3)).all()
        assert (subset.source.reshape(-1, 3) == subset.ids[:, None]).all()
        assert len(subset) == len(set(subset.ids.tolist()))
    trains = (data.labels == 0) & (np.arange(1000) % 2 == 1)
    assert set(trained_or_held_out(result)) == set(np.flatnonzero(trains))
    assert len(result.calibration) == round(0.1 * trains.sum())
    assert result.test.is_anomaly.sum() == 900 and result.test.tile_is_anomaly.sum() == 3 * 900


@pytest.mark.parametrize("protocol", ["pooled", "official"])
def test_every_protocol_keeps_the_tiles_of_an_image_together(data, protocol):
    config = preset("digits", anomaly=3, protocol=protocol, max_test_images=150)
    whole, cut = split(data, config), split(tiled(data, 3), config)
    for name in ("train", "calibration", "test"):
        images, tiles = getattr(whole, name).index, getattr(cut, name).index
        np.testing.assert_array_equal(tiles.reshape(-1, 3), 3 * images[:, None] + np.arange(3))


def test_a_folder_without_test_images_tests_on_a_tenth():
    images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 1), np.uint8)
    data = LabelledImages(
        images,
        np.zeros(100, int),
        ("good",),
        source=np.arange(100),
        names=tuple(map(str, range(100))),
    )
    result = split(data, preset("folder", data_dir="parts", calibration_share=0.1))
    assert (len(result.train), len(result.calibration), len(result.test)) == (81, 9, 10)
    assert not result.test.is_anomaly.any()


def test_ten_equal_classes_give_the_thesis_share(digit_images):
    result = split(digit_images, preset("digits", anomaly=4))
    assert result.test.is_anomaly.mean() == pytest.approx(1 / 2.8, abs=1e-3)


def test_official_keeps_the_sources_own_test_set(data):
    result = split(data, preset("digits", anomaly=3, protocol="official"))
    assert sorted(result.test.ids) == list(range(800, 1000))
    assert sorted(trained_or_held_out(result)) == [i for i in range(800) if data.labels[i] != 3]


def test_split_follows_its_own_seed_only(data):
    def fingerprint(**settings):
        return split(data, preset("digits", anomaly=3, **settings)).fingerprint()

    assert fingerprint() == fingerprint(seed=7, detector="rotation", epochs=1)
    assert fingerprint() != fingerprint(split_seed=1)


def test_max_train_images_leaves_the_test_set_alone(data):
    whole, part = split(data, preset("digits")), split(data, preset("digits", max_train_images=50))
    assert trained_or_held_out(part) == whole.train.ids[:50].tolist()
    assert part.test.ids.tolist() == whole.test.ids.tolist()


def test_test_images_come_in_no_order(data):
    is_anomaly = split(data, preset("digits")).test.is_anomaly
    assert 0 < is_anomaly[:40].sum() < 40


def test_a_class_that_does_not_exist(data):
    with pytest.raises(
        ValueError,
        match="--anomaly=5: digits has no such class. Its classes: 0 a, 1 b, 2 c, 3 d, 4 e",
    ):
        split(data, preset("digits", anomaly=5))


def test_a_class_without_images(digit_images):
    data = dataclasses.replace(digit_images, class_names=(*digit_images.class_names, "ten"))
    with pytest.raises(
        ValueError, match="Class ten has no images: --protocol=pooled takes equally many"
    ):
        split(data, preset("digits"))


def test_no_official_split(digit_images):
    with pytest.raises(ValueError, match="no official test split: use --protocol=pooled"):
        split(digit_images, preset("digits", protocol="official"))


def test_nothing_to_test_on():
    data = LabelledImages(np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 0, 1, 1]), ("a", "b"))
    with pytest.raises(
        ValueError,
        match="set of 0 normal images and 2 anomalies .--anomaly=1.; expected at least one of each",
    ):
        split(data, preset("digits", anomaly=1))


def test_max_test_images_keeps_the_share_and_the_order(data):
    whole, part = (
        split(data, preset("digits", anomaly=3, max_test_images=count)) for count in (0, 90)
    )
    assert len(part.test) == 90 and part.test.is_anomaly.sum() == 50
    # The first normal images and the first anomalies of the whole test set, in its order.
    places = [whole.test.ids.tolist().index(i) for i in part.test.ids]
    assert places == sorted(places)
    for kind in (True, False):
        chosen = part.test.ids[part.test.is_anomaly == kind]
        assert (
            chosen.tolist() == whole.test.ids[whole.test.is_anomaly == kind][: len(chosen)].tolist()
        )
    assert part.train.ids.tolist() == whole.train.ids.tolist()


def test_max_test_images_cuts_no_image_apart(data):
    cut = as_folder(data, 2)
    result = split(cut, preset("folder", data_dir="parts", max_test_images=100))
    assert len(result.test.index) == 200 and len(result.test) == 100
    assert len(np.unique(result.test.ids)) == 100
    whole = split(cut, preset("folder", data_dir="parts"))
    assert result.test.is_anomaly.mean() == pytest.approx(whole.test.is_anomaly.mean(), abs=0.01)


@pytest.mark.parametrize("count", [180, 1000])
def test_a_test_set_smaller_than_max_test_images_is_whole(data, count):
    config = preset("digits", anomaly=3)
    cut = dataclasses.replace(config, max_test_images=count)
    assert split(data, config).fingerprint() == split(data, cut).fingerprint()


def parts(**changes):
    """A hundred good images of a folder and ten bad ones, all different."""
    images = np.arange(110, dtype=np.uint8)[:, None, None, None].repeat(64, axis=1)
    labels = np.repeat([0, 1], [100, 10])
    data = LabelledImages(images.reshape(110, 8, 8, 1), labels, ("good", "bad"), **changes)
    return split(data, preset("folder", data_dir="parts", calibration_share=0.1))


def test_bad_images_of_a_folder_test_with_a_tenth_of_the_good_ones():
    result = parts()
    assert len(result.test) == 20 and result.test.is_anomaly.sum() == 10
    assert len(result.train) + len(result.calibration) == 90


def test_what_a_folder_holds_out_itself_is_held_out_and_nothing_else():
    held_out, official_test = np.arange(110) < 13, np.arange(110) >= 90
    result = parts(held_out=held_out, official_test=official_test)
    assert sorted(result.calibration.ids) == list(range(13)) and len(result.train) == 77
