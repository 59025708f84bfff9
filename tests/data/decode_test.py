"""Image files as people have them: every kind that is read, and why the others are not."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data.decode import UnreadableImage, decode, with_channels
from tf_ssae.ops.limits import Limits

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
        (b"a cat", "not a PNG, JPEG, BMP, WebP or TIFF image"),
        (encoded(Image.fromarray(PIXELS), "PNG")[:300], "damaged: "),
        (encoded(Image.fromarray(PIXELS), "JPEG")[:500], "damaged: "),
        (encoded(Image.new("L", (1, 1)), "PNG"), "1x1 pixels; expected at least 8x8"),
        (
            encoded(Image.new("L", (20_000, 40)), "PNG"),
            "20000x40 pixels: more than 16 times as long as wide; cut it into smaller images",
        ),
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


def test_more_pixels_than_are_wanted_are_refused():
    with pytest.raises(UnreadableImage, match="more pixels than largest_image"):
        decode(encoded(Image.new("1", (20_000, 20_000)), "PNG"))


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


def png_with(*chunks):
    """A PNG with more chunks, `(type, data, whether the checksum is right)`, behind its header."""
    data = encoded(Image.fromarray(PIXELS), "PNG")
    extra = b""
    for kind, body, right in chunks:
        checksum = zlib.crc32(kind + body) ^ (not right)
        extra += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)
    return data[:33] + extra + data[33:]


def exif(*entries):
    """EXIF of `(tag, type, count, value)`, each value of four bytes or behind the table."""
    body, behind = b"", b""
    for tag, kind, count, value in entries:
        if len(value) > 4:
            at = 14 + 12 * len(entries) + len(behind)
            behind, value = behind + value, struct.pack("<I", at)
        body += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    table = struct.pack("<H", len(entries)) + body + b"\0\0\0\0" + behind
    return b"Exif\0\0II*\0\x08\0\0\0" + table


@pytest.mark.parametrize(
    "chunk",
    [
        (b"tEXt", b"k\0v", False),
        (b"zTXt", b"k\0\0" + zlib.compress(bytes(2**21)), True),
        (b"iTXt", b"\xff" * 9, True),
        (b"iCCP", b"p\0\0" + zlib.compress(bytes(2**22)), True),
        (b"iCCP", b"no profile", False),
        (b"gAMA", b"x", False),
        (b"pHYs", b"short", True),
        (b"eXIf", b"nothing", True),
        (b"tIME", b"", False),
    ],
)
def test_metadata_of_a_png_do_not_decide(chunk):
    np.testing.assert_array_equal(decode(png_with(chunk)), PIXELS)


@pytest.mark.parametrize(
    "entry",
    [
        (0x011A, 10, 1, struct.pack("<ii", -72, 1)),
        (0x0213, 2, 2, b"1\0"),
        (0x0131, 2, 9, b"\xff" * 9),
        (0x8769, 4, 1, struct.pack("<I", 10**9)),
    ],
)
def test_only_the_orientation_of_exif_is_wanted(entry):
    turned = (0x0112, 3, 1, struct.pack("<H", 6))
    image = Image.fromarray(np.full((16, 32), 90, np.uint8))
    assert decode(encoded(image, "JPEG", exif=exif(turned, entry))).shape == (32, 16, 1)


def test_a_jpeg_with_odd_segments_is_read():
    data = encoded(Image.fromarray(PIXELS), "JPEG")
    expected = decode(data)
    for marker, body in ((0xE2, b"ICC_PROFILE\0\1\1bad"), (0xE2, b"MPF\0broken"), (0xED, b"8BIM")):
        segment = bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body
        np.testing.assert_array_equal(decode(data[:2] + segment + data[2:]), expected)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.98])
def test_a_file_that_ends_early_is_damaged(kind, share):
    data = encoded(Image.fromarray(PIXELS.repeat(8, 0).repeat(8, 1)), kind)
    with pytest.raises(UnreadableImage):
        decode(data[: int(share * len(data))])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_a_jpeg_that_its_decoder_would_repair_is_damaged(options):
    smooth = np.linspace(0, 255, 256 * 256).reshape(256, 256).astype(np.uint8)
    data = encoded(Image.fromarray(smooth).convert("RGB"), "JPEG", quality=95, **options)
    decode(data)
    cut = len(data) * 3 // 4
    for damaged in (data[:cut] + b"\xff\xd9", data[:cut] + b"\xff\xd0" * 9 + data[cut + 99 :]):
        with pytest.raises(UnreadableImage, match="damaged: "):
            decode(damaged)


def test_a_flipped_bit_in_a_png_is_damaged():
    data = bytearray(encoded(Image.fromarray(PIXELS), "PNG"))
    data[len(data) // 2] ^= 4
    with pytest.raises(UnreadableImage, match="damaged: the checksum of 'IDAT' is wrong"):
        decode(bytes(data))


def test_what_claims_more_pixels_than_it_can_hold_is_refused_unread():
    header = struct.pack(">IIBBBBB", 9_999, 9_999, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    data = encoded(Image.fromarray(PIXELS), "PNG")
    claims = data[:8] + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    with pytest.raises(UnreadableImage, match="bytes cannot hold 9999x9999 pixels"):
        decode(claims + data[33:])
    with pytest.raises(UnreadableImage, match="bytes cannot hold 4000x4000 pixels"):
        decode(encoded(Image.new("RGB", (4000, 4000)), "WEBP", lossless=True))
    jpeg = bytearray(encoded(Image.new("L", (64, 64)), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 9_999, 9_999)
    with pytest.raises(UnreadableImage, match="bytes cannot hold 9999x9999 pixels"):
        decode(bytes(jpeg))


def test_many_scans_are_refused():
    data = encoded(Image.fromarray(PIXELS), "JPEG", progressive=True)
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    many = data[:end] + data[start:end] * 100 + data[end:]
    with pytest.raises(UnreadableImage, match="scans, which would .* at most most_scans=64"):
        decode(many)
    assert decode(data, Limits(most_scans=10)).shape == (20, 30, 3)
    with pytest.raises(UnreadableImage, match="10 scans, .* at most most_scans=9"):
        decode(data, Limits(most_scans=9))


def test_a_reason_names_the_setting_that_a_server_lowered(tmp_path):
    data = encoded(Image.new("L", (200, 100)), "PNG")
    expected = "200x100 pixels; expected at most largest_image=0.01 megapixels"
    with pytest.raises(UnreadableImage, match=expected):
        decode(data, Limits(largest_image=0.01))
    with pytest.raises(UnreadableImage, match="MB; expected at most largest_file=1e-05 megabytes"):
        decode(data, Limits(largest_file=1e-5))
    assert decode(data, Limits(largest_image=0.02)).shape == (100, 200, 1)
