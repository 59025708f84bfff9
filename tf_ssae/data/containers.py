"""What surrounds the pixels in a file: metadata, which must not decide whether pixels are read, and
the signs of damage, which decoders repair in silence.
"""

import zlib
from collections.abc import Iterable

import simplejpeg
from PIL import Image

from tf_ssae.data import tiff_damage

MOST_PER_BYTE = 1032  # bytes that deflate can make of one
MOST_JPEG_PIXELS = 512  # of one byte: at least a bit for a block of 8x8
# Of one byte of a WebP, which can hold any number of one colour: no photo has so many.
_MOST_WEBP_PIXELS = 512

_PNG = b"\x89PNG\r\n\x1a\n"
_OFFSETS, _LENGTHS = (273, 324), (279, 325)  # TIFF's tags, of strips and of tiles
_TIFF_BYTES_A_PIXEL = 16  # and more: four channels of 32 bits
_COMPRESSION, _DEFLATE = 259, (8, 32946)
_PIECE = 2**20  # bytes to unpack at a time


class Damaged(ValueError):
    """The file is not as it was written; the message says how."""


def without_metadata(data: bytes) -> bytes:
    """The file with nothing in it but what its pixels need; other kinds than PNG and JPEG as they
    are.

    Raises:
        Damaged: it ends early, or a checksum of what the pixels need is wrong.
    """
    if data.startswith(_PNG):
        return _bare_png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _bare_jpeg(data)
    if data.startswith(b"RIFF") and int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise Damaged("it ends early")
    return data


def is_jpeg(image: Image.Image) -> bool:
    """Whether a Pillow image was opened from a JPEG, or from a phone's several in one file."""
    return image.format in ("JPEG", "MPO")


def scans(data: bytes) -> int:
    """Of a JPEG: how many times all of its pixels are gone through; at most as many."""
    return data.count(b"\xff\xda")


def require_room(image: Image.Image, data: bytes) -> None:
    """Raises Damaged if the file is too small for the pixels that it claims, so that none of them
    is decoded. `image`: opened, not loaded.
    """
    most = MOST_JPEG_PIXELS if is_jpeg(image) else _MOST_WEBP_PIXELS
    limited = is_jpeg(image) or image.format == "WEBP"
    if limited and image.width * image.height > most * len(data):
        raise Damaged(f"{len(data):,} bytes cannot hold {image.width}x{image.height} pixels")


def damage(image: Image.Image, data: bytes) -> str:
    """What is wrong with the pixels of a file, where a decoder would make up others and say
    nothing; empty if nothing is. `image`: opened, not loaded.
    """
    if is_jpeg(image):
        return _damage_of_jpeg(data)
    if image.format == "TIFF":
        return _damage_of_tiff(image, data)
    return ""


def _damage_of_jpeg(data: bytes) -> str:
    try:
        colours = simplejpeg.decode_jpeg_header(data)[2]
        kind = "CMYK" if colours in ("CMYK", "YCCK") else "GRAY"
        # An eighth of the size: all is read, warnings included, little is computed.
        simplejpeg.decode_jpeg(data, kind, min_height=1, min_width=1, strict=True)
    except ValueError as error:
        return str(error)
    return ""


def _damage_of_tiff(image: Image.Image, data: bytes) -> str:
    tags = image.tag_v2  # type: ignore[attr-defined]
    largest = _TIFF_BYTES_A_PIXEL * image.width * image.height + _PIECE
    for starts, lengths in zip(_OFFSETS, _LENGTHS):
        parts = list(zip(_values(tags.get(starts)), _values(tags.get(lengths))))
        if any(start + length > len(data) for start, length in parts):
            return "it ends early"
        # libtiff leaves a strip when it has its pixels, before the checksum that follows them.
        if tags.get(_COMPRESSION) in _DEFLATE:
            if wrong := _wrong_with_deflate(data, parts, largest):
                return wrong
    # What is not compressed has nothing that libtiff could repair.
    compressed = any(tile[0] == "libtiff" for tile in getattr(image, "tile", ()))
    if not compressed:
        return ""
    return tiff_damage.damage(data, largest)


def _wrong_with_deflate(data: bytes, parts: Iterable[tuple[int, int]], largest: int) -> str:
    """What is wrong with stretches, `(start, length)`, of compressed data, which are to unpack to
    no more bytes than `largest`.
    """
    for start, length in parts:
        unpacking, packed = zlib.decompressobj(), data[start : start + length]
        try:
            while packed:
                largest -= len(unpacking.decompress(packed, _PIECE))
                packed = unpacking.unconsumed_tail
                if largest < 0:
                    return "its compressed data are more than its pixels"
        except zlib.error as error:
            return str(error)
        if not unpacking.eof:
            return "its compressed data have no end"
    return ""


def _values(value: object) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) if isinstance(value, int) else ()


def _bare_png(data: bytes) -> bytes:
    kept, at = [_PNG], len(_PNG)
    while True:
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise Damaged("it ends early")
        # Capital: needed for the pixels. Transparency and animation are not, but are looked at.
        needed = not kind[0] & 0x20
        if needed or kind in (b"tRNS", b"acTL"):
            checksum = int.from_bytes(data[end - 4 : end], "big")
            if zlib.crc32(memoryview(data)[at + 4 : end - 4]) == checksum:
                kept.append(data[at:end])
            elif needed:
                raise Damaged(f"the checksum of {kind.decode('latin-1')!r} is wrong")
        if kind == b"IHDR":
            _require_possible(data[at + 8 : end - 4], len(data))
        if kind == b"IEND":
            return b"".join(kept)
        at = end


def _require_possible(header: bytes, length: int) -> None:
    """Raises Damaged if a PNG of this length cannot hold the pixels that its header claims."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    depth, colour = header[8], header[9]
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    if width * height * bits > 8 * MOST_PER_BYTE * length:
        raise Damaged(f"{length:,} bytes cannot hold {width}x{height} pixels")


def _bare_jpeg(data: bytes) -> bytes:
    kept, at = [data[:2]], 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == 0xDA:
            return b"".join([*kept, data[at:]])
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        # APP0 (JFIF) and APP14 (Adobe) say which colours these are; the others and comments do not.
        metadata = 0xE1 <= marker <= 0xEF and marker != 0xEE or marker == 0xFE
        if marker == 0xFF or end <= at + 3:
            break
        if not metadata:
            kept.append(data[at:end])
        at = end
    # Not as expected: the decoder is to say what is wrong.
    return data
