"""The programs for small devices: they prepare photos of any size as the package does, and decide
alike.
"""

import importlib.util
import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT, run_python
from PIL import Image
from sklearn.datasets import load_sample_images

import tf_ssae
from tf_ssae.calibration import Calibration, Description
from tf_ssae.data.decode import decode
from tf_ssae.data.reader import TileReader
from tf_ssae.export.preparation import preparation

EDGE = ROOT / "examples" / "edge"

# Tile, channels, crop and tile_size; shrunk, enlarged, as it is, cut into overlapping tiles.
HOW = [
    (8, 1, "tiles", 0),
    (32, 3, "tiles", 0),
    (64, 1, "centre", 0),
    (32, 1, "tiles", 45),
    (48, 3, "tiles", 20),
    (33, 3, "tiles", 33),
]


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("edge_score", EDGE / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Real photos of odd sizes, of several kinds of files."""
    folder = tmp_path_factory.mktemp("photos")
    china, flower = map(Image.fromarray, load_sample_images().images)
    turned = Image.Exif()
    turned[0x0112] = 6
    china.crop((0, 0, 201, 133)).save(folder / "long.png")
    flower.crop((100, 50, 231, 257)).save(folder / "tall.jpg", quality=90)
    china.crop((300, 100, 417, 201)).save(folder / "turned.jpg", exif=turned)
    flower.crop((200, 100, 299, 199)).convert("L").save(folder / "grey.png")
    flower.crop((150, 100, 283, 199)).quantize(50).save(folder / "palette.png")
    seen = flower.crop((200, 100, 290, 171))
    seen.putalpha(Image.linear_gradient("L").resize(seen.size))
    seen.save(folder / "alpha.png")
    grey = np.asarray(china.crop((0, 0, 77, 91)).convert("L"), np.uint16)
    Image.fromarray(grey * 257).save(folder / "deep.png")
    return sorted(folder.iterdir())


def described(size, channels, crop, tile_size):
    calibration = Calibration.fit(
        {"a": np.arange(9.0)}, 0.1, deciding_score="a", parts=("a",), reason="", held_out=True,
        rotation_accuracy=None,
    )  # fmt: skip
    return Description((size, size, channels), crop, calibration, size, tile_size)


def enlarged(digit_images):
    """30 digits of odd sizes, each width once."""
    return [
        Image.fromarray(image).resize((17 + i, 17 + i // 2 * 2))
        for i, image in enumerate(digit_images.images[:30, ..., 0])
    ]


def require_same(found, expected):
    """Exact sums often end at half a grey level; computed in another order, they end on either side
    of it. Of the sizes here, one sum in 576 does.
    """
    assert found.shape == expected.shape and found.dtype == np.uint8
    apart = np.abs(found.astype(int) - expected)
    assert apart.max() <= 1 and (apart > 0).mean() < 4e-3


@pytest.mark.parametrize("how", HOW)
def test_python_prepares_photos_as_the_package_does(example, photos, how):
    description = described(*how)
    # As a program reads it.
    told = json.loads(json.dumps(preparation(description)))
    reader = TileReader.of(description)
    for photo in photos:
        found = example.cut(example.read(photo, how[1]), told)
        require_same(found, reader.cut(decode(photo.read_bytes())))


def test_python_decides_as_the_run_does(exported, digits_run, digit_images, photos, tmp_path):
    """Photos, and digits, which are normal but for the zeros, enlarged to odd sizes."""
    for image, name in zip(enlarged(digit_images), digit_images.labels):
        image.save(tmp_path / f"{name}_{image.width}.png")
    paths = [str(path) for path in [*photos, *sorted(tmp_path.iterdir())]]
    model = exported / "tflite" / "float32.tflite"
    done = run_python(str(EDGE / "score.py"), str(model), *paths)
    assert done.returncode == 0, done.stderr
    run = tf_ssae.load(digits_run[0])
    expected, calibration = run.predict(paths), run.calibration
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {row[3] for row in rows} == {"normal", "anomaly"}
    for row, prediction in zip(rows, expected, strict=True):
        path, score, threshold, decision = row
        assert path == prediction.name and decision == prediction.decision
        own = prediction.scores[calibration.deciding_score]
        np.testing.assert_allclose(float(score), own, rtol=5e-3, atol=1e-3)
        assert float(threshold) == pytest.approx(calibration.threshold, rel=1e-6)


def test_python_example_stands_alone(exported, photos, tmp_path):
    """It imports nothing of this package, nor TensorFlow; and fills batches."""
    program = (
        f"import sys; sys.argv = sys.argv[1:]; exec(open({str(EDGE / 'score.py')!r}).read());"
        " assert not {'tf_ssae', 'tensorflow', 'keras'} & set(sys.modules)"
    )
    model = exported / "tflite" / "int8.tflite"
    done = run_python("-c", program, "score.py", str(model), str(photos[0]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


PREPARE = """
#include <cstdio>
#include <cstdlib>
#include <string>
#include "preparation.h"

int main(int, char** given) {
  edge::Image image{std::atoi(given[1]), std::atoi(given[2]), std::atoi(given[3]), {}};
  image.pixels.resize(std::size_t(image.height) * image.width * image.channels);
  if (std::fread(image.pixels.data(), 1, image.pixels.size(), stdin) != image.pixels.size())
    return 1;
  edge::Preparation how{std::atoi(given[4]), std::atoi(given[5]),
                        std::string(given[6]) == "centre", std::atoi(given[7]),
                        std::atoi(given[8])};
  for (const edge::Image& tile : edge::tiles(image, how))
    std::fwrite(tile.pixels.data(), 1, tile.pixels.size(), stdout);
}
"""


@pytest.fixture(scope="module")
def compiler():
    found = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if not found:
        pytest.skip("no C++ compiler")
    return [found, "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{EDGE}"]


@pytest.fixture(scope="module")
def prepare(compiler, tmp_path_factory):
    """A program of examples/edge/preparation.h."""
    folder = tmp_path_factory.mktemp("prepare")
    (folder / "prepare.cpp").write_text(PREPARE)
    flags = ["-O2", "-fsanitize=undefined", "-fno-sanitize-recover", "-D_GLIBCXX_ASSERTIONS"]
    subprocess.run(
        [*compiler, *flags, str(folder / "prepare.cpp"), "-o", str(folder / "prepare")], check=True
    )
    return folder / "prepare"


@pytest.mark.parametrize("how", HOW)
def test_cpp_prepares_pixels_as_the_package_does(prepare, photos, how):
    description = described(*how)
    told, reader = preparation(description), TileReader.of(description)
    for photo in photos:
        pixels = decode(photo.read_bytes())
        expected = reader.cut(pixels)
        numbers = [*pixels.shape, told["channels"], told["resize"]["size"]]
        words = [told["tiles"][name] for name in ("crop", "tile_size", "overlap")]
        done = subprocess.run(
            [str(prepare), *map(str, (*numbers, *words))],
            input=pixels.tobytes(), capture_output=True, check=True,
        )  # fmt: skip
        require_same(np.frombuffer(done.stdout, np.uint8).reshape(expected.shape), expected)


@pytest.fixture(scope="module")
def score(compiler, tmp_path_factory):
    """examples/edge/score.cpp, built as its first lines say."""
    (package,) = importlib.util.find_spec("ai_edge_litert").submodule_search_locations
    library = pathlib.Path(package) / "libLiteRt.so"
    if not library.is_file():
        pytest.skip("ai-edge-litert has its library for Linux alone")
    program = tmp_path_factory.mktemp("score") / "score"
    linked = [str(library), f"-Wl,-rpath,{library.parent}"]
    subprocess.run(
        [*compiler, "-O2", str(EDGE / "score.cpp"), *linked, "-o", str(program)], check=True
    )
    return program


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_cpp_decides_as_the_package_does(score, exported, photos, digit_images, tmp_path, kind):
    model = exported / "tflite" / f"{kind}.tflite"
    described = json.loads(model.with_suffix(".json").read_text())
    told, deciding = described["preparation"], described["calibration"]["deciding_score"]
    threshold = described["calibration"]["thresholds"][deciding]
    words = [told["tiles"][name] for name in ("crop", "tile_size", "overlap")]
    how = [told["channels"], told["resize"]["size"], *words, deciding, threshold]
    digits = [np.asarray(image)[..., np.newaxis] for image in enlarged(digit_images)]
    package = tf_ssae.load(model)
    decisions = set()
    for pixels in [*(decode(photo.read_bytes()) for photo in photos), *digits]:
        plain = tmp_path / "photo.ppm"
        Image.fromarray(pixels.squeeze()).save(plain)
        command = [str(score), str(model), str(plain), *map(str, how)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        path, found, decision = done.stdout.strip().split("\t")
        expected = package.predict(pixels)
        assert path == str(plain) and decision == expected.decision
        np.testing.assert_allclose(float(found), expected.scores[deciding], rtol=5e-3, atol=1e-3)
        decisions.add(decision)
    assert decisions == {"normal", "anomaly"}
    command[4] = str(how[1] + 1)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "tiles of another size" in done.stderr
