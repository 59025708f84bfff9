"""What surrounds the pixels in a file: metadata, which must not decide whether pixels are read, and
the signs of damage, which decoders repair in silence.
"""

import zlib

import simplejpeg
from PIL import Image

# Standard progressive files have ten; each scan costs as much as decoding all pixels.
MOST_SCANS = 64
MOST_PER_BYTE = 1032  # bytes that deflate can make of one
MOST_JPEG_PIXELS = 512  # of one byte: at least a bit for a block of 8x8

_PNG = b"\x89PNG\r\n\x1a\n"
_OFFSETS, _LENGTHS = (273, 324), (279, 325)  # TIFF's tags, of strips and of tiles


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


def require_whole(image: Image.Image, data: bytes) -> None:
    """Raises Damaged if a decoder would have to make up pixels. `image`: opened, not loaded."""
    if image.format in ("JPEG", "MPO"):
        _require_whole_jpeg(data)
    elif image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        for starts, lengths in zip(_OFFSETS, _LENGTHS):
            pairs = zip(_values(tags.get(starts)), _values(tags.get(lengths)))
            if any(start + length > len(data) for start, length in pairs):
                raise Damaged("it ends early")


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


def _require_whole_jpeg(data: bytes) -> None:
    scans = data.count(b"\xff\xda")
    if scans > MOST_SCANS:
        raise Damaged(f"{scans} scans, which would take long; expected at most {MOST_SCANS}")
    try:
        height, width, colours = simplejpeg.decode_jpeg_header(data)[:3]
        if height * width > MOST_JPEG_PIXELS * len(data):
            raise Damaged(f"{len(data):,} bytes cannot hold {width}x{height} pixels")
        kind = "CMYK" if colours in ("CMYK", "YCCK") else "GRAY"
        # An eighth of the size: all is read, warnings included, little is computed.
        simplejpeg.decode_jpeg(data, kind, min_height=1, min_width=1, strict=True)
    except Damaged:
        raise
    except ValueError as error:
        raise Damaged(str(error)) from error
