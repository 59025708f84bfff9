"""EXIF orientation, undone."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from tf_ssae.ops.orientation import as_stored


@pytest.mark.parametrize("orientation", range(10))
def test_what_pillow_turned_upright_is_turned_back(orientation):
    stored = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(image))
    assert (upright.shape[0] == 7) == (5 <= orientation <= 8)
    np.testing.assert_array_equal(as_stored(upright, orientation), stored)
