"""Image files as people have them: every kind that is read, and why the others are not."""

import io

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data.decode import UnreadableImage, decode, with_channels

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def encoded(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


@pytest.mark.parametrize(
    "kind, options", [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True}), ("TIFF", {})]
)
def test_lossless_kinds_are_read_exactly(kind, options):
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(PIXELS), kind, **options)), PIXELS)
    grey = decode(encoded(Image.fromarray(PIXELS[..., 0]), "PNG"))
    np.testing.assert_array_equal(grey, PIXELS[..., :1])


def test_jpeg_is_read_nearly():
    smooth = np.repeat(np.linspace(0, 255, 30).astype(np.uint8)[None, :, None], 20, axis=0).repeat(
        3, axis=2
    )
    assert (
        np.abs(
            decode(encoded(Image.fromarray(smooth), "JPEG", quality=95)).astype(int) - smooth
        ).max()
        < 8
    )


def test_exif_orientation_is_applied():
    image = Image.fromarray(PIXELS)
    exif = image.getexif()
    exif[0x0112] = (
        6  # the camera was held upright: turn by 270 degrees counter-clockwise to see it so
    )
    np.testing.assert_array_equal(decode(encoded(image, "PNG", exif=exif)), np.rot90(PIXELS, 3))


def test_sixteen_bits_are_scaled():
    deep = (np.arange(600, dtype=np.uint16).reshape(20, 30) * 109).astype(np.uint16)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(deep), "PNG"))[..., 0], deep >> 8)


def test_alpha_palette_and_cmyk_become_grey_or_colour():
    opaque = Image.fromarray(np.dstack([PIXELS, np.full((20, 30), 7, np.uint8)]), "RGBA")
    np.testing.assert_array_equal(decode(encoded(opaque, "PNG")), PIXELS)
    palette = Image.fromarray(PIXELS).quantize(16)
    np.testing.assert_array_equal(
        decode(encoded(palette, "PNG")), np.asarray(palette.convert("RGB"))
    )
    assert decode(encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG")).shape == (
        20,
        30,
        3,
    )
    one_bit = decode(encoded(Image.fromarray(PIXELS[..., 0] > 99), "PNG"))
    np.testing.assert_array_equal(one_bit, 255 * (PIXELS[..., :1] > 99))
    np.testing.assert_array_equal(
        decode(encoded(Image.fromarray(PIXELS[..., :2], "LA"), "PNG")), PIXELS[..., :1]
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
        (animation("WEBP"), "2 images in one file; expected one"),
        (
            encoded(Image.fromarray(PIXELS[..., 0].astype(np.float32)), "TIFF"),
            "floating-point pixels",
        ),
        (animation("TIFF"), "2 images in one file"),
    ],
)
def test_what_is_refused_says_why(data, reason):
    with pytest.raises(UnreadableImage, match=reason):
        decode(data)


def test_the_first_image_of_a_phones_two_is_read():
    smooth = Image.fromarray(np.full((20, 30, 3), 90, np.uint8))
    data = io.BytesIO()
    smooth.save(data, "MPO", save_all=True, append_images=[Image.new("RGB", (30, 20))])
    assert np.abs(decode(data.getvalue()).astype(int) - 90).max() < 3


def test_a_very_wide_image_is_read():
    assert decode(encoded(Image.new("L", (20_000, 1_500)), "PNG")).shape == (1_500, 20_000, 1)


def test_channels_are_made_to_fit():
    grey = PIXELS[..., :1]
    np.testing.assert_array_equal(with_channels(grey, 3), np.repeat(grey, 3, axis=2))
    # 0.299 of red
    np.testing.assert_array_equal(
        with_channels(np.full((2, 3, 3), [255, 0, 0], np.uint8), 1), np.full((2, 3, 1), 76)
    )
