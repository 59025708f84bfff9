"""Image files as people have them: every kind that is read, and why the others are not."""

import io

import numpy as np
import pytest
from PIL import Image

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def encoded(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


@pytest.mark.parametrize(
    "kind, options", [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True}), ("TIFF", {})]
)
def test_lossless_kinds_are_read_exactly(kind, options):
    np.testing.assert_array_equal(
        decode.decode(encoded(Image.fromarray(PIXELS), kind, **options)), PIXELS
    )
    grey = decode.decode(encoded(Image.fromarray(PIXELS[..., 0]), "PNG"))
    np.testing.assert_array_equal(grey, PIXELS[..., :1])


def test_jpeg_is_read_nearly():
    smooth = np.repeat(np.linspace(0, 255, 30).astype(np.uint8)[None, :, None], 20, axis=0).repeat(
        3, axis=2
    )
    assert (
        np.abs(
            decode.decode(encoded(Image.fromarray(smooth), "JPEG", quality=95)).astype(int) - smooth
        ).max()
        < 8
    )


def test_exif_orientation_is_applied():
    image = Image.fromarray(PIXELS)
    exif = image.getexif()
    exif[0x0112] = (
        6  # the camera was held upright: turn by 270 degrees counter-clockwise to see it so
    )
    np.testing.assert_array_equal(
        decode.decode(encoded(image, "PNG", exif=exif)), np.rot90(PIXELS, 3)
    )


def test_sixteen_bits_are_scaled():
    deep = (np.arange(600, dtype=np.uint16).reshape(20, 30) * 109).astype(np.uint16)
    np.testing.assert_array_equal(
        decode.decode(encoded(Image.fromarray(deep), "PNG"))[..., 0], deep >> 8
    )


def test_alpha_palette_and_cmyk_become_grey_or_colour():
    opaque = Image.fromarray(np.dstack([PIXELS, np.full((20, 30), 7, np.uint8)]), "RGBA")
    np.testing.assert_array_equal(decode.decode(encoded(opaque, "PNG")), PIXELS)
    palette = Image.fromarray(PIXELS).quantize(16)
    np.testing.assert_array_equal(
        decode.decode(encoded(palette, "PNG")), np.asarray(palette.convert("RGB"))
    )
    assert decode.decode(encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG")).shape == (
        20,
        30,
        3,
    )
    one_bit = decode.decode(encoded(Image.fromarray(PIXELS[..., 0] > 99), "PNG"))
    np.testing.assert_array_equal(one_bit, 255 * (PIXELS[..., :1] > 99))
    np.testing.assert_array_equal(
        decode.decode(encoded(Image.fromarray(PIXELS[..., :2], "LA"), "PNG")), PIXELS[..., :1]
    )


def animation(kind):
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "an empty file"),
        (b"a cat", "no PNG, JPEG, BMP, WebP or TIFF image"),
        (encoded(Image.fromarray(PIXELS), "PNG")[:300], "broken: "),
        (encoded(Image.fromarray(PIXELS), "JPEG")[:500], "broken: "),
        (encoded(Image.new("L", (1, 1)), "PNG"), "1x1 pixels; expected at least 8x8"),
        (
            encoded(Image.new("L", (20_000, 40)), "PNG"),
            "20000x40 pixels: more than 16 times as long as wide",
        ),
        (encoded(Image.new("1", (20_000, 20_000)), "PNG"), "more than [0-9,]+ pixels"),
        (animation("GIF"), "a GIF image; expected PNG, JPEG, BMP, WebP or TIFF"),
        (animation("WEBP"), "2 pictures in one file; expected one"),
        (
            encoded(Image.fromarray(PIXELS[..., 0].astype(np.float32)), "TIFF"),
            "floating-point pixels",
        ),
        (animation("TIFF"), "2 pictures in one file"),
    ],
)
def test_what_is_refused_says_why(data, reason):
    with pytest.raises(decode.UnreadableImage, match=reason):
        decode.decode(data)


def test_the_first_picture_of_a_phones_two_is_read():
    smooth = Image.fromarray(np.full((20, 30, 3), 90, np.uint8))
    data = io.BytesIO()
    smooth.save(data, "MPO", save_all=True, append_images=[Image.new("RGB", (30, 20))])
    assert np.abs(decode.decode(data.getvalue()).astype(int) - 90).max() < 3


def test_a_very_wide_image_is_read():
    assert decode.decode(encoded(Image.new("L", (20_000, 1_500)), "PNG")).shape == (
        1_500,
        20_000,
        1,
    )


def test_channels_are_made_to_fit():
    grey = PIXELS[..., :1]
    np.testing.assert_array_equal(decode.with_channels(grey, 3), np.repeat(grey, 3, axis=2))
    # 0.299 of red
    np.testing.assert_array_equal(
        decode.with_channels(np.full((2, 3, 3), [255, 0, 0], np.uint8), 1), np.full((2, 3, 1), 76)
    )


def test_reading_goes_on_past_what_cannot_be_read(tmp_path):
    names = ["ein Teil.png", 'it\'s "quoted".png', "部品.png", "broken.png", "gone.png"]
    for name in names[:3]:
        (tmp_path / name).write_bytes(encoded(Image.fromarray(PIXELS), "PNG"))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    found = list(TileReader((8, 8, 3), "tiles").read([tmp_path / name for name in names]))
    assert [path.name for path, _, _ in found] == names
    for _, squares, digest in found[:3]:
        assert squares.shape == (2, 8, 8, 3) and digest == found[0][2]
    assert "broken" in str(found[3][1]) or "no PNG" in str(found[3][1])
    assert str(found[4][1]) == "cannot be read: No such file or directory" and found[4][2] is None


def test_looking_for_images_says_where_and_what_is_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="No folder .*nowhere"):
        find.find(tmp_path / "nowhere")
    with pytest.raises(
        FileNotFoundError,
        match=(
            "searched it .* for .png, .jpg, .jpeg, .bmp, .webp, .tif, .tiff. Found no files at all"
        ),
    ):
        find.find(tmp_path)
    for name in ("a.gif", "b.TXT", "c.txt", ".hidden.png"):
        (tmp_path / name).touch()
    with pytest.raises(FileNotFoundError, match="Found 1 .gif, 2 .txt"):
        find.find(tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "thumbnail.png").touch()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "e.pdf").touch()
    with pytest.raises(FileNotFoundError, match="Found 1 .gif, 2 .txt; in below: 1 .pdf"):
        find.find(tmp_path)
    (tmp_path / "below" / "d.JPG").touch()
    assert [path.name for path in find.find(tmp_path)] == ["d.JPG"]
