"""What is stored beside a model, tampered with: refused, or what it says is true."""

import copy
import json
import pathlib
import random

import numpy as np
import pytest

from tf_ssae.calibration import Calibration, Description
from tf_ssae.scoring import description_file

MODEL = pathlib.Path("model.tflite")
NAMES = ("a_rec", "a_cls", "a_ws")
WRONG = (
    None, True, False, "", "a_ws", "many", [], {}, [[]], {"a": {}}, -1, 0, 1, 2**70, 30000, 0.5,
    -1.5, float("nan"), float("inf"), [30000, 30000, 3], ["a_ws"], [True], ["1.0"],
)  # fmt: skip


@pytest.fixture
def description():
    scores = {name: np.linspace(0, 1, 99) for name in NAMES}
    calibration = Calibration.fit(
        scores, 0.01, map_peaks=np.linspace(0, 2, 99), deciding_score="a_ws",
        parts=("a_rec", "a_cls"), reason="it decides.", held_out=True, rotation_accuracy=0.9,
    )  # fmt: skip
    return Description((8, 8, 1), "tiles", calibration, 32)


@pytest.fixture
def path(description, tmp_path):
    path = tmp_path / "detector.json"
    description_file.write(path, description, "ab", class_names=("good", "scratch"))
    return path


def places(values):
    """Every place in JSON values, as a function that sets it in a copy."""
    items = values.items() if isinstance(values, dict) else enumerate(values[:3])
    for key, value in items:
        yield (key,)
        if isinstance(value, (dict, list)):
            yield from ((key, *rest) for rest in places(value))


def changed(values, place, value):
    values = copy.deepcopy(values)
    inner = values
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return values


def test_what_was_written_is_read(path, description):
    assert description_file.read(path, MODEL, "ab") == description
    # Laid out otherwise, it says the same.
    path.write_text(json.dumps(json.loads(path.read_text()), indent=None, sort_keys=True))
    assert description_file.read(path, MODEL, "ab") == description


def test_every_change_of_a_value_is_noticed(path):
    values = json.loads(path.read_text())
    changes = [(place, wrong) for place in places(values) for wrong in WRONG]
    assert len(changes) > 500
    for place, wrong in changes:
        other = changed(values, place, wrong)
        if other == values and repr(other) == repr(values):
            continue
        # Without this one, the file is as earlier versions wrote it.
        if place == ("description_sha256",) and wrong is None:
            continue
        path.write_text(json.dumps(other))
        with pytest.raises(ValueError, match="detector.json (does not|was changed)"):
            description_file.read(path, MODEL, "ab")


def test_a_change_sealed_anew_is_refused_or_means_what_it_says(path):
    values = json.loads(path.read_text())
    del values["description_sha256"]
    accepted = 0
    for place in places(values):
        for wrong in WRONG:
            path.write_text(json.dumps(changed(values, place, wrong)))
            try:
                found = description_file.read(path, MODEL, "ab")
            except ValueError:
                continue
            accepted += 1
            calibration = found.calibration
            assert np.isfinite(calibration.threshold) and found.image_shape[0] <= 4096
            assert type(calibration.threshold) is not bool and found.at_once > 0
            decided = calibration.is_anomaly({name: np.zeros(2) for name in NAMES})
            assert decided.dtype == bool and calibration.guarantee_in_words
    # Other class names, a threshold of 0.5 ...
    assert accepted


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b'"text"', b"[" * 100_000,
        b'{"image_shape": ' + b"9" * 5000 + b"}", b"\0" * 4096,
        b'{"image_shape": [8, 8, 1], "crop": "tiles", "calibration": [], "sha256": []}',
    ],
)  # fmt: skip
def test_what_is_no_description_is_a_value_error(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="detector.json does not (describe a model|belong to)"):
        description_file.read(path, MODEL, "ab")


def test_held_out_scores_are_in_a_file_of_their_own(path, description):
    beside = path.with_name("detector.held_out.json")
    scores = json.loads(beside.read_text())
    assert set(scores) == set(NAMES) and "scores" not in json.loads(path.read_text())["calibration"]
    np.testing.assert_array_equal(scores["a_ws"], description.calibration.scores["a_ws"])
    beside.write_text(json.dumps({**scores, "a_ws": scores["a_ws"][:-1]}))
    with pytest.raises(ValueError, match="detector.held_out.json beside it is of another model"):
        description_file.read(path, MODEL, "ab")
    beside.write_text("[1, 2")
    with pytest.raises(ValueError, match="detector.held_out.json does not hold scores"):
        description_file.read(path, MODEL, "ab")
    beside.unlink()
    with pytest.raises(FileNotFoundError, match="held_out.json is missing: it holds the scores"):
        description_file.read(path, MODEL, "ab")


def test_random_bytes_in_it_raise_nothing_else(path, description):
    whole, chance = path.read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(bytes(damaged[: chance.choice([len(damaged), chance.randrange(2000)])]))
        try:
            found = description_file.read(path, MODEL, "ab")
        except ValueError:
            continue
        # The name of the hash may have been hit, nothing else.
        assert found == description


def test_a_description_of_another_model(path):
    with pytest.raises(ValueError, match="does not belong to .*model.tflite: it holds"):
        description_file.read(path, MODEL, "cd")


def test_descriptions_of_earlier_versions_are_read(path, description):
    values = json.loads(path.read_text())
    # They held the scores themselves.
    beside = path.with_name("detector.held_out.json")
    values["calibration"]["scores"] = json.loads(beside.read_text())
    beside.unlink()
    del values["description_sha256"], values["image_size"], values["held_out_scores_sha256"]
    path.write_text(json.dumps(values))
    assert description_file.read(path, MODEL, "ab").calibration == description.calibration
    # That of a SavedModel named no hash, that of a .tflite file did.
    del values["sha256"]
    path.write_text(json.dumps(values))
    assert description_file.read(path, MODEL, "ab", required=False).image_shape == (8, 8, 1)
    with pytest.raises(ValueError, match="does not belong"):
        description_file.read(path, MODEL, "ab")
