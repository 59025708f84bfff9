"""The images of a finished run, in its own split, on which an export is proven."""

import dataclasses
import pathlib

import numpy as np

from tf_ssae.config import Config
from tf_ssae.data import protocols, sources
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split
from tf_ssae.runs import run_folder, training_images


def same_split(
    config: Config,
    model_dir: pathlib.Path,
    data_dir: str | None,
    data: LabelledImages | None,
    cache: pathlib.Path,
) -> Split:
    """The split of the run, made again, with its images as uint8.

    Args:
        config: the run's.
        model_dir: the run's folder.
        data_dir: where its data set is now, if it was moved.
        data: the images that the run was trained on, if it was given any.
        cache: a file that the images may be read from.

    Raises:
        ValueError: they are not the images that the run saw.
    """
    if data_dir is not None:
        config = dataclasses.replace(config, data_dir=data_dir)
    if config.roi:
        config = dataclasses.replace(config, roi=str(model_dir / run_folder.ROI))
    data = data or sources.load(config, cache)
    split = protocols.split(data, config, training_images.trained_before(model_dir, data))
    trained_on = run_folder.read_json(model_dir / run_folder.ENVIRONMENT)
    if split.fingerprint() != trained_on.get("split_fingerprint"):
        raise ValueError(
            f"The images of {config.dataset} are not those that {model_dir} was trained and tested"
            " on: is it another version of the data set? A run on arrays of your own is exported in"
            " Python, with tf_ssae.export.publish.export(..., data=...)."
        )
    if split.data.images.dtype != np.uint8:
        images = np.round(split.data.images * 255).astype(np.uint8)
        split = split.with_data(dataclasses.replace(split.data, images=images))
    return split
