"""A finished run calibrated again, on other good images, with and without known defects."""

import json
import shutil

import numpy as np
import pytest
from conftest import QUICK_FLAGS, run_command
from PIL import Image

import tf_ssae
from tf_ssae import runs
from tf_ssae.calibration import operating_points
from tf_ssae.cli import calibrate as cli
from tf_ssae.data import protocols
from tf_ssae.detectors.registry import preset
from tf_ssae.runs import calibrations, training_images
from tf_ssae.training.recalibrate import recalibrate
from tf_ssae.training.wish import Wish


@pytest.fixture
def run(quick_run, tmp_path):
    """A finished run, to be changed."""
    return shutil.copytree(quick_run, tmp_path / "run", ignore=shutil.ignore_patterns("logs"))


@pytest.fixture(scope="module")
def split(digit_images, quick_run):
    return protocols.split(digit_images, runs.run_folder.read_config(quick_run))


@pytest.fixture(scope="module")
def folders(tmp_path_factory, split):
    """Good images that never trained, copies of three that did, and zeros, which are anomalies."""
    root = tmp_path_factory.mktemp("images")

    def write(name, images):
        (root / name).mkdir()
        for i, image in enumerate(images):
            Image.fromarray(image[..., 0]).save(root / name / f"{i:03}.png")
        return root / name

    good = split.test.of(~split.test.is_anomaly).images
    write("goods", good[:150])
    mixed = write("mixed", good[:120])
    trained = split.train.images
    Image.fromarray(trained[0, ..., 0]).save(mixed / "trained.bmp")
    Image.fromarray(np.repeat(trained[1], 3, axis=2)).save(mixed / "trained in colour.png")
    shutil.copy(mixed / "007.png", mixed / "twice.png")
    (mixed / "zero.png").write_bytes(b"")
    write("dark", good[:120] // 2)
    write("defects", split.test.of(split.test.is_anomaly).images[:10])
    write("trained", trained[:3])
    return root


def test_the_threshold_is_that_of_the_new_images(run, folders, digit_images):
    before = runs.load(run).calibration
    done = recalibrate(run, folders / "goods", Wish(target_fpr=0.05, review_fpr=0.2))
    detector = runs.load(run)
    found = detector.calibration
    assert found == done.version.calibration and done.before == before
    assert found.images == 150 and found.held_out and found.target_fpr == 0.05
    images = np.stack(
        [np.array(Image.open(path)) for path in sorted((folders / "goods").iterdir())]
    )
    scores = detector(images[..., np.newaxis])[found.deciding_score].numpy()
    # 5% of 151 are 7, 20% are 30.
    assert found.threshold == pytest.approx(np.sort(scores)[-7], rel=1e-5)
    assert found.review_threshold == pytest.approx(np.sort(scores)[-30], rel=1e-5)
    results = tf_ssae.load(run).predict(images[..., np.newaxis])
    decisions = [result.decision for result in results]
    assert abs(decisions.count("anomaly") - 6) <= 1 and abs(decisions.count("review") - 23) <= 2


def test_copies_of_training_images_are_refused_and_named(run, folders):
    done = recalibrate(run, folders / "mixed")
    left_out = {name.rsplit("/")[-1]: reason for name, reason in done.left_out}
    assert left_out == {
        "trained.bmp": "a copy of a training image",
        "trained in colour.png": "a copy of a training image",
        "twice.png": "a second copy of an image beside it",
        "zero.png": "an empty file",
    }
    assert done.version.calibration.images == 120
    with pytest.raises(ValueError, match="None of the 3 images .* a copy of a training image"):
        recalibrate(run, folders / "trained")
    assert calibrations.numbers(run) == [0, 1]


def test_a_run_of_an_earlier_version_says_that_it_cannot_tell_copies(run, folders):
    (run / training_images.FILE).unlink()
    (reason,) = [why for name, why in recalibrate(run, folders / "goods").left_out if not name]
    assert "make sure that there are none" in reason


def test_versions_are_kept_and_one_can_go_back(run, folders):
    trained = runs.load(run).calibration
    first = recalibrate(run, folders / "goods").version
    second = recalibrate(run, folders / "dark").version
    assert (first.number, second.number) == (1, 2) and first.fingerprint != second.fingerprint
    assert runs.load(run).calibration == second.calibration != first.calibration
    for number, expected in ((1, first.calibration), (0, trained), (2, second.calibration)):
        calibrations.go_to(run, number)
        assert runs.load(run).calibration == expected
    with pytest.raises(ValueError, match="--to=3: .* has calibrations 0, 1, 2"):
        calibrations.go_to(run, 3)


def test_a_corrupt_version_is_refused_by_name_and_the_one_before_it_works(run, folders):
    first = recalibrate(run, folders / "goods").version
    recalibrate(run, folders / "dark")
    path = run / "calibrations" / "2.json"
    content = path.read_text()
    digit = content.index('"threshold') + content[content.index('"threshold') :].index(".") + 1
    changed = content[:digit] + str((int(content[digit]) + 1) % 10) + content[digit + 1 :]
    for broken in (changed, content[:200], ""):
        path.write_text(broken)
        with pytest.raises(ValueError, match=r"2\.json is corrupt.* --to=1"):
            runs.load(run)
        with pytest.raises(ValueError, match="2.json is corrupt"):
            calibrations.go_to(run, 2)
    calibrations.go_to(run, 1)
    assert runs.load(run).calibration == first.calibration


def test_drift_from_the_images_before_is_said_and_repaired(run, folders):
    assert recalibrate(run, folders / "goods").drift == ""
    done = recalibrate(run, folders / "dark")
    assert done.drift.startswith("Drift: these images do not score as those")
    assert recalibrate(run, folders / "dark").drift == ""


def test_known_defects_choose_and_the_choice_is_said_everywhere(run, folders, tmp_path):
    wish = Wish(known_defects=folders / "defects", choose="zero_miss")
    done = recalibrate(run, folders / "goods", wish)
    calibration = done.version.calibration
    model = tf_ssae.load(run)
    found = model.predict(sorted((folders / "defects").iterdir()))
    assert all(result.is_anomaly for result in found)
    assert done.points[0].detections.count == 10 and done.points[-1].detections.count == 0
    assert "chosen by zero_miss with 10 known defects" in calibration.guarantee_in_words
    assert calibration.guarantee is None and calibration.guarantee_holds
    stored = json.loads((run / "calibrations" / "1.json").read_text())
    assert len(stored["facts"]["operating_points"]) == len(done.points)


def test_a_model_in_a_program_calibrates_and_decides_by_it(run, folders):
    model = tf_ssae.load(run)
    done = model.calibrate(folders / "goods", threshold=-1e6)
    assert done.version.calibration == model.calibration == runs.load(run).calibration
    assert model.predict(folders / "goods" / "000.png").is_anomaly


def test_a_threshold_by_hand_is_said_to_promise_nothing(run, folders):
    calibration = recalibrate(run, folders / "goods", Wish(threshold=0.5)).version.calibration
    assert calibration.threshold == 0.5 and not calibration.guarantee_holds
    assert "set by hand and promises nothing" in calibration.guarantee_in_words


@pytest.mark.parametrize(
    "wish, message",
    [
        (dict(target_fpr=0.1, threshold=1.0), "target_fpr and threshold: expected one of them"),
        (dict(choose="zero_miss"), "needs known_defects"),
        (dict(choose="best", known_defects="x"), "expected one of zero_miss"),
        (dict(target_fpr=1.5), "target_fpr=1.5: expected between 0 and 1"),
        (dict(cost_miss=0.0), "expected more than 0"),
    ],
)
def test_wishes_that_contradict_each_other(wish, message):
    with pytest.raises(ValueError, match=message):
        Wish(**wish)


def test_the_command_says_what_it_did(run, folders):
    flags = [f"--model_dir={run}", f"--images={folders / 'mixed'}", "--target_fpr=0.02"]
    done = run_command(
        "tf_ssae/cli/main.py", "calibrate", *flags, f"--known_defects={folders / 'defects'}"
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "trained.bmp: a copy of a training image." in done.stdout
    assert "10 of 10, 100.0% (69.2% to 100.0%)" in done.stdout
    assert "Calibration 1, from 120 images" in done.stdout
    done = run_command("tf_ssae/cli/main.py", "calibrate", f"--model_dir={run}", "--to=0")
    assert done.returncode == 0 and done.stderr == "" and calibrations.current(run) == 0


def test_a_training_ends_with_the_calibration_of_another_folder(folders, tmp_path):
    done = run_command(
        "train.py",
        *QUICK_FLAGS,
        "--detector=rotation",
        "--epochs=1",
        f"--model_dir={tmp_path / 'run'}",
        "--calibration_share=0",
        f"--calibration_dir={folders / 'goods'}",
    )
    assert done.returncode == 0 and "Calibration 1, from 150 images" in done.stdout, done.stderr
    found = runs.load(tmp_path / "run").calibration
    assert found.held_out and found.images == 150 and found.guarantee_holds


def test_the_flags_choices_are_the_choices():
    assert cli._FLAGS["choose"].parser.enum_values == list(operating_points.CHOICES)


def test_a_review_band_needs_more_than_the_threshold():
    with pytest.raises(ValueError, match="review_fpr=0.01: expected 0, or more than target_fpr"):
        preset("digits", review_fpr=0.01)


def test_damaged_files_calibrate_only_if_they_are_accepted(run, folders, tmp_path):
    mixed = shutil.copytree(folders / "goods", tmp_path / "mixed")
    with Image.open(mixed / "000.png") as image:
        image.resize((64, 64)).save(mixed / "cut.jpg", quality=95)
    data = (mixed / "cut.jpg").read_bytes()
    (mixed / "cut.jpg").write_bytes(data[: len(data) * 2 // 3])
    name, damage = str(mixed / "cut.jpg"), "Premature end of JPEG file"
    done = recalibrate(run, mixed)
    assert done.left_out == [(name, f"damaged: {damage}")] and done.repaired == ""
    done = recalibrate(run, mixed, accept_damaged=True)
    assert done.left_out == [] and done.version.calibration.images == 151
    assert "WARNING: 1 damaged files were read as their decoder repairs them" in cli.said(done)
    assert done.version.facts["repaired"] == [(name, damage)]
