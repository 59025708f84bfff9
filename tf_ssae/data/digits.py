"""scikit-learn's handwritten digits: 1,797 real 8x8 grey images, part of that package, so no
network is needed.
"""

import pathlib

import numpy as np
from sklearn.datasets import load_digits

from tf_ssae.config import Config
from tf_ssae.data.images import LabelledImages


def load(config: Config, cache: pathlib.Path) -> LabelledImages:
    """All digits; their 17 grey levels (0..16) are spread over uint8's 0..255."""
    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    return LabelledImages(images, digits.target, tuple(str(name) for name in digits.target_names))
