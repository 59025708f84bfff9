"""Which images train and which test. "Configuration k" of the thesis: class k is the anomaly, all
others are normal.
"""

import numpy as np

from tf_ssae.calibration import conformal
from tf_ssae.config import Config
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split, Subset

TRAIN_SHARE = 0.8
FOLDER_TEST_SHARE = 0.1


def split(data: LabelledImages, config: Config, trained: np.ndarray | None = None) -> Split:
    """Splits `data` by `config.protocol`, drawn from `config.split_seed` alone.

    The last `config.calibration_share` of the normal images that would train are held out,
    rounded to a number for which the threshold is exact (`conformal.exact`). Folders
    of images (`dataset="folder"`) have a protocol of their own: their own test images test; where
    they choose none of the normal ones for it, a tenth of these does. Images that they hold out
    themselves (`LabelledImages.held_out`) are all held out, and no others.

    Args:
        trained: bool `[M]`, the images that the weights which the training begins with were
            trained on, if any: none of them is held out or tests.

    Raises:
        ValueError: the anomalous class does not exist, or leaves nothing to train or to test on;
            the protocol is `official` and the data has no official test split; or an image would
            be held out or test that is `trained`.
    """
    random = np.random.default_rng(config.split_seed)
    if trained is None:
        trained = np.zeros(len(data.first_tiles), bool)
    if config.dataset == "folder":
        anomalous = np.arange(len(data.class_names)) > 0
        train, test = _folder(data, random, trained)
    else:
        if not config.anomaly < len(data.class_names):
            classes = ", ".join(
                f"{k} {name}" if str(k) != name else name for k, name in enumerate(data.class_names)
            )
            raise ValueError(
                f"--anomaly={config.anomaly}: {config.dataset} has no such class. Its classes:"
                f" {classes}."
            )
        anomalous = np.arange(len(data.class_names)) == config.anomaly
        train, test = {"pooled": _pooled, "official": _official}[config.protocol](
            data, config, random, trained
        )
    if 0 < config.max_train_images < len(train):
        # In their order, the first would all be `trained`.
        chosen = random.permutation(len(train)) if trained.any() else np.arange(len(train))
        train = train[np.sort(chosen[: config.max_train_images])]
    if 0 < config.max_test_images < len(test):
        test = _cut(test, anomalous[data.labels[data.first_tiles[test]]], config.max_test_images)
    own = _own_held_out(data, train)
    if own.any():
        train, calibration = train[~own], train[own]
        held_out = len(calibration)
    else:
        held_out = conformal.exact(round(config.calibration_share * len(train)), config.target_fpr)
        train, calibration = train[: len(train) - held_out], train[len(train) - held_out :]
    _require_new(trained, calibration, test)
    result = Split(*(subset_of(data, images, anomalous) for images in (train, calibration, test)))
    anomalies = int(result.test.is_anomaly.sum())
    if config.dataset == "folder" and not (len(train) and len(test)):
        raise ValueError(
            f"{len(train)} images to train on and {len(test)} to test on; expected at least one of"
            " each."
        )
    if config.dataset != "folder" and not (len(train) and 0 < anomalies < len(test)):
        raise ValueError(
            f"{config.dataset} splits into {len(train)} training images and a test set of"
            f" {len(test) - anomalies} normal images and {anomalies} anomalies"
            f" (--anomaly={config.anomaly}); expected at least one of each."
        )
    if config.calibration_share and not held_out:
        raise ValueError(
            f"{len(train)} normal images to train on leave none to hold out for the threshold"
            f" (--calibration_share={config.calibration_share}): raise it, add images, or pass 0."
        )
    return result


def _new_last(images: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """The images, those that are `trained` first: the last test or are held out."""
    return np.concatenate([images[trained[images]], images[~trained[images]]])


def _require_new(trained: np.ndarray, held_out: np.ndarray, test: np.ndarray) -> None:
    """Raises ValueError if images are to be held out or to test that are `trained`."""
    known = int(trained[held_out].sum()), int(trained[test].sum())
    if any(known):
        raise ValueError(
            f"{known[0]} of the {len(held_out)} images to hold out for the threshold, and"
            f" {known[1]} of the {len(test)} to test on, trained the run of --init_from: a"
            " threshold and a test would promise too much. Add good images, lower"
            " --calibration_share, or train from the start."
        )


def _cut(test: np.ndarray, is_anomaly: np.ndarray, count: int) -> np.ndarray:
    """The first `count` of the test images, in their order (random, by the split's seed), with the
    same share of anomalies.
    """
    anomalies = round(count * is_anomaly.mean())
    chosen = np.concatenate(
        [np.flatnonzero(is_anomaly)[:anomalies], np.flatnonzero(~is_anomaly)[: count - anomalies]]
    )
    return test[np.sort(chosen)]


def subset_of(data: LabelledImages, images: np.ndarray, anomalous: np.ndarray) -> Subset:
    """The tiles of these images, those of one image side by side.

    Args:
        images: int `[M]`, their numbers in `data`.
        anomalous: bool, one per class.
    """
    if data.source is None:
        return Subset(data, images, anomalous)
    first = np.searchsorted(data.source, images)
    last = np.searchsorted(data.source, images, side="right")
    tiles = [np.arange(*bounds) for bounds in zip(first, last)]
    return Subset(data, np.concatenate([np.empty(0, np.int64), *tiles]), anomalous)


def _folder(
    data: LabelledImages, random: np.random.Generator, trained: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A folder's own split. Without test images, a tenth of the normal images tests."""
    if data.official_test is not None:
        is_test = data.official_test[data.first_tiles]
        train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
        return _new_last(random.permutation(train), trained), random.permutation(test)
    labels = data.labels[data.first_tiles]
    images = _new_last(random.permutation(np.flatnonzero(labels == 0)), trained)
    cut = len(images) - max(1, round(FOLDER_TEST_SHARE * len(images)))
    anomalies = np.flatnonzero(labels > 0)
    test = np.concatenate([images[cut:], anomalies])
    return images[:cut], random.permutation(test) if len(anomalies) else test


def _own_held_out(data: LabelledImages, images: np.ndarray) -> np.ndarray:
    """Which of these images the source itself holds out, bool."""
    if data.held_out is None:
        return np.zeros(len(images), bool)
    return data.held_out[data.first_tiles[images]]


def _pooled(
    data: LabelledImages, config: Config, random: np.random.Generator, trained: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """All images together, every class cut to the size of the smallest; 80% of the normal images
    train, the others and all anomalies test.
    """
    labels = data.labels[data.first_tiles]
    counts = np.bincount(labels, minlength=len(data.class_names))
    smallest = counts.min()
    if not smallest:
        empty = ", ".join(name for name, count in zip(data.class_names, counts) if not count)
        raise ValueError(
            f"Class {empty} has no images: --protocol=pooled takes equally many of every class."
        )
    of_normals: list[np.ndarray] = []
    anomalies: list[np.ndarray] = []
    for k in range(len(data.class_names)):
        kept = random.permutation(np.flatnonzero(labels == k))[:smallest]
        (anomalies if k == config.anomaly else of_normals).append(kept)
    normals = _new_last(random.permutation(np.concatenate(of_normals)), trained)
    cut = round(TRAIN_SHARE * len(normals))
    return normals[:cut], random.permutation(np.concatenate([normals[cut:], *anomalies]))


def _official(
    data: LabelledImages, config: Config, random: np.random.Generator, trained: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The source's own split of the images, without the anomalies of its training part."""
    if data.official_test is None:
        raise ValueError(f"{config.dataset} has no official test split: use --protocol=pooled.")
    labels, is_test = data.labels[data.first_tiles], data.official_test[data.first_tiles]
    train = np.flatnonzero(~is_test & (labels != config.anomaly))
    train = _new_last(random.permutation(train), trained)
    return train, random.permutation(np.flatnonzero(is_test))
