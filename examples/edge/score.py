"""Scores photos with an exported .tflite file, without this package: NumPy, Pillow and LiteRT.

    pip install numpy pillow ai-edge-litert
    python examples/edge/score.py exported/NAME/1/tflite/float32.tflite photo.jpg ...

Prints for each photo its name, the score that decides, the threshold, and the decision. What it
does to a photo is in the .json beside the file, under `preparation`.
"""

import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps


def read(path, channels):
    """The pixels of an image file, uint8 `[H, W, channels]`."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):  # grey of 16 bits, which Pillow would cut off
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    image = image.convert("RGB")
    # To grey as in `preparation`: (19595 R + 38470 G + 7471 B + 32768) // 65536.
    return np.asarray(image.convert("L") if channels == 1 else image).reshape(
        image.height, image.width, channels
    )


def starts(length, side, overlap, crop):
    """Where tiles of this side begin along an axis."""
    slack, count = length - side, -(-(length - overlap) // (side - overlap))
    if crop == "centre":
        return [slack // 2]
    first = [-(-i * slack // max(count - 1, 1)) for i in range(-(-count // 2))]
    return first + [slack - start for start in first[: count // 2][::-1]]


def cut(pixels, preparation):
    """An image as tiles, uint8 `[T, S, S, C]`."""
    how, size = preparation["tiles"], preparation["resize"]["size"]
    height, width, channels = pixels.shape
    side = min(height, width, how["tile_size"] or height)
    overlap = side // how["overlap"] if how["overlap"] else 0
    found = []
    for top in starts(height, side, overlap, how["crop"]):
        for left in starts(width, side, overlap, how["crop"]):
            tile = pixels[top : top + side, left : left + side]
            if side != size:
                # As floats: from bytes to bytes, Pillow would round after each axis.
                bands = [Image.fromarray(tile[..., c].astype(np.float32)) for c in range(channels)]
                bands = [np.asarray(b.resize((size, size), Image.BILINEAR)) for b in bands]
                tile = np.clip(np.rint(np.stack(bands, axis=-1)), 0, 255).astype(np.uint8)
            found.append(tile)
    return np.stack(found)


def score(run, tiles, batch):
    """`{score name: float}` of an image, by its tiles, exactly `batch` of them at once."""
    missing = -len(tiles) % batch
    tiles = np.concatenate([tiles, np.repeat(tiles[:1], missing, axis=0)])
    outputs = [run(images=tiles[i : i + batch]) for i in range(0, len(tiles), batch)]
    return {name: max(float(part[name].max()) for part in outputs) for name in outputs[0]}


def main(model, *photos):
    description = json.loads(pathlib.Path(model).with_suffix(".json").read_text())
    preparation, calibration = description["preparation"], description["calibration"]
    decides, review = calibration["deciding_score"], calibration["review_threshold"]
    threshold = calibration["thresholds"][decides]
    interpreter = Interpreter(model)
    run, batch = interpreter.get_signature_runner(), description["input"]["shape"][0]
    for photo in photos:
        value = score(run, cut(read(photo, preparation["channels"]), preparation), batch)[decides]
        other = "review" if review is not None and value > review else "normal"
        decision = "anomaly" if value > threshold else other
        print(photo, f"{value:.7g}", f"{threshold:.7g}", decision, sep="\t")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
