import base64
import io

import numpy as np
import pytest
from PIL import Image

from tf_ssae.report import png


def decoded(uri):
    """The RGB pixels `[H, W, 3]` of a data URI."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_go_into_the_page_unchanged(channels):
    image = np.random.default_rng(0).integers(0, 256, [8, 8, channels], np.uint8)
    np.testing.assert_array_equal(decoded(png.data_uri(image)), np.broadcast_to(image, [8, 8, 3]))


def test_error_colours_saturate_at_one_and_leave_the_image_at_zero():
    image = np.array([0, 255], np.uint8).reshape(1, 2, 1)

    def drawn(error):
        return decoded(png.error_overlay(image, np.full([1, 2], error)))

    np.testing.assert_array_equal(drawn(1.0), drawn(50.0))
    black, white = drawn(0.0)[0]
    assert len(set(black)) == 1 and len(set(white)) == 1 and black[0] < white[0]
    red, green, blue = drawn(1.0)[0, 0].astype(int)
    assert red > 2 * green and red > 2 * blue


def test_error_scale_goes_from_grey_over_yellow_to_red():
    scale = decoded(png.error_scale())[0].astype(int)
    assert len(scale) == 16 and len(set(scale[0])) == 1
    # ColorBrewer's seventh and eighth of nine colours, #e31a1c and #bd0026, are either side of 0.9;
    # a tenth of the mid-grey ground shows through.
    np.testing.assert_allclose(scale[-1], 0.9 * np.array([181.4, 0, 38]) + 0.1 * 127.5, atol=7)
    # The ground gives way to yellow, then green and blue fade.
    assert (np.diff(scale[:, 2]) <= 0).all() and (np.diff(scale[5:, 1]) < 0).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_has_images_above_their_reconstructions(channels):
    images, rebuilt = np.zeros([3, 4, 4, channels]), np.ones([3, 4, 4, channels])
    images[1], rebuilt[2] = 0.2, 7.0
    grid = png.image_grid(images, rebuilt)
    assert grid.shape == (10, 12, channels)
    np.testing.assert_array_equal(grid[:4, 4:8], 0.2)
    np.testing.assert_array_equal(grid[4:6], 0.5)
    np.testing.assert_array_equal(grid[6:], 1.0)
    drawn = decoded(png.grid_uri(images, rebuilt))
    assert drawn.shape == (10, 12, 3) and set(drawn[0, :, 0]) == {0, 51}


def test_wide_grid_is_reduced_to_the_page():
    tiles = np.zeros([12, 256, 256, 3])
    assert decoded(png.grid_uri(tiles, tiles)).shape == (194, 1160, 3)
