"""Damaged and hostile image files, mutated from valid ones of every kind: each is decoded, or
refused with a reason, within bounds of time and memory.

    python tests/campaigns/images.py --files=10000 --graph

prints what became of them, the slowest one and the largest memory; with --graph, also how often the
exported graph's decoder decides otherwise about a PNG or JPEG. Exits with status 1 if a file was
neither decoded nor refused, took too long, or was decoded by both to other pixels.
"""

import argparse
import collections
import contextlib
import io
import random
import resource
import struct
import sys
import time
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tf_ssae.data.decode import UnreadableImage, decode

_SECONDS = 2.0
_MEMORY = 4 * 2**30


def seeds() -> dict[str, bytes]:
    """Valid files of every kind and depth, by name."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 4), np.uint8)
    smooth = np.linspace(0, 255, 60 * 80 * 3).reshape(60, 80, 3).astype(np.uint8)
    deep = (np.arange(4800).reshape(60, 80) * 13).astype(np.uint16)
    colour, grey = Image.fromarray(smooth), Image.fromarray(smooth[..., 0])
    found = {}

    def add(name: str, image: Image.Image, kind: str, **options: object) -> None:
        data = io.BytesIO()
        image.save(data, kind, **options)
        found[name] = data.getvalue()

    for kind in ("PNG", "BMP", "WEBP", "TIFF", "JPEG"):
        add(f"{kind} colour", colour, kind)
        add(f"{kind} grey", grey, kind)
    for mode in ("1", "P"):
        add(f"PNG {mode}", colour.convert(mode), "PNG")
        add(f"BMP {mode}", colour.convert(mode), "BMP")
    add("PNG alpha", Image.fromarray(noise), "PNG")
    add("PNG 16 bits", Image.fromarray(deep), "PNG")
    add("TIFF 16 bits", Image.fromarray(deep), "TIFF")
    add("WEBP lossless", colour, "WEBP", lossless=True)
    add("JPEG progressive", colour, "JPEG", progressive=True)
    add("JPEG CMYK", colour.convert("CMYK"), "JPEG")
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        add(f"TIFF {compression}", colour, "TIFF", compression=compression)
    for compression in ("group3", "group4"):
        add(f"TIFF {compression}", colour.convert("1"), "TIFF", compression=compression)
    return found


def mutations(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yields `(what was done to which seed, the file)`."""
    draw, valid = random.Random(seed), seeds()
    names = sorted(valid)
    for _ in range(count):
        name = draw.choice(names)
        change = draw.choice(_CHANGES)
        other = valid[draw.choice(names)]
        yield f"{name}: {change.__name__[1:]}", change(bytearray(valid[name]), other, draw)


def _bits(data: bytearray, other: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.choice((1, 3, 20))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def _truncated(data: bytearray, other: bytes, draw: random.Random) -> bytes:
    return bytes(data[: draw.randrange(len(data))])


def _sizes(data: bytearray, other: bytes, draw: random.Random) -> bytes:
    """Claims another size, with a right checksum where there is one."""
    side = draw.choice((0, 1, 9_999, 16_383, 65_535))
    if data.startswith(b"\x89PNG"):
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    elif data.startswith(b"\xff\xd8"):
        at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
        data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    elif data.startswith(b"BM"):
        data[18:26] = struct.pack("<ii", side, side)
    else:
        at = draw.randrange(8, min(64, len(data) - 4))
        data[at : at + 4] = struct.pack("<HH", side, side)
    return bytes(data)


def _spliced(data: bytearray, other: bytes, draw: random.Random) -> bytes:
    at, start = draw.randrange(len(data)), draw.randrange(len(other))
    return bytes(data[:at]) + other[start : start + draw.randrange(400)] + bytes(data[at:])


def _zeros(data: bytearray, other: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    data[at : at + 64] = bytes(len(data[at : at + 64]))
    return bytes(data)


_CHANGES = (_bits, _truncated, _sizes, _spliced, _zeros)


def campaign(files: int, seed: int = 0) -> tuple[collections.Counter, float, str, list[str]]:
    """Decodes so many mutated files. Returns how often each thing happened, the seconds of the
    slowest, which that was, and what went wrong.
    """
    counts: collections.Counter = collections.Counter()
    slowest, which, wrong = 0.0, "", []
    for what, data in mutations(files, seed):
        start = time.perf_counter()
        try:
            decode(data)
            counts["decoded"] += 1
        except UnreadableImage:
            counts["refused"] += 1
        # Whatever else it is, it would end a run.
        except BaseException as error:
            counts["failed"] += 1
            wrong.append(f"{what}: {type(error).__name__}: {error}")
        seconds = time.perf_counter() - start
        if seconds > slowest:
            slowest, which = seconds, what
        if seconds > _SECONDS:
            wrong.append(f"{what}: {seconds:.1f} s")
    return counts, slowest, which, wrong


def beside_graph(files: int, seed: int = 0) -> tuple[collections.Counter, list[str]]:
    """What the exported graph makes of those that begin as PNG or JPEG files do: how often what
    happened, beside `decode`, and where both decode to other pixels.
    """
    import tensorflow as tf

    from tf_ssae.export import image_files

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def of_graph(data):
        return image_files.read(data, 3, tf.identity, tf.zeros([1, 1, 3], tf.uint8))

    counts: collections.Counter = collections.Counter()
    wrong = []
    for what, data in mutations(files, seed):
        if not data.startswith((b"\x89PNG", b"\xff\xd8\xff")):
            continue
        ours = theirs = None
        with contextlib.suppress(UnreadableImage):
            ours = decode(data)
        pixels, why = of_graph(tf.constant(data))
        if not why.numpy():
            theirs = pixels.numpy()
        names = ["refused" if pixels is None else "decoded" for pixels in (ours, theirs)]
        kind = what.split()[0]
        counts[f"{kind}: {names[0]}, by the graph {names[1]}"] += 1
        if ours is not None and theirs is not None and "CMYK" not in what:
            if np.abs(ours.astype(int) - theirs).max() > 1:
                wrong.append(f"{what}: other pixels by the graph")
    return counts, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--graph", action="store_true")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, resource.RLIM_INFINITY))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts, slowest, which, wrong = campaign(arguments.files, arguments.seed)
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{arguments.files:,} files: {counts['decoded']:,} decoded, {counts['refused']:,} refused"
    )
    print(f"slowest: {slowest:.2f} s, {which}; {more:,.0f} MB more memory than at the start")
    if arguments.graph:
        # TensorFlow reserves more addresses than it uses.
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
        beside, other = beside_graph(arguments.files, arguments.seed)
        print(*(f"{count:6,} {text}" for text, count in sorted(beside.items())), sep="\n")
        wrong += other
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
