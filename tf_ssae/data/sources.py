"""The sources of images: each is a module with a function `load(config, cache)`."""

import pathlib

from tf_ssae.config import Config
from tf_ssae.data import digits, folder, tfds
from tf_ssae.data.images import LabelledImages

SOURCES = {
    "digits": digits,
    "mnist": tfds,
    "fashion_mnist": tfds,
    "cifar10": tfds,
    "folder": folder,
}


def load(config: Config, cache: pathlib.Path) -> LabelledImages:
    """The images of `config.dataset`. Raises what its source raises.

    `cache` is the path of a file that a source may write, to read its images from as long as they
    are used.
    """
    return SOURCES[config.dataset].load(config, cache)
