"""Damaged files: what decoders repair in silence is noticed, and is accepted only where it is asked
for.
"""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tf_ssae.data import sources, tiff_damage
from tf_ssae.data.decode import UnreadableImage, decode, repair
from tf_ssae.data.reader import TileReader, repaired_in_words
from tf_ssae.detectors.registry import preset

SMOOTH = np.linspace(0, 255, 96 * 128 * 3).reshape(96, 128, 3).astype(np.uint8)


def encoded(kind, mode="RGB", **options):
    data = io.BytesIO()
    Image.fromarray(SMOOTH).convert(mode).save(data, kind, **options)
    return data.getvalue()


def strip(data):
    """Where the pixels of a TIFF of one strip begin and end."""
    with Image.open(io.BytesIO(data)) as image:
        tags = image.tag_v2
        return tags[273][0], tags[273][0] + tags[279][0]


def spoilt(kind):
    """A file whose decoder repairs it: a stretch of its pixels is zeros."""
    if kind == "JPEG":
        data = encoded("JPEG", quality=95)
        return data[: len(data) // 2]
    compression, mode = kind
    data = bytearray(encoded("TIFF", mode, compression=compression))
    start, end = strip(bytes(data))
    middle = (start + end) // 2
    data[middle : middle + 20] = bytes([0x55] * 20)
    return bytes(data)


KINDS = ["JPEG", ("jpeg", "RGB"), ("group3", "1"), ("group4", "1")]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_decoder_repairs_is_refused_unless_it_is_asked_for(kind, tmp_path, capfd):
    data = spoilt(kind)
    with pytest.raises(UnreadableImage, match="damaged: [A-Z]"):
        decode(data)
    pixels, damage = repair(data)
    assert pixels.shape[:2] == (96, 128) and damage

    path = tmp_path / "part.jpg"
    path.write_bytes(data)
    (strict,) = TileReader((32, 32, 3), "centre").read([path])
    (lenient,) = TileReader((32, 32, 3), "centre", accept_damaged=True).read([path])
    assert strict.error == f"damaged: {damage}" and len(strict.tiles) == 0
    assert (lenient.error, lenient.damage) == ("", damage) and len(lenient.tiles) == 1
    # libtiff's own lines name no file.
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", ""])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_an_intact_tiff_is_not_damaged_whatever_its_tags(compression, mode):
    options = {"compression": compression} if compression else {}
    # A text that does not end, and a tag that nobody knows: libtiff warns of both.
    data = encoded("TIFF", mode, tiffinfo={305: "software", 65_000: "mine"}, **options)
    assert tiff_damage.damage(data, 10**8) == "" and repair(data)[1] == ""
    np.testing.assert_array_equal(repair(data)[0], decode(data))


def test_what_is_missing_at_the_end_of_a_jpeg_is_grey():
    whole, (cut, damage) = decode(encoded("JPEG", quality=95)), repair(spoilt("JPEG"))
    np.testing.assert_array_equal(cut[:16], whole[:16])
    assert (cut[-8:] == 128).all() and damage == "Premature end of JPEG file"


def test_every_flipped_bit_in_a_tiff_with_checksums_is_noticed():
    """libtiff itself misses many: it stops where it has its pixels."""
    whole = encoded("TIFF", compression="tiff_adobe_deflate")
    start, end = strip(whole)
    missed = 0
    for at in np.random.default_rng(0).integers(start, end, 200):
        data = bytearray(whole)
        data[at] ^= 1
        missed += not tiff_damage.damage(bytes(data), 10**8)
        try:
            np.testing.assert_array_equal(decode(bytes(data)), SMOOTH)
        except UnreadableImage:
            continue
    assert missed > 0


def test_a_tiff_that_unpacks_to_more_than_its_pixels_is_not_unpacked_to_its_end():
    small = encoded("TIFF", "L", compression="tiff_adobe_deflate")
    packed = zlib.compress(bytes(64 * 2**20))
    start, _ = strip(small)
    with Image.open(io.BytesIO(small)) as image:
        table = image.tag_v2._offset
    # The strip, and a table of tags behind it that says where it is.
    tags = bytearray(small[table:])
    for at in range(2, 2 + 12 * tags[0], 12):
        if tags[at : at + 2] == b"\x17\1":
            tags[at + 2 : at + 12] = struct.pack("<HII", 4, 1, len(packed))
    place = start + len(packed) + len(packed) % 2
    data = b"II*\0" + struct.pack("<I", place) + packed.ljust(place - start, b"\0")
    with pytest.raises(UnreadableImage, match="more than its pixels"):
        decode(data + bytes(tags))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP"])
def test_what_no_decoder_repairs_stays_refused(kind):
    data = encoded(kind)
    with pytest.raises(UnreadableImage):
        repair(data[: len(data) // 2])


def test_those_that_are_accepted_are_counted_and_named():
    assert repaired_in_words([]) == ""
    assert repaired_in_words([(f"{i}.jpg", "it ends") for i in range(12)]) == (
        "12 damaged files were read as their decoder repairs them (--accept_damaged): "
        + ", ".join(f"{i}.jpg (it ends)" for i in range(10))
        + " and 2 more."
    )


def test_damaged_files_train_only_if_they_are_accepted(tmp_path, write):
    root = tmp_path / "parts"
    for i in range(3):
        write(root / f"{i}.jpg", i)
    data = (root / "2.jpg").read_bytes()
    (root / "2.jpg").write_bytes(data[: len(data) // 2])

    def load(**settings):
        config = preset("folder", detector="ssae", data_dir=str(root), **settings)
        return sources.load(config, tmp_path / "cache")

    strict = load()
    assert strict.names == ("0.jpg", "1.jpg") and strict.repaired == ()
    assert strict.left_out == (("2.jpg", "damaged: Premature end of JPEG file"),)
    lenient = load(accept_damaged=True)
    assert lenient.names == ("0.jpg", "1.jpg", "2.jpg") and lenient.left_out == ()
    assert lenient.repaired == (("2.jpg", "Premature end of JPEG file"),)
    assert lenient.notes[-1].startswith("WARNING: 1 damaged files were read as")
