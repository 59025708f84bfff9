"""Which images train and which test. "Configuration k" of the thesis: class k is the anomaly, all
others are normal.
"""

import dataclasses
import hashlib

import numpy as np

from tf_ssae.data.images import LabelledImages

TRAIN_SHARE = 0.8
FOLDER_TEST_SHARE = 0.1


@dataclasses.dataclass(frozen=True)
class Split:
    """The images of a run: normal ones to train on, normal ones held out to calibrate, normal and
    anomalous ones to test.

    Images that are parts of one picture lie in one set, side by side.

    Attributes:
        data: the LabelledImages that the indices point into.
        anomalous: bool, one a class.
        train: int `[N_train]`, normal images only, in random order.
        calibration: int `[N_calibration]`, normal images only, held out from training; maybe none.
        test: int `[N_test]`, in random order.

    Raises:
        ValueError: on construction, if a picture is in two sets, or an anomaly where only normal
            images may be.
    """

    data: LabelledImages
    anomalous: np.ndarray
    train: np.ndarray
    calibration: np.ndarray
    test: np.ndarray

    def __post_init__(self):
        pictures = [
            np.unique(self.data.pictures(index))
            for index in (self.train, self.calibration, self.test)
        ]
        names = ("training", "calibration", "test")
        for first, second in ((0, 1), (0, 2), (1, 2)):
            both = np.intersect1d(pictures[first], pictures[second])
            if both.size:
                raise ValueError(
                    f"{both.size} images are in both the {names[first]} and the {names[second]}"
                    " set."
                )
        for name, index in (("training", self.train), ("calibration", self.calibration)):
            if self.anomalous[self.data.labels[index]].any():
                raise ValueError(f"The {name} set holds anomalies.")

    @property
    def test_is_anomaly(self):
        """bool `[N_test]`."""
        return self.anomalous[self.data.labels[self.test]]

    @property
    def for_thresholds(self):
        """int: the normal images that thresholds are fitted to: those held out, or, where none was,
        those that train.
        """
        return self.calibration if len(self.calibration) else self.train

    def fingerprint(self):
        """A hash of all sets, pixels, labels and order: equal for two runs that saw the same
        images.
        """
        digest = hashlib.sha256()
        for index in (self.train, self.calibration, self.test):
            digest.update(np.int64(len(index)).tobytes())
            for i in index:
                digest.update(self.data.images[i].tobytes())
                digest.update(np.int64(self.data.labels[i]).tobytes())
        return digest.hexdigest()

    def duplicates(self):
        """How many test pictures hold an image equal, pixel for pixel, to a training image: real
        data sets hold a few.
        """
        train = {hashlib.sha256(self.data.images[i].tobytes()).digest() for i in self.train}
        equal = [
            i for i in self.test if hashlib.sha256(self.data.images[i].tobytes()).digest() in train
        ]
        return len(np.unique(self.data.pictures(np.array(equal, np.int64))))


def split(data, config):
    """Splits `data` (LabelledImages) by `config.protocol`, drawn from `config.split_seed` alone.

    The last `config.calibration_share` of the normals that would train are held out. Folders of
    images (`dataset="folder"`) have a protocol of their own: their own test images test; where they
    have none, a tenth of the normals does.

    Raises:
        ValueError: the anomalous class does not exist, or leaves nothing to train or to test on; or
            the protocol is `official` and the data has no official test split.
    """
    random = np.random.default_rng(config.split_seed)
    if config.dataset == "folder":
        anomalous = np.arange(len(data.class_names)) > 0
        train, test = _folder(data, random)
    else:
        if not config.anomaly < len(data.class_names):
            classes = ", ".join(
                f"{k} {name}" if str(k) != name else name for k, name in enumerate(data.class_names)
            )
            raise ValueError(
                f"anomaly={config.anomaly}: {config.dataset} has no such class. Its classes:"
                f" {classes}."
            )
        anomalous = np.arange(len(data.class_names)) == config.anomaly
        train, test = {"pooled": _pooled, "official": _official}[config.protocol](
            data, config, random
        )
    if config.max_train_images:
        train = train[: config.max_train_images]
    if 0 < config.max_test_images < len(test):
        test = _cut(test, anomalous[data.labels[data.starts[test]]], config.max_test_images)
    held_out = round(config.calibration_share * len(train))
    train, calibration = train[: len(train) - held_out], train[len(train) - held_out :]
    result = Split(
        data, anomalous, *(_parts(data, pictures) for pictures in (train, calibration, test))
    )
    anomalies = int(result.test_is_anomaly.sum())
    enough = 0 < anomalies < len(result.test) if config.dataset != "folder" else len(result.test)
    if config.dataset == "folder" and not (len(train) and enough):
        raise ValueError(
            f"{len(train)} images to train on and {len(result.test)} to test on; expected some of"
            " each."
        )
    if not len(train) or not enough:
        raise ValueError(
            f"{config.dataset} splits into {len(train)} training images and a test set of"
            f" {len(result.test) - anomalies} normals and {anomalies} anomalies"
            f" (anomaly={config.anomaly}); expected some of each."
        )
    if config.calibration_share and not held_out:
        raise ValueError(
            f"{len(train)} normal images to train on leave none to hold out for the threshold "
            f"(calibration_share={config.calibration_share})."
        )
    return result


def _cut(test, is_anomaly, count):
    """The first of the test pictures, in their order (random, by the split's seed): `count`,
    anomalies in the same share.
    """
    anomalies = round(count * is_anomaly.mean())
    chosen = np.concatenate(
        [np.flatnonzero(is_anomaly)[:anomalies], np.flatnonzero(~is_anomaly)[: count - anomalies]]
    )
    return test[np.sort(chosen)]


def _parts(data, pictures):
    """The images that these pictures were cut into, those of one picture side by side."""
    if data.source is None:
        return pictures
    first = np.searchsorted(data.source, pictures)
    last = np.searchsorted(data.source, pictures, side="right")
    return (
        np.concatenate([np.arange(*bounds) for bounds in zip(first, last)]).astype(np.int64)
        if len(first)
        else first
    )


def _folder(data, random):
    """A folder's own split: pictures. Without test images, a tenth of the normals tests."""
    if data.official_test is not None:
        is_test = data.official_test[data.starts]
        return random.permutation(np.flatnonzero(~is_test)), random.permutation(
            np.flatnonzero(is_test)
        )
    pictures = random.permutation(len(data.starts))
    cut = len(pictures) - max(1, round(FOLDER_TEST_SHARE * len(pictures)))
    return pictures[:cut], pictures[cut:]


def _pooled(data, config, random):
    """All pictures together, every class cut to the size of the smallest; 80% of the normals train,
    all anomalies left test.
    """
    labels = data.labels[data.starts]
    counts = np.bincount(labels, minlength=len(data.class_names))
    smallest = counts.min()
    if not smallest:
        empty = ", ".join(name for name, count in zip(data.class_names, counts) if not count)
        raise ValueError(
            f"No image of class {empty}: protocol pooled takes equally many of every class."
        )
    normals, anomalies = [], []
    for k in range(len(data.class_names)):
        kept = random.permutation(np.flatnonzero(labels == k))[:smallest]
        (anomalies if k == config.anomaly else normals).append(kept)
    normals = random.permutation(np.concatenate(normals))
    cut = round(TRAIN_SHARE * len(normals))
    return normals[:cut], random.permutation(np.concatenate([normals[cut:], *anomalies]))


def _official(data, config, random):
    """The source's own split of the pictures, without the anomalies of its training part."""
    if data.official_test is None:
        raise ValueError(f"{config.dataset} has no official test split: use --protocol=pooled.")
    labels, is_test = data.labels[data.starts], data.official_test[data.starts]
    train = np.flatnonzero(~is_test & (labels != config.anomaly))
    return random.permutation(train), random.permutation(np.flatnonzero(is_test))
