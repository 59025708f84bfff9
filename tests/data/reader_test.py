"""Image files read as tiles, whatever else is among them."""

import numpy as np
from PIL import Image

from tf_ssae.data.reader import TileReader

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_reading_continues_past_what_cannot_be_read(tmp_path):
    names = ["ein Teil.png", 'it\'s "quoted".png', "部品.png", "broken.png", "gone.png"]
    for name in names[:3]:
        Image.fromarray(PIXELS).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    paths = [tmp_path / name for name in names]
    found = list(TileReader((8, 8, 3), "tiles").read(paths, digests=True))
    assert [file.path for file in found] == paths
    for file in found[:3]:
        assert file.tiles.shape == (2, 8, 8, 3) and file.error == ""
    assert found[0].digest == found[1].digest == found[2].digest != b""
    broken, gone = found[3:]
    assert broken.error == "not a PNG, JPEG, BMP, WebP or TIFF image"
    assert gone.path == paths[4] and gone.error == "cannot be read: No such file or directory"
    for file in (broken, gone):
        assert len(file.tiles) == 0 and file.digest == b""


def test_files_come_in_the_order_of_their_paths_however_long_each_takes(tmp_path):
    # More of them than are read ahead; every other one is slow, a thousand times as large.
    for i in range(100):
        side = 8 if i % 2 else 256
        Image.new("L", (side, side), i).save(tmp_path / f"{i}.png")
    found = TileReader((8, 8, 1), "tiles").read(tmp_path / f"{i}.png" for i in range(100))
    assert [int(file.tiles.max()) for file in found] == list(range(100))


def test_a_tile_of_the_right_size_is_the_image_itself():
    reader = TileReader((20, 20, 3), "tiles")
    np.testing.assert_array_equal(reader.cut(PIXELS[:, :20]), PIXELS[np.newaxis, :, :20])


def test_grey_and_colour_become_what_the_detector_takes():
    grey, colour = PIXELS[:, :20, :1], TileReader((20, 20, 3), "tiles")
    np.testing.assert_array_equal(colour.cut(grey)[0], np.repeat(grey, 3, axis=2))
    red = np.full((20, 20, 3), [255, 0, 0], np.uint8)
    # 0.299 of red
    assert (TileReader((8, 8, 1), "tiles").cut(red) == np.full((1, 8, 8, 1), 76)).all()


def test_an_image_that_is_not_square_is_cut_as_the_crop_says():
    assert TileReader((20, 20, 3), "tiles").cut(PIXELS).shape == (2, 20, 20, 3)
    np.testing.assert_array_equal(
        TileReader((20, 20, 3), "centre").cut(PIXELS), PIXELS[np.newaxis, :, 5:25]
    )


def test_a_tile_size_cuts_an_image_of_the_size_of_a_tile_too():
    assert TileReader((20, 20, 3), "tiles", 10).cut(PIXELS[:, :20]).shape == (9, 20, 20, 3)
    assert TileReader((20, 20, 3), "tiles", 20).cut(PIXELS[:, :20]).shape == (1, 20, 20, 3)


def test_many_readers_in_one_process_are_not_warned_of(caplog):
    for _ in range(12):
        TileReader((8, 8, 3), "tiles").cut(PIXELS)
    assert [r.getMessage() for r in caplog.records if "retracing" in r.getMessage()] == []
