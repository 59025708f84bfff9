"""Which images train and which test. "Configuration k" of the thesis: class k is the anomaly, all others are normal."""

import dataclasses
import hashlib

import numpy as np

TRAIN_SHARE = 0.8


@dataclasses.dataclass(frozen=True)
class Split:
    """The images of a run: normal ones to train on, normal and anomalous ones to test on.

    Attributes:
        data: the LabelledImages that the indices point into.
        anomaly: the anomalous class.
        train: int `[N_train]`, normal images only, in random order.
        test: int `[N_test]`, in random order. None of `train` is among them.

    Raises:
        ValueError: on construction, if a test image is a training image, or a training image is an anomaly.
    """

    data: object
    anomaly: int
    train: np.ndarray
    test: np.ndarray

    def __post_init__(self):
        both = np.intersect1d(self.train, self.test)
        if both.size:
            raise ValueError(f"{both.size} images are in both the training and the test set.")
        if (self.data.labels[self.train] == self.anomaly).any():
            raise ValueError("The training set holds anomalies.")

    @property
    def test_is_anomaly(self):
        """bool `[N_test]`."""
        return self.data.labels[self.test] == self.anomaly

    def fingerprint(self):
        """A hash of both sets, pixels, labels and order: equal for two runs that saw the same images."""
        digest = hashlib.sha256()
        for index in (self.train, self.test):
            digest.update(np.int64(len(index)).tobytes())
            for i in index:
                digest.update(self.data.images[i].tobytes())
                digest.update(np.int64(self.data.labels[i]).tobytes())
        return digest.hexdigest()

    def duplicates(self):
        """How many test images are equal, pixel for pixel, to a training image: real data sets hold a few of them."""
        train = {hashlib.sha256(self.data.images[i].tobytes()).digest() for i in self.train}
        return sum(hashlib.sha256(self.data.images[i].tobytes()).digest() in train for i in self.test)


def split(data, config):
    """Splits `data` (LabelledImages) by `config.protocol`, drawn from `config.split_seed` alone.

    Raises:
        ValueError: the anomalous class does not exist, or leaves nothing to train or to test on; or the protocol is
            `official` and the data has no official test split.
    """
    if not config.anomaly < len(data.class_names):
        classes = ", ".join(f"{k} {name}" if str(k) != name else name for k, name in enumerate(data.class_names))
        raise ValueError(f"anomaly={config.anomaly}: {config.dataset} has no such class. Its classes: {classes}.")
    random = np.random.default_rng(config.split_seed)
    train, test = {"pooled": _pooled, "official": _official}[config.protocol](data, config, random)
    if config.max_train_images:
        train = train[: config.max_train_images]
    anomalies = int((data.labels[test] == config.anomaly).sum())
    if not len(train) or not 0 < anomalies < len(test):
        raise ValueError(
            f"{config.dataset} with anomaly={config.anomaly} splits into {len(train)} training images and a test set of "
            f"{len(test) - anomalies} normals and {anomalies} anomalies; expected some of each."
        )
    return Split(data, config.anomaly, train, test)


def _pooled(data, config, random):
    """All images together, every class cut to the size of the smallest; 80% of the normals train."""
    smallest = np.bincount(data.labels, minlength=len(data.class_names)).min()
    normals, anomalies = [], []
    for k in range(len(data.class_names)):
        kept = random.permutation(np.flatnonzero(data.labels == k))[:smallest]
        (anomalies if k == config.anomaly else normals).append(kept)
    normals = random.permutation(np.concatenate(normals))
    cut = round(TRAIN_SHARE * len(normals))
    return normals[:cut], random.permutation(np.concatenate([normals[cut:], *anomalies]))


def _official(data, config, random):
    """The source's own split, without the anomalies of its training part."""
    if data.official_test is None:
        raise ValueError(f"{config.dataset} has no official test split: use --protocol=pooled.")
    train = np.flatnonzero(~data.official_test & (data.labels != config.anomaly))
    return random.permutation(train), random.permutation(np.flatnonzero(data.official_test))
