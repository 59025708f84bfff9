"""The SavedModel in a process with plain TensorFlow, and requests that it must refuse."""

import io
import os
import pathlib
import re
import site
import struct

import numpy as np
import pytest
import tensorflow as tf
from conftest import run_python
from PIL import Image
from scipy.ndimage import gaussian_filter

from tf_ssae import runs
from tf_ssae.data.decode import decode
from tf_ssae.data.reader import TileReader
from tf_ssae.export import saved_model as export
from tf_ssae.ops import tiles
from tf_ssae.scoring import saved_model

PROGRAM = """
import sys
import numpy as np
import tensorflow as tf

loaded = tf.saved_model.load(sys.argv[1])
score = loaded.signatures["serving_default"]
images = np.load(sys.argv[2])
results = {}
for count in (1, 7, 64):
    for name, value in score(images=tf.constant(images[:count])).items():
        results[f"{name}_{count}"] = value.numpy()
larger = np.kron(images[:5], np.ones((1, 3, 3, 1), np.uint8))
for name, value in score(images=tf.constant(larger)).items():
    results[f"{name}_larger"] = value.numpy()
assert "tf_ssae" not in sys.modules and "keras" not in sys.modules
np.savez(sys.argv[3], **results)
"""


@pytest.fixture(scope="module")
def signatures(exported):
    loaded = tf.saved_model.load(str(exported))
    # The signatures alone don't keep the variables alive.
    yield loaded.signatures


@pytest.fixture(scope="module")
def detector(digits_run):
    return runs.load(digits_run[0])


def png(image):
    return tf.io.encode_png(image).numpy()


def test_plain_tensorflow_scores_the_same_at_any_batch_and_image_size(
    exported, detector, digit_images, tmp_path
):
    packages = tmp_path / "packages"
    packages.mkdir()
    for folder in site.getsitepackages():
        for path in pathlib.Path(folder).iterdir():
            if "keras" not in path.name and "tf_ssae" not in path.name:
                (packages / path.name).symlink_to(path)
    np.save(tmp_path / "images.npy", digit_images.images[:64])
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    done = run_python(
        "-S",
        "-c",
        PROGRAM,
        str(exported),
        "images.npy",
        "scores.npz",
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr

    results = np.load(tmp_path / "scores.npz")
    larger = np.kron(digit_images.images[:5], np.ones((1, 3, 3, 1), np.uint8))
    resized = detector(tiles.cut(tf.constant(larger), 8, "tiles")[:, 0])
    for name, values in detector(digit_images.images[:64]).items():
        for count in (1, 7, 64):
            found = results[f"{name}_{count}"]
            assert found.shape == (count,)
            np.testing.assert_allclose(found, values[:count], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(results[f"{name}_larger"], resized[name], rtol=1e-4, atol=1e-5)


def test_files_score_as_their_pixels_whatever_their_size(signatures, digit_images):
    images = digit_images.images[:3]
    long = np.concatenate(list(images), axis=1)
    expected = {
        name: values.numpy()
        for name, values in signatures["serving_default"](images=tf.constant(images)).items()
    }
    # A colour file for a grey model; an image of three tiles, which scores as the most anomalous
    # of them.
    files = [
        png(images[0]),
        png(np.repeat(images[1], 3, axis=2)),
        png(long),
        png(np.rot90(long).copy()),
    ]
    found = signatures["serving_bytes"](image_bytes=tf.constant(files))
    tiled = signatures["serving_default"](images=tf.constant(long[np.newaxis]))
    for name, values in expected.items():
        np.testing.assert_allclose(
            found[name][:3], [values[0], values[1], values.max()], rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(tiled[name], [values.max()], rtol=1e-4, atol=1e-5)


def test_decide_says_what_is_above_the_threshold(signatures, detector, digit_images):
    found = signatures["decide"](
        image_bytes=tf.constant([png(image) for image in digit_images.images[:200]])
    )
    calibration = detector.calibration
    threshold = calibration.thresholds[calibration.deciding_score]
    expected = found[calibration.deciding_score].numpy() > threshold
    assert set(found) == {*calibration.thresholds, "is_anomaly", "decision", "p_value", "error"}
    assert expected.any() and not expected.all() and not found["error"].numpy().any()
    np.testing.assert_array_equal(found["is_anomaly"], expected)
    p = calibration.p_values({name: found[name].numpy() for name in calibration.thresholds})
    np.testing.assert_allclose(found["p_value"], p, rtol=1e-6)


def test_decide_takes_a_cameras_frames_as_well(signatures, digit_images):
    frames = digit_images.images[:20]
    found = signatures["decide_images"](images=tf.constant(frames))
    of_files = signatures["decide"](image_bytes=tf.constant([png(frame) for frame in frames]))
    assert set(found) == set(of_files)
    for name in ("decision", "is_anomaly", "error"):
        np.testing.assert_array_equal(found[name], of_files[name])
    np.testing.assert_allclose(found["a_ws"], of_files["a_ws"], rtol=1e-4, atol=1e-5)


def test_photos_score_as_they_do_from_files(signatures, exported):
    """The graph's decoder and Pillow's agree: a colour JPEG, which a grey model sees in grey, and a
    16-bit PNG.
    """
    random = np.random.default_rng(0)
    smooth = gaussian_filter(random.uniform(0, 255, (64, 64, 3)), (4, 4, 0))
    smooth = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)
    photo, deep = io.BytesIO(), io.BytesIO()
    Image.fromarray(smooth).save(photo, "JPEG", quality=80)
    Image.fromarray(random.integers(0, 65536, (8, 8), dtype=np.uint16)).save(deep, "PNG")
    score, reader = saved_model.load(exported)[0], TileReader((8, 8, 1), "tiles")
    for data in (photo.getvalue(), deep.getvalue()):
        expected = score(reader.cut(decode(data)))
        found = signatures["serving_bytes"](image_bytes=tf.constant([data]))
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-4, atol=1e-5)


def test_explain_says_what_the_detector_says(signatures, detector, digit_images):
    images = digit_images.images[:5]
    found, expected = signatures["explain"](images=tf.constant(images)), detector.explain(images)
    assert set(found) == {
        "a_rec",
        "a_cls",
        "a_ws",
        "a_max",
        "reconstruction",
        "squared_error",
        "rotation_probabilities",
    }
    np.testing.assert_allclose(found["reconstruction"][:, 0], expected["reconstruction"], atol=1e-5)
    np.testing.assert_allclose(
        tf.reduce_sum(found["squared_error"], [1, 2, 3, 4]), expected["a_rec"], rtol=1e-4
    )
    assert found["rotation_probabilities"].shape == (5, 1, 4)
    np.testing.assert_allclose(
        -tf.reduce_mean(found["rotation_probabilities"], [1, 2]), expected["a_cls"], rtol=1e-4
    )


def _png_header(width, height):
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II5B", width, height, 8, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "signature, request_, message",
    [
        (
            "serving_default",
            {"images": np.zeros([0, 8, 8, 1], np.uint8)},
            "images: the batch is empty",
        ),
        (
            "serving_default",
            {"images": np.zeros([1, 8, 8, 3], np.uint8)},
            "images: wrong channel count; expected 1",
        ),
        (
            "serving_default",
            {"images": np.zeros([1, 0, 8, 1], np.uint8)},
            "images: expected sides of at least 8.*0.*8",
        ),
        (
            "explain",
            {"images": np.zeros([1, 8, 129, 1], np.uint8)},
            "images: expected .*at most 16 times the other",
        ),
        (
            "explain",
            {"images": np.zeros([2, 8, 8, 2], np.uint8)},
            "images: wrong channel count; expected 1",
        ),
        ("serving_bytes", {"image_bytes": np.zeros([0], "S1")}, "image_bytes: the batch is empty"),
        ("decide", {"image_bytes": np.zeros([0], "S1")}, "image_bytes: the batch is empty"),
    ],
)
def test_the_answer_to_a_bad_request_says_what_is_wrong(signatures, signature, request_, message):
    dtype = tf.string if "image_bytes" in request_ else tf.uint8
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"(?s){message}"):
        signatures[signature](
            **{name: tf.constant(value, dtype) for name, value in request_.items()}
        )


def _jpeg(scans=1):
    file = io.BytesIO()
    Image.fromarray(np.arange(4096, dtype=np.uint8).reshape(64, 64)).save(file, "JPEG")
    return file.getvalue() + b"\xff\xda" * (scans - 1)


# Headers alone, where sides are refused: before anything of their size is decoded.
UNUSABLE = [
    ("an empty file", b""),
    ("neither PNG nor JPEG", b"GIF89a"),
    ("65500x9 pixels; expected sides of at least 8 pixels, one at", _png_header(65_500, 9)),
    ("20000x19999 pixels; .*at most largest_image=100 megapixels", _png_header(20_000, 19_999)),
    ("damaged: its bytes cannot hold its pixels", _png_header(9_000, 9_000)),
    ("damaged: it cannot be decoded", _png_header(20, 20)[:18]),
    ("damaged: it cannot be decoded", _jpeg()[:400]),
    ("damaged: it cannot be decoded", b"\xff\xd8\xff" + bytes(100)),
    ("more than most_scans=64 scans", _jpeg(scans=70)),
]


def test_a_broken_file_fails_no_other_and_its_reason_is_said(signatures, digit_images):
    good = [png(image) for image in digit_images.images[:3]]
    batch = [good[0], *(file for _, file in UNUSABLE), *good[1:]]
    alone = signatures["decide"](image_bytes=tf.constant(good))
    fine = np.array([0, len(batch) - 2, len(batch) - 1])
    for signature in ("serving_bytes", "decide"):
        found = {
            name: value.numpy()
            for name, value in signatures[signature](image_bytes=tf.constant(batch)).items()
        }
        assert [error.decode() for error in found["error"][fine]] == ["", "", ""]
        for (expected, _), error in zip(UNUSABLE, found["error"][1:-2], strict=True):
            assert re.match(expected, error.decode()), error
        for name, values in found.items():
            if values.dtype == np.float32:
                assert np.isnan(values[1:-2]).all(), name
                np.testing.assert_allclose(values[fine], alone[name], rtol=1e-4, atol=1e-5)
    assert found["decision"].tolist()[1:-2] == [b"unreadable"] * len(UNUSABLE)
    np.testing.assert_array_equal(found["decision"][fine], alone["decision"])
    # A batch of nothing else.
    found = signatures["decide"](image_bytes=tf.constant([b"", b"text"]))
    assert found["decision"].numpy().tolist() == [b"unreadable"] * 2
    assert np.isnan(found["p_value"]).all() and not found["is_anomaly"].numpy().any()


def test_scores_that_are_not_numbers_are_an_error(digits_run, digit_images, tmp_path):
    detector = runs.load(digits_run[0])
    detector.classifier.set_weights([np.nan * w for w in detector.classifier.get_weights()])
    export.write(detector, tmp_path)
    decide = tf.saved_model.load(str(tmp_path)).signatures["decide_images"]
    found = decide(images=tf.constant(digit_images.images[:2]))
    assert found["decision"].numpy().tolist() == [b"unreadable"] * 2
    assert found["error"].numpy().tolist() == [b"its scores are not numbers"] * 2
