"""Photos of 24 megapixels of made-up brushed metal, some with a scratch of 60 pixels in it: whether
it is found and where, how long a photo takes, and memory over many of them.

    python benchmarks/large_photo.py --work=FOLDER

16 good photos, four of them held out, in tiles of 480 of their own pixels.
"""

import json
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
from absl import app, flags
from PIL import Image, ImageDraw
from scipy import ndimage

_WORK = flags.DEFINE_string("work", None, "A folder for photos, run and tables.", required=True)
_MANY = flags.DEFINE_integer("many", 200, "Photos over which memory is watched.", lower_bound=20)

_WIDTH, _HEIGHT = 6000, 4000
_TRAIN, _SCRATCHED, _GOOD = 16, 8, 8
_PROGRAM = "import sys; from tf_ssae.cli.main import main; sys.exit(main(sys.argv[1:]))"


def good(random):
    """Grooves along the photo, grain, and light that falls off to a side, uint8 `[4000, 6000]`."""

    def noise(*blur):
        field = random.standard_normal([_HEIGHT, _WIDTH], np.float32)
        field = ndimage.gaussian_filter(field, blur)
        return field / field.std()

    turn, light = random.uniform(0, 2 * np.pi), random.normal(1.0, 0.05)
    down, across = np.mgrid[-1 : 1 : _HEIGHT * 1j, -1 : 1 : _WIDTH * 1j].astype(np.float32)
    slope = 1 + 0.1 * (np.cos(turn) * across + np.sin(turn) * down)
    metal = 135 + 14 * noise(0.8, 60) + 6 * noise(1.5, 8) + 4 * noise(0.6, 0.6)
    return (light * slope * metal).round().clip(0, 255).astype(np.uint8)


def scratched(random):
    """A photo with a scratch, 60 pixels long and 5 wide, and its box `(x0, y0, x1, y1)`."""
    image = Image.fromarray(good(random))
    middle, angle = (
        random.uniform([100, 100], [_WIDTH - 100, _HEIGHT - 100]),
        random.uniform(0, np.pi),
    )
    half = 30 * np.array([np.cos(angle), np.sin(angle)])
    line = Image.new("L", image.size)
    ImageDraw.Draw(line).line([*(middle - half), *(middle + half)], 255, 5)
    image.paste(215, mask=line.point(lambda value: value * 6 // 10))
    return image, line.getbbox()


def photos(work):
    """Writes the photos once, JPEG as a camera does; returns the boxes of the scratches."""
    boxes = work / "boxes.json"
    if not boxes.exists():
        for name in ("train", "good", "scratched"):
            (work / name).mkdir(parents=True, exist_ok=True)
        found = {}
        for i in range(_TRAIN + _GOOD + _SCRATCHED):
            random = np.random.default_rng([0, i])
            if i < _TRAIN + _GOOD:
                folder, image = "train" if i < _TRAIN else "good", Image.fromarray(good(random))
            else:
                folder, (image, box) = "scratched", scratched(random)
                found[f"{i:02}.jpg"] = box
            image.save(work / folder / f"{i:02}.jpg", quality=95)
        boxes.write_text(json.dumps(found))
    return json.loads(boxes.read_text())


def run(verb, **given):
    """Runs a command; returns its seconds and its resident memory each second, in MB."""
    arguments = [f"--{name}={value}" for name, value in given.items()]
    start, memory = time.perf_counter(), []
    with subprocess.Popen([sys.executable, "-c", _PROGRAM, verb, *arguments]) as process:
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            resident = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
            # Nothing while it ends.
            memory.append(int(resident[1]) / 1000 if resident else 0.0)
            time.sleep(1)
    if process.returncode:
        sys.exit(f"tf-ssae {verb} failed.")
    return time.perf_counter() - start, memory


def main(argv):
    work = pathlib.Path(_WORK.value)
    boxes = photos(work)
    model = work / "run"
    if not model.exists():
        settings = dict(dataset="folder", data_dir=work / "train", tile_size=480, steps=600)
        seconds, memory = run(
            "train", **settings, target_fpr=0.2, calibration_share=0.25, model_dir=model
        )
        print(f"training: {seconds:,.0f} s, at most {max(memory):,.0f} MB")

    for name in ("good", "scratched"):
        table = work / f"{name}.jsonl"
        seconds, memory = run("score", model_dir=model, images=work / name, output=table)
        found = [json.loads(line) for line in table.read_text().splitlines()]
        called = sum(row["decision"] == "anomaly" for row in found)
        print(
            f"{name}: {called} of {len(found)} are anomalies; {seconds / len(found):.1f} s a photo,"
            f" start-up in it; at most {max(memory):,.0f} MB"
        )
        for row in found if name == "scratched" else ():
            box = np.array(boxes[pathlib.Path(row["path"]).name])
            off = [
                np.abs(np.array([x, y, x + width, y + height]) - box).max()
                for x, y, width, height in (region["box"] for region in row["regions"])
            ]
            print(
                f"    scratch {box.tolist()}: {row['decision']},"
                + (f" nearest region off by {min(off)} pixels of" if off else "")
                + f" {len(off)} regions"
            )

    # The same photos under many names.
    many = work / "many"
    many.mkdir(exist_ok=True)
    for i in range(_MANY.value):
        source = work / ("scratched" if i % 2 else "good")
        files = sorted(source.iterdir())
        (many / f"{i:04}.jpg").unlink(missing_ok=True)
        (many / f"{i:04}.jpg").hardlink_to(files[i // 2 % len(files)])
    seconds, memory = run("score", model_dir=model, images=many, output=work / "many.jsonl")
    tenth = len(memory) // 10
    print(
        f"{_MANY.value} photos: {seconds / _MANY.value:.1f} s a photo; at most"
        f" {max(memory[tenth : 2 * tenth]):,.0f} MB in the second tenth of the time,"
        f" {max(memory[-tenth:]):,.0f} MB in the last"
    )


if __name__ == "__main__":
    app.run(main)
