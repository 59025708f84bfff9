"""Exports against the trained model, by hand."""

import numpy as np
import pytest

from tf_ssae.export import parity


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
    assert parity.violations("float16", {"a": row}, truth) == [
        "output a: scores differ by up to 0.38 of the largest; the tolerance is 0.01."
    ]
    # As if of many images; of four, two that change places say nothing, and the scores are looked
    # at.
    many = np.repeat(truth, 50)
    assert parity.violations("int8", {"a": row}, many) == [
        "output a: average precision falls by 0.1667; the tolerance is 0.01."
    ]
    assert parity.violations("int8", {"a": row}, truth) == [
        "output a: scores differ by up to 0.38 of the largest; the tolerance is 0.1."
    ]
    assert (
        parity.violations("int8", {"a": {**row, "largest_relative_difference": 0.05}}, truth) == []
    )


def test_images_of_one_kind_are_compared_by_their_ranks():
    scores = {"a": np.arange(50.0)}
    swapped = {"a": np.random.default_rng(0).permutation(50).astype(float)}
    normal = np.zeros(50, bool)
    row = parity.compare(scores, swapped, {"a": 60.0}, {"a": 60.0}, normal)
    assert "average_precision" not in row["a"]
    (sentence,) = parity.violations("int8", row, normal)
    assert "Spearman's correlation" in sentence
    assert not parity.violations(
        "int8", parity.compare(scores, scores, {"a": 60.0}, {"a": 60.0}, normal), normal
    )
    dead = parity.compare(scores, {"a": np.full(50, 3.0)}, {"a": 60.0}, {"a": 60.0}, normal)
    assert dead["a"]["spearman"] is None
    (sentence,) = parity.violations("int8", dead, normal)
    assert "none: the scores are all the same" in sentence


def test_scores_that_are_nan_are_out_of_tolerance():
    compared = parity.Parity(
        "parts", {"a": np.arange(4.0)}, {"a": 1.0}, np.array([False, True, False, True])
    )
    compared.add("float32", {"a": np.array([0, np.nan, 2, 3])}, {"a": 1.0}, 1, {})
    assert compared.violations == ["float32, output a: scores that are NaN or infinite."]
    assert compared.values["files"] == {} and "4 test images" in parity.table(compared.values)


def test_another_output_of_the_saved_model_is_in_tolerance_too():
    compared = parity.Parity(
        "parts", {"a": np.arange(4.0)}, {"a": 1.0}, np.array([False, True, False, True])
    )
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
