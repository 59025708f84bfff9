"""Bombs: files of 800 bytes which claim 9,999x9,999 pixels, and files of some hundred kilobytes
which do hold them, scored and, from a model server's side, decided about.

    python tests/campaigns/bombs.py --run=runs/NAME --export=exported/NAME/1 --files=200

prints how long each folder takes and the largest memory of its process. Exits with status 1 if that
is above 2 GB, or a file has no row.
"""

import argparse
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from PIL import Image

_SIDE = 9_999
_BYTES = 800
_MOST = 2_000  # MB

_SCORE = "import sys; from tf_ssae.cli.main import main; sys.exit(main(sys.argv[1:]))"
_DECIDE = """
import pathlib, sys
import tensorflow as tf

decide = tf.saved_model.load(sys.argv[1])
answers = []
for path in sorted(pathlib.Path(sys.argv[2]).iterdir()):
    found = decide.signatures["decide"](image_bytes=tf.constant([path.read_bytes()]))
    answers.append(found["decision"].numpy()[0].decode())
print(len(answers), *sorted(set(answers)))
"""


def claims() -> dict[str, bytes]:
    """Files of 800 bytes that claim to be large, by their endings."""
    large = holds()
    image = Image.new("L", (_SIDE, _SIDE))
    large["bmp"] = _encoded(image, "BMP")
    # The header comes first in all of them, but in TIFF only if it is made so.
    large["tif"] = _tiff_header()
    return {ending: data[:_BYTES].ljust(_BYTES, b"\0") for ending, data in large.items()}


def holds() -> dict[str, bytes]:
    """Files that hold as many pixels, all of one colour, by their endings."""
    image = Image.new("RGB", (_SIDE, _SIDE), (200, 100, 0))
    return {
        "png": _encoded(image, "PNG"),
        "jpg": _encoded(image, "JPEG"),
        "tif": _encoded(Image.new("1", image.size), "TIFF", compression="group4"),
        "webp": _encoded(image, "WEBP", lossless=True),
    }


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def _tiff_header() -> bytes:
    """A TIFF whose one strip of deflate breaks off, after its tags."""
    small = bytearray(_encoded(Image.new("L", (64, 64)), "TIFF", compression="tiff_adobe_deflate"))
    with Image.open(io.BytesIO(bytes(small))) as image:
        at = image.tag_v2._offset
    count = int.from_bytes(small[at : at + 2], "little")
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag = int.from_bytes(small[entry : entry + 2], "little")
        # Width, height, rows of a strip: of whichever type, four bytes hold it.
        if tag in (256, 257, 278):
            small[entry + 2 : entry + 12] = b"\4\0\1\0\0\0" + _SIDE.to_bytes(4, "little")
    return bytes(small)


def spread(kinds: dict[str, bytes], folder: pathlib.Path, count: int) -> None:
    """Writes so many files, each kind in turn."""
    folder.mkdir()
    endings = sorted(kinds)
    for i in range(count):
        ending = endings[i % len(endings)]
        (folder / f"{i:04d}.{ending}").write_bytes(kinds[ending])


def measured(program: str, *arguments: str) -> tuple[str, float, float]:
    """What a Python program prints, its seconds and its largest memory in MB."""
    began = time.monotonic()
    # Not what `getrusage` says, which counts the memory of the process that started it too.
    watched = f"import re, sys\ntry:\n exec({program!r})\nfinally:\n"
    watched += " print(re.search('VmHWM:(.*)kB', open('/proc/self/status').read())[1])"
    command = [sys.executable, "-c", watched, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    *said, memory = done.stdout.strip().splitlines()
    return "\n".join(said), time.monotonic() - began, int(memory) / 1024


def main(run: str, export: str, files: int, hold: int) -> list[str]:
    """What went wrong. `hold`: how many files that do hold their pixels are tried beside them."""
    wrong = []
    with tempfile.TemporaryDirectory() as temporary:
        for name, kinds, count in (("claim", claims(), files), ("hold", holds(), hold)):
            folder, table = (
                pathlib.Path(temporary) / name,
                pathlib.Path(temporary) / f"{name}.jsonl",
            )
            if not count:
                continue
            spread(kinds, folder, count)
            flags = [f"--images={folder}", f"--output={table}", f"--model_dir={run}"]
            _, seconds, memory = measured(_SCORE, "score", *flags)
            rows = [json.loads(line) for line in table.read_text().splitlines()]
            decisions = sorted({row["decision"] for row in rows})
            print(
                f"{count} files that {name} {_SIDE}x{_SIDE} pixels, scored: {seconds:.1f} s,"
                f" {memory:,.0f} MB: {', '.join(decisions)}",
                flush=True,
            )
            if len(rows) != count or memory > _MOST:
                wrong.append(f"{name}, scored: {len(rows)} rows, {memory:,.0f} MB")
            answers, seconds, memory = measured(_DECIDE, export, str(folder))
            print(f"  decided about: {seconds:.1f} s, {memory:,.0f} MB: {answers}", flush=True)
            if not answers.startswith(f"{count} ") or memory > _MOST:
                wrong.append(f"{name}, decided about: {answers}, {memory:,.0f} MB")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True)
    parser.add_argument("--export", required=True)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--hold", type=int, default=4)
    found = main(**vars(parser.parse_args()))
    print(*found, sep="\n")
    sys.exit(bool(found))
