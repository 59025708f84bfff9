import json

import numpy as np
import pytest
import speeds


@pytest.fixture
def seconds():
    """Ten rounds in which the whole machine slows down: ratios hold, medians do not show it."""
    slow = np.linspace(1, 1.1, 10)
    return {
        "tf_ssae, float32": 1.0 * slow,
        "tf_ssae, bfloat16": 0.5 * slow,
        "Other, float32": 1.5 * slow,
        "Third, float32": 2.0 * slow,
        "Other, bfloat16": 0.75 * slow,
        "matrix product, float32": 0.2 * slow,
        "matrix product, bfloat16": 0.1 * slow,
    }


def printed(seconds, capsys):
    speeds.report("Training", seconds, images=64, flops=1e9)
    lines = capsys.readouterr().out.splitlines()
    return lines, json.loads(lines[-1])


def test_ratios_are_within_a_precision_and_across(seconds, capsys):
    _, result = printed(seconds, capsys)
    same, of_all = "to_best_of_others_in_its_precision", "to_best_of_others"
    ours = {p: result["rows"][f"tf_ssae, {p}"] for p in ("float32", "bfloat16")}
    assert ours["float32"][same] == pytest.approx(1.5)
    assert ours["bfloat16"][same] == ours["bfloat16"][of_all] == pytest.approx(1.5)
    # The best of all others computes in bfloat16.
    assert ours["float32"][of_all] == pytest.approx(0.75)
    products = result["matrix_product_gflops"]
    assert products["bfloat16"] == pytest.approx(2 * products["float32"], rel=1e-3)


def test_a_disturbed_machine_gives_no_ratio(seconds, capsys):
    seconds["matrix product, bfloat16"] = 0.1 * np.linspace(1, 1.4, 10)
    lines, result = printed(seconds, capsys)
    assert any(line.startswith("No ratios: the machine did other work") for line in lines)
    for row in result["rows"].values():
        assert row["to_best_of_others"] is None and row["images_per_second"] > 0


def test_where_nothing_else_is_installed(seconds, capsys):
    alone = {name: v for name, v in seconds.items() if name.startswith(("tf_ssae", "matrix"))}
    _, result = printed(alone, capsys)
    assert result["rows"]["tf_ssae, float32"]["to_best_of_others"] is None
