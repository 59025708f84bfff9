"""Every kind of file of the table in docs/own_images.md, read by training and scoring and by the
exported graph: equal pixels, or a line of the table that says otherwise.
"""

import io
import re
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT
from PIL import Image
from scipy.ndimage import gaussian_filter

from tf_ssae.data.decode import UnreadableImage
from tf_ssae.data.decode import decode as decode_file
from tf_ssae.export import image_files

_NOISE = np.random.default_rng(0).uniform(0, 255, (64, 80, 3))
SMOOTH = gaussian_filter(_NOISE, (3, 3, 0))
SMOOTH = ((SMOOTH - SMOOTH.min()) / np.ptp(SMOOTH) * 255).astype(np.uint8)
COLOUR = Image.fromarray(SMOOTH)
GREY = Image.fromarray(SMOOTH[..., 0])
DEEP = Image.fromarray(SMOOTH[..., 0].astype(np.uint16) * 257)
ALPHA = Image.fromarray(np.dstack([SMOOTH, SMOOTH[::-1, :, 0]]))
PALETTE = COLOUR.quantize(16)
TURNED = {"exif": b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"}


def encoded(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def chunk(kind, body, right=True):
    checksum = struct.pack(">I", zlib.crc32(kind + body) ^ (not right))
    return struct.pack(">I", len(body)) + kind + body + checksum


def png_of_16_bit_colour():
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in SMOOTH.astype(np.uint16) * 257)
    header = struct.pack(">IIBBBBB", 80, 64, 16, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


def claiming(data, width, height):
    """A PNG or JPEG whose header claims another size."""
    changed = bytearray(data)
    if data.startswith(b"\x89PNG"):
        changed[16:24] = struct.pack(">II", width, height)
        changed[29:33] = struct.pack(">I", zlib.crc32(changed[12:29]))
    else:
        at = data.index(b"\xff\xc0") + 5
        changed[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(changed)


def scans(count):
    data = encoded(COLOUR, "JPEG", progressive=True)
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    return data[:end] + data[start:end] * count + data[end:]


def kinds():
    """`{what it is: (the file, how its line in the table begins; "" if there is no difference)}`"""
    png, jpeg = encoded(COLOUR, "PNG"), encoded(COLOUR, "JPEG", quality=90)
    head, tail = png[:33], png[33:]
    flipped = bytearray(png)
    flipped[len(png) // 2] ^= 4
    repaired = jpeg[: len(jpeg) * 3 // 4] + b"\xff\xd9"
    early = "it ends early; JPEG data that the decoder would repair"
    frames = {"save_all": True, "append_images": [GREY.convert("RGB")]}
    return {
        "PNG colour": (png, ""),
        "PNG grey": (encoded(GREY, "PNG"), ""),
        "PNG 1 bit": (encoded(GREY.convert("1"), "PNG"), ""),
        "PNG palette": (encoded(PALETTE, "PNG"), ""),
        "PNG palette with transparency": (encoded(PALETTE, "PNG", transparency=3), ""),
        "PNG grey 16 bits": (encoded(DEEP, "PNG"), ""),
        "PNG colour 16 bits": (png_of_16_bit_colour(), ""),
        "PNG alpha": (encoded(ALPHA, "PNG"), ""),
        "PNG grey alpha": (encoded(ALPHA.convert("LA"), "PNG"), ""),
        "JPEG colour": (jpeg, ""),
        "JPEG without subsampling": (encoded(COLOUR, "JPEG", subsampling=0), ""),
        "JPEG grey": (encoded(GREY, "JPEG"), ""),
        "JPEG progressive": (encoded(COLOUR, "JPEG", progressive=True), ""),
        "JPEG CMYK": (encoded(COLOUR.convert("CMYK"), "JPEG"), ""),
        "PNG turned": (encoded(COLOUR, "PNG", **TURNED), "EXIF's orientation"),
        "JPEG turned": (encoded(COLOUR, "JPEG", **TURNED), "EXIF's orientation"),
        "PNG wrong text": (head + chunk(b"tEXt", b"k\0v", False) + tail, ""),
        "PNG large text": (
            head + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**21))) + tail,
            "",
        ),
        "PNG wrong profile": (head + chunk(b"iCCP", b"no profile", False) + tail, ""),
        "JPEG odd segment": (jpeg[:2] + b"\xff\xe2\0\x0cMPF\0broken" + jpeg[2:], ""),
        "PNG ends early": (png[: len(png) // 2], ""),
        "PNG wrong checksum": (bytes(flipped), ""),
        "JPEG ends early": (jpeg[: len(jpeg) // 2], ""),
        "JPEG repaired": (repaired, early),
        "PNG bomb": (claiming(png, 9_999, 9_999), ""),
        "JPEG bomb": (claiming(jpeg, 9_999, 9_999), ""),
        "JPEG scans": (scans(100), ""),
        "PNG animated": (encoded(COLOUR, "PNG", **frames), "several images in one file"),
        "JPEG of a phone": (encoded(COLOUR, "MPO", **frames), ""),
        "BMP": (encoded(COLOUR, "BMP"), "BMP, WebP, TIFF"),
        "WebP": (encoded(COLOUR, "WEBP"), "BMP, WebP, TIFF"),
        "TIFF": (encoded(COLOUR, "TIFF"), "BMP, WebP, TIFF"),
        "GIF": (encoded(PALETTE, "GIF"), ""),
        "nothing": (b"", ""),
        "text": (b"a cat", ""),
    }


@pytest.fixture(scope="module")
def of_graph():
    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def read(data):
        return image_files.read(data, 3, tf.identity, tf.zeros([1, 1, 3], tf.uint8))

    def pixels(data):
        found, why = read(tf.constant(data))
        return None if why.numpy() else found.numpy()

    return pixels


def of_file(data):
    try:
        pixels = decode_file(data)
    except UnreadableImage:
        return None
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def same(ours, theirs):
    if ours is None or theirs is None:
        return ours is None and theirs is None
    # Two builds of a JPEG decoder round differently, by a level.
    return ours.shape == theirs.shape and np.abs(ours.astype(int) - theirs).max() <= 1


@pytest.mark.parametrize("name", kinds())
def test_both_read_the_same_or_the_table_says_how_they_differ(name, of_graph):
    data, line = kinds()[name]
    assert same(of_file(data), of_graph(data)) == (not line)
    if line:
        table = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \|$", _manual(), re.M)
        (row,) = [row for row in table if row[0].startswith(line)]
        assert row[1] != row[2]


def _manual():
    return (ROOT / "docs" / "own_images.md").read_text()
