"""Exports against the trained model, by hand."""

import numpy as np
import pytest

from tf_ssae.calibration import Calibration
from tf_ssae.export import parity
from tf_ssae.export.parity_table import table

# Of scores that one grey level does not change.
FIRM = {
    "a": {
        "largest_relative_difference": 0.0,
        "spearman": 1.0,
        "decisions_flipped": 0.0,
        "average_precision": 1.0,
        "average_precision_of_the_model": 1.0,
    }
}


def violations(kind, comparison, is_anomaly, noise=FIRM):
    return parity.violations(kind, comparison, noise, "a", is_anomaly)


def of_four():
    """A Parity of four images, the second and the last of them anomalies."""
    scores = {"a": np.arange(4.0)}
    calibration = Calibration.fit(
        scores, 0.5, deciding_score="a", parts=("a",), reason="", held_out=True,
        rotation_accuracy=None,
    )  # fmt: skip
    truth = np.array([False, True, False, True])
    return parity.Parity("parts", scores, scores, calibration, truth)


def test_compare_by_hand():
    truth = np.array([False, False, True, True])
    model, file = np.array([0.0, 1.0, 2.0, 4.0]), np.array([0.0, 2.5, 2.0, 4.0])
    row = parity.compare({"a": model}, {"a": file}, {"a": 1.5}, {"a": 2.2}, truth)["a"]
    assert row["largest_difference"] == 1.5 and row["largest_relative_difference"] == 1.5 / 4
    # The file ranks a normal image above an anomaly: precision 1 at the first anomaly, 2/3 at the
    # second.
    assert row["average_precision_of_the_model"] == 1 and row["average_precision"] == pytest.approx(
        5 / 6
    )
    assert (
        row["auroc"] == 0.75
        and row["decisions_flipped"] == 0.5
        and row["spearman"] == pytest.approx(0.8)
    )
    decided = "output a, which decides: 50.00% of the decisions differ; the tolerance is 25.00%."
    assert violations("float16", {"a": row}, truth) == [
        decided,
        "output a: Spearman's correlation 0.8000; expected at least 0.999.",
        "output a: scores differ by up to 0.38 of the largest; the tolerance is 0.01.",
    ]
    # Were b to decide, its ranks would not be looked at.
    firm = {"b": FIRM["a"], "a": FIRM["a"]}
    assert parity.violations("float16", {"b": FIRM["a"], "a": row}, firm, "b", truth) == [
        "output a: scores differ by up to 0.38 of the largest; the tolerance is 0.01."
    ]
    # An int8 file is judged by the score that decides.
    assert parity.violations("int8", {"b": FIRM["a"], "a": row}, firm, "b", truth) == []
    row["decisions_flipped"] = 0.0
    # As if of many images; of four, two that change places say nothing, and the scores are looked
    # at.
    many = np.repeat(truth, 50)
    assert violations("int8", {"a": row}, many) == [
        "output a: average precision falls by 0.1667; the tolerance is 0.01."
    ]
    assert violations("int8", {"a": row}, truth) == [
        "output a: scores differ by up to 0.38 of the largest; the tolerance is 0.1."
    ]
    assert violations("int8", {"a": {**row, "largest_relative_difference": 0.05}}, truth) == []


def test_a_file_may_differ_as_much_as_one_grey_level_makes_the_model_differ():
    """Rotation is told in 100%: a score spans 9e-5, and its last bits are magnified."""
    chance, truth = np.random.default_rng(0), np.repeat([False, True], 100)
    model = chance.uniform(0, 1, 200)
    file, other = (model + chance.uniform(-size, size, 200) for size in (5e-4, 2e-3))
    thresholds = {"a": 0.95}
    row = parity.compare({"a": model}, {"a": file}, thresholds, thresholds, truth)
    noise = parity.compare({"a": model}, {"a": other}, thresholds, thresholds, truth)
    (sentence,) = violations("saved_model", row, truth)
    assert "scores differ by up to 0.0005 of the largest; the tolerance is 0.0001" in sentence
    assert violations("saved_model", row, truth, noise) == []
    # What differs more than that is still out of tolerance.
    worse = parity.compare({"a": model}, {"a": other + 0.1}, thresholds, thresholds, truth)
    assert len(violations("saved_model", worse, truth, noise)) == 2
    # So is a file whose scores are all the same.
    dead = parity.compare({"a": model}, {"a": 0 * model}, thresholds, thresholds, truth)
    assert any("all the same" in said for said in violations("float16", dead, truth, noise))


def test_nudged_images_differ_by_at_most_one_grey_level():
    images = np.repeat(np.array([0, 1, 128, 255], np.uint8), 300).reshape(4, 10, 10, 3)
    found = parity.nudged(images)
    steps = np.unique(found[1:3].astype(int) - images[1:3])
    assert found.dtype == np.uint8 and steps.tolist() == [-1, 0, 1]
    assert found[0].max() == 1 and found[3].min() == 254
    np.testing.assert_array_equal(found, parity.nudged(images))


def test_images_of_one_kind_are_compared_by_their_ranks():
    scores = {"a": np.arange(50.0)}
    swapped = {"a": np.random.default_rng(0).permutation(50).astype(float)}
    normal = np.zeros(50, bool)
    row = parity.compare(scores, swapped, {"a": 60.0}, {"a": 60.0}, normal)
    assert "average_precision" not in row["a"]
    (sentence,) = violations("int8", row, normal)
    assert "Spearman's correlation" in sentence
    assert not violations(
        "int8", parity.compare(scores, scores, {"a": 60.0}, {"a": 60.0}, normal), normal
    )
    dead = parity.compare(scores, {"a": np.full(50, 3.0)}, {"a": 60.0}, {"a": 60.0}, normal)
    assert dead["a"]["spearman"] is None
    (sentence,) = violations("int8", dead, normal)
    assert "none: the scores are all the same" in sentence


def test_scores_that_are_nan_are_out_of_tolerance():
    compared = of_four()
    compared.add("float32", {"a": np.array([0, np.nan, 2, 3])}, {"a": 1.0}, 1, {})
    assert compared.violations == ["float32, output a: scores that are NaN or infinite."]
    assert compared.values["files"] == {} and "4 test images" in table(compared.values)


def test_decisions_are_reported_first_with_their_limit():
    compared = of_four()
    # Of four, one always may differ; this file, with a threshold of its own, differs in two.
    compared.add("int8", {"a": np.arange(4.0)}, {"a": -0.5}, 1, {})
    (entry,) = compared.values["files"].values()
    assert entry["decisions"] == {"differ": 0.75, "limit": 0.25}
    assert compared.violations == [
        "int8, output a, which decides: 75.00% of the decisions differ; the tolerance is 25.00%."
    ]
    speed = {"latency_ms": 1.0, "latency_p99_ms": 1.0, "images_per_second": {"1": 1.0}}
    compared.values["files"]["int8"] |= speed
    first = table(compared.values).splitlines()[2:4]
    assert first[0].split() == "file decisions that differ limit (a decides)".split()
    assert first[1].split() == ["int8", "75.00%", "25.00%"]


def test_another_output_of_the_saved_model_is_in_tolerance_too():
    compared = of_four()
    compared.require("decide", {"a": np.arange(4.0)})
    assert compared.violations == []
    compared.require("decide", {"a": np.array([0, 1, 2, 3.1])})
    compared.require("decide", {"a": np.array([0, np.nan, 2, 3])})
    assert compared.violations == [
        (
            "decide of saved_model, output a: scores differ by up to 0.033 of the largest;"
            " the tolerance is 0.0001."
        ),
        "decide of saved_model, output a: scores that are NaN or infinite.",
    ]
