"""MNIST, Fashion-MNIST and CIFAR-10 from tensorflow-datasets."""

import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.data import there
from tf_ssae.data.images import LabelledImages

_READ_AT_ONCE = 1000


def load(config: Config, cache: pathlib.Path) -> LabelledImages:
    """The train and the test split of `config.dataset`, in that order.

    Raises:
        FileNotFoundError: `config.data_dir` is given and does not hold the prepared data set; or
            the data set there, or in the default folder, is incomplete.
        ConnectionError: `config.data_dir` is empty, and the data set is neither in the default
            folder nor could be downloaded.
    """
    # Imported here: it takes over a second, and the other data sets do not need it.
    import tensorflow_datasets

    if config.data_dir:
        there.require_prepared(config.dataset, pathlib.Path(config.data_dir))
    builder = tensorflow_datasets.builder(config.dataset, data_dir=config.data_dir or None)
    if not config.data_dir:
        try:
            builder.download_and_prepare()
        except Exception as error:
            raise ConnectionError(
                f"{config.dataset} is not in {builder.data_path.parent} and could not be downloaded"
                f" ({error}). Connect to the network, or pass --data_dir with a folder of prepared"
                " tensorflow-datasets."
            ) from error

    try:
        return _read(builder)
    # An interrupted download, or another version's folder, may raise any of these.
    except (tf.errors.OpError, LookupError, AssertionError, ValueError) as error:
        raise FileNotFoundError(
            f"{config.dataset} in {builder.data_path} is incomplete, or another version than"
            f" {builder.version}: {error} Remove that folder and prepare it again."
        ) from error


def _read(builder: Any) -> LabelledImages:
    counts = [builder.info.splits[split].num_examples for split in ("train", "test")]
    image_shape = builder.info.features["image"].shape
    # Filled a batch at a time, so that the images exist once.
    images = np.empty([sum(counts), *image_shape], np.uint8)
    labels = np.empty([sum(counts)], np.int64)
    filled = 0
    for split in ("train", "test"):
        dataset = builder.as_dataset(
            split=split, as_supervised=True, batch_size=None, shuffle_files=False
        )
        for batch, batch_labels in dataset.batch(_READ_AT_ONCE).as_numpy_iterator():
            images[filled : filled + len(batch)] = batch
            labels[filled : filled + len(batch)] = batch_labels
            filled += len(batch)
    if filled != len(images):
        raise ValueError(f"{filled} images of {len(images)}.")
    return LabelledImages(
        images,
        labels,
        tuple(builder.info.features["label"].names),
        official_test=np.arange(len(images)) >= counts[0],
    )
