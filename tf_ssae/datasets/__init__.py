"""The sources of images; each is a module with a function `load(config) -> LabelledImages`."""

from tf_ssae.datasets import digits, tfds

SOURCES = {"digits": digits, "mnist": tfds, "fashion_mnist": tfds, "cifar10": tfds}


def load(config):
    """The images of `config.dataset`. Raises what its source raises."""
    return SOURCES[config.dataset].load(config)
