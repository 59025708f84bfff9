import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops.tiles import Layout, cut, first_tiles, largest


def image(height, width, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (1, height, width, channels), np.uint8)


def test_what_has_the_size_is_returned_bit_for_bit():
    for crop in ("tiles", "centre"):
        np.testing.assert_array_equal(
            cut(tf.constant(image(32, 32, 3)), 32, crop)[:, 0], image(32, 32, 3)
        )


def test_centre_is_the_tile_in_the_middle():
    tiles = cut(tf.constant(image(32, 50)), 32, "centre")
    np.testing.assert_array_equal(tiles[:, 0], image(32, 50)[:, :, 9:41])


@pytest.mark.parametrize(
    "height, width, starts",
    [(8, 20, (0, 6, 12)), (20, 8, (0, 6, 12)), (8, 16, (0, 8)), (8, 9, (0, 1))],
)
def test_tiles_cover_the_image_evenly(height, width, starts):
    full = image(height, width, 3)
    tiles = cut(tf.constant(full), 8, "tiles").numpy()
    assert tiles.shape == (1, len(starts), 8, 8, 3)
    for tile, start in zip(tiles[0], starts):
        part = full[0, :, start : start + 8] if width > height else full[0, start : start + 8]
        np.testing.assert_array_equal(tile, part)
    assert starts[0] == 0 and starts[-1] + 8 == max(height, width)


@pytest.mark.parametrize(
    "height, width, tile_size, crop",
    [
        *((h, w, 0, crop) for crop in ("tiles", "centre") for h, w in [(8, 20), (17, 9), (8, 128)]),
        *((h, w, 16, "tiles") for h, w in [(16, 16), (17, 40), (64, 50), (8, 40)]),
    ],
)
def test_the_layout_says_where_tiles_are_cut(height, width, tile_size, crop):
    full = image(height, width, 3)
    layout = Layout.of(height, width, crop, tile_size)
    tiles = cut(tf.constant(full), layout.side, crop, tile_size)[0].numpy()
    corners = [(top, left) for top in layout.tops for left in layout.lefts]
    assert len(tiles) == len(layout) == len(corners)
    for tile, (top, left) in zip(tiles, corners):
        part = full[0, top : top + layout.side, left : left + layout.side]
        np.testing.assert_array_equal(tile, part)


@pytest.mark.parametrize("height, width", [(100, 300), (57, 31), (112, 112), (16, 17)])
def test_tiles_of_a_set_size_cover_the_image_and_overlap_by_an_eighth(height, width):
    layout = Layout.of(height, width, "tiles", 32)
    assert layout.side == min(32, height, width)
    for starts, length in ((layout.tops, height), (layout.lefts, width)):
        assert starts[0] == 0 and starts[-1] + layout.side == length
        steps = np.diff(starts)
        assert (steps <= layout.side - layout.side // 8).all()
        # As few as do so, evenly spaced.
        fewer = (len(starts) - 2) * (layout.side - layout.side // 8) + layout.side
        assert len(starts) == 1 or fewer < length
        assert not len(steps) or np.ptp(steps) <= 1


def test_a_tile_size_above_the_shorter_side_is_that_side():
    assert Layout.of(20, 50, "tiles", 999).side == 20
    assert len(Layout.of(20, 20, "tiles", 999)) == 1


@pytest.mark.parametrize("side", [8, 9])
def test_tiles_leave_no_pixel_out(side):
    for length in range(side, 16 * side + 1):
        columns = np.tile(np.arange(length, dtype=np.uint8), (side, 1))[np.newaxis, ..., np.newaxis]
        tiles = cut(tf.constant(columns), side, "tiles").numpy()
        assert set(tiles.ravel()) == set(range(length)), length


# Without an odd number of pixels left over beside the tile in the middle: no tile of whole pixels
# would be exactly there.
@pytest.mark.parametrize(
    "height, width", [(48, 48), (50, 50), (20, 20), (97, 97), (40, 90), (91, 41), (40, 156)]
)
@pytest.mark.parametrize("crop", ["tiles", "centre"])
def test_commutes_with_rotation_but_for_rounding(height, width, crop):
    full = image(height, width)
    tiles = cut(tf.constant(full), 32, crop).numpy()[0].astype(int)
    for d in range(1, 4):
        turned = cut(tf.constant(np.rot90(full, d, (1, 2)).copy()), 32, crop).numpy()[0].astype(int)
        # The right end of a wide image becomes the top, the top of a high one the left end.
        backwards = d in ((1, 2) if width > height else (2, 3))
        expected = np.rot90(tiles[::-1] if backwards else tiles, d, (1, 2))
        assert np.abs(turned - expected).max() <= 1


def test_antialiasing_averages():
    fine = np.indices((64, 64)).sum(0) % 2 * 255
    small = cut(tf.constant(fine[None, ..., None].astype(np.uint8)), 32, "tiles").numpy()
    assert np.abs(small[0, 0, 2:-2, 2:-2].astype(int) - 127).max() <= 1


@pytest.mark.parametrize(
    "source, first",
    [
        ([0, 0, 1, 2, 2, 2], [0, 2, 3]),
        # In any order of the images, as long as the tiles of each are side by side.
        ([7, 7, 2, 0, 0, 5], [0, 2, 3, 5]),
        ([4], [0]),
        ([0], [0]),
        ([], []),
    ],
)
def test_where_the_tiles_of_each_image_begin(source, first):
    assert first_tiles(np.array(source, int)).tolist() == first


def test_an_image_is_as_anomalous_as_its_most_anomalous_tile():
    source = np.array([7, 7, 2, 0, 0, 5])
    values = np.array([0.5, 0.25, -3.0, -2.0, -1.0, 9.0], np.float32)
    found = largest(values, source)
    assert found.dtype == np.float32 and found.tolist() == [0.5, -3.0, -1.0, 9.0]
    assert largest(np.array([False, True, True, False, False, False]), source).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_bytes_are_resized_as_their_values_are():
    images = np.random.default_rng(1).integers(0, 256, (2, 77, 77, 3), np.uint8)
    resized = tf.image.resize(tf.constant(images, tf.float32), [32, 32], antialias=True)
    expected = np.clip(np.round(resized), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(cut(tf.constant(images), 32, "tiles")[:, 0], expected)


def test_a_grid_of_tiles_commutes_with_rotation():
    full = image(90, 142)
    tiles = cut(tf.constant(full), 32, "tiles", 40).numpy()[0]
    grid = tiles.reshape(3, 4, 32, 32).astype(int)
    turned = cut(tf.constant(np.rot90(full, 1, (1, 2)).copy()), 32, "tiles", 40).numpy()[0]
    expected = np.rot90(np.rot90(grid, 1, (0, 1)), 1, (2, 3))
    assert np.abs(turned.reshape(4, 3, 32, 32).astype(int) - expected).max() <= 1
