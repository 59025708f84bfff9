"""A detector in a program of one's own: `tf_ssae.load(...).predict(...)`."""

import csv
import io

import numpy as np
import pytest
from conftest import ROOT, run_python
from PIL import Image

import tf_ssae
from tf_ssae import runs
from tf_ssae.scoring import run as scoring


@pytest.fixture(scope="module")
def photos(tmp_path_factory, digit_images):
    """Six files: five digits, a zero among them, which is the anomaly, and one that is broken."""
    folder = tmp_path_factory.mktemp("photos")
    for i, image in enumerate(digit_images.images[:5]):
        Image.fromarray(image[..., 0]).save(folder / f"{i}.png")
    (folder / "5.png").write_bytes(b"\x89PNG")
    return folder


@pytest.fixture(scope="module")
def model(quick_run):
    return tf_ssae.load(quick_run)


def test_it_says_what_the_table_says(model, quick_run, photos, tmp_path):
    scoring.score(quick_run, photos, tmp_path / "scores.csv")
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for found in (model.predict(sorted(photos.iterdir())), list(model.stream(photos.iterdir()))):
        results = {result.name: result for result in found}
        assert len(results) == len(rows)
        for row in rows:
            result = results[row["path"]]
            expected = (row["decision"], row["why"], row["error"])
            assert (result.decision, result.why, result.error) == expected
            assert result.is_anomaly == (row["decision"] == "anomaly")
            if not result.error:
                assert result.p_value == pytest.approx(float(row["p_value"]))
                for name, score in result.scores.items():
                    assert score == pytest.approx(float(row[name]), rel=1e-3, abs=1e-4)
    assert results[str(photos / "5.png")].scores == {}
    assert results[str(photos / "5.png")].map is None and not results[str(photos / "5.png")].boxes


def test_a_path_its_bytes_and_its_pixels_score_alike(model, photos, digit_images):
    path = photos / "1.png"
    pixels = digit_images.images[1]
    from_path = model.predict(path)
    forms = [str(path), path.read_bytes(), pixels, pixels[..., 0], np.repeat(pixels, 3, axis=2)]
    for image in forms:
        assert model.predict(image).scores == from_path.scores
    assert [result.scores for result in model.predict(forms)] == [
        pytest.approx(from_path.scores, rel=1e-4)
    ] * len(forms)
    assert [result.name for result in model.predict([pixels, path, pixels])] == [
        "image 0", str(path), "image 2",
    ]  # fmt: skip


def test_one_gives_one_and_many_give_a_list(model, digit_images):
    assert model.predict(digit_images.images[0]).scores
    assert len(model.predict(digit_images.images[:1])) == 1
    assert model.predict([]) == []


def test_a_stream_answers_before_it_asks_for_the_next(model, digit_images):
    asked = []

    def camera():
        for i, image in enumerate(digit_images.images):
            asked.append(i)
            yield image

    for i, result in enumerate(model.stream(camera())):
        assert asked == list(range(i + 1)) and result.name == f"image {i}"
        if i == 3:
            break


def test_the_map_has_the_images_own_size_and_boxes_lie_in_it(model, digit_images):
    three = np.concatenate(list(digit_images.images[:3]), axis=1)
    large = np.asarray(Image.fromarray(three[..., 0]).resize((480, 160)))
    result = model.predict(large)
    assert result.map.shape == (160, 480) and result.map.dtype == np.float32
    assert bool(result.boxes) == bool(result.map.max() > 1)
    for x, y, width, height in result.boxes:
        assert result.map[y : y + height, x : x + width].max() > 1


def test_a_turned_photo_is_mapped_upright(model, digit_images):
    wide = Image.fromarray(np.concatenate(list(digit_images.images[:2]), axis=1)[..., 0])
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    wide.save(file, "PNG", exif=exif)
    assert model.predict(file.getvalue()).map.shape == (16, 8)


def test_exports_predict_the_same(digits_run, exported, digit_images):
    image = digit_images.images[7]
    ours = tf_ssae.load(digits_run[0]).predict(image)
    theirs = tf_ssae.load(exported).predict(image)
    assert theirs.scores == pytest.approx(ours.scores, rel=1e-3, abs=1e-4)
    np.testing.assert_allclose(theirs.map, ours.map, rtol=1e-3, atol=1e-4)
    flat = tf_ssae.load(exported / "tflite" / "float32.tflite").predict(image)
    assert flat.decision == ours.decision and flat.map is None and flat.boxes == []


@pytest.mark.parametrize(
    "image, message",
    [
        (np.zeros([20, 20], np.float32), r"An array of float32 \[20, 20\]; expected an image"),
        (np.zeros([20, 20, 4], np.uint8), r"uint8 \[20, 20, 4\]"),
        (np.zeros([4, 20], np.uint8), "20x4 pixels; expected at least 8x8"),
        (np.zeros([10, 800], np.uint8), "more than 16 times as long as wide"),
    ],
)
def test_what_is_no_image_is_refused(model, image, message):
    with pytest.raises(ValueError, match=message):
        model.predict(image)


def test_scores_of_one_are_those_of_the_detector(model, quick_run, digit_images):
    detector = runs.load(quick_run)
    for name, value in detector(digit_images.images[:1]).items():
        found = model.predict(digit_images.images[0]).scores[name]
        assert found == pytest.approx(float(value[0]), rel=1e-4, abs=1e-5)


def test_the_package_loads_a_model_in_a_fresh_process(model, quick_run, photos):
    program = (
        "import sys, tf_ssae\n"
        "result = tf_ssae.load(sys.argv[1]).predict(sys.argv[2])\n"
        "print(result.decision, result.p_value, result.boxes)"
    )
    done = run_python("-c", program, str(quick_run), str(photos / "0.png"), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    decision, p_value, *_ = done.stdout.split()
    expected = model.predict(photos / "0.png")
    assert decision == expected.decision and float(p_value) == expected.p_value
