import numpy as np
import pandas as pd
import pytest
from scipy import stats

from thesis import significance, table
from thesis.grids import Run


def series(values):
    """`{(anomaly, seed): value}` as `Results.of_system` gives it."""
    index = pd.MultiIndex.from_tuples(values, names=["anomaly", "seed"])
    return pd.Series(list(values.values()), index)


def compare(values):
    """Compares `{(anomaly, seed): value}` with 0."""
    return significance.compare(series(values), series(dict.fromkeys(values, 0.0)))


def test_a_constant_difference_has_an_interval_of_no_width():
    other = series({(k, seed): 0.1 * k + 0.01 * seed for k in range(10) for seed in (0, 1, 2)})
    found = significance.compare(other + 0.05, other)
    assert found["verdict"] == "better" and found["configurations"] == found["above"] == 10
    assert [found[name] for name in ("difference", "low", "high")] == pytest.approx([0.05] * 3)
    assert significance.compare(other, other + 0.05)["verdict"] == "worse"
    assert significance.compare(other, other)["verdict"] == "undecided"


def test_the_interval_by_hand():
    found = compare({(k, 0): value for k, value in enumerate((0.1, 0.2, 0.3, 0.4, 0.5))})
    # The standard error is sqrt(0.025 / 5); 97.5% of Student's t with four degrees lie below 2.776.
    assert found["difference"] == pytest.approx(0.3) and found["verdict"] == "better"
    assert found["high"] - 0.3 == pytest.approx(2.776 * np.sqrt(0.005), rel=1e-3)
    assert 0.3 - found["low"] == pytest.approx(2.776 * np.sqrt(0.005), rel=1e-3)


@pytest.mark.parametrize("count", [5, 10])
def test_one_in_twenty_differences_of_noise_is_taken_for_one(count):
    noise = np.random.default_rng(0).normal(size=(1000, count))
    found = [compare({(k, 0): value for k, value in enumerate(values)}) for values in noise]
    sure = sum(one["verdict"] != "undecided" for one in found)
    # Of a rate of 5%, in all but one of a thousand cases.
    assert stats.binomtest(sure, 1000, 0.05).pvalue > 0.001


def test_only_pairs_count():
    ours = series({(0, 0): 0.9, (1, 0): 0.5, (2, 0): 0.5, (3, 0): 0.5})
    other = series({(1, 0): 0.4, (2, 0): 0.3, (3, 0): 0.2, (4, 0): 0.9})
    found = significance.compare(ours, other)
    assert found["configurations"] == 3 and found["difference"] == pytest.approx(0.2)
    assert significance.compare(ours, series({(0, 1): 0.5})) is None


def test_a_configuration_of_more_seeds_weighs_no_more():
    found = compare({(0, 0): 0.1, (0, 1): 0.3, (1, 0): 0.6})
    assert found["difference"] == pytest.approx(0.4) and found["configurations"] == 2
    assert found["verdict"] == "untested" and np.isnan(found["low"])


def test_too_few_pairs_are_no_verdict(store):
    for anomaly in range(4):
        store.add(Run("mnist", anomaly, "ssae", 0), 0.6)
        store.add(Run("mnist", anomaly, "egbad", 0), 0.2)
    (of_ws, _) = significance.sentences(store.load())
    few = "too few configurations to compare with BIGAN (EGBAD)."
    assert of_ws == f"MNIST, OURS A<sub>ws</sub>: {few}"
    assert significance.doubts(store.load()) == []


def test_table(store):
    for k in range(6):
        values = {"a_ws": 0.6 + 0.06 * k, "a_max": 0.4 + (k % 2) / 5}
        store.add(Run("mnist", k, "ssae", 0), {"a_rec": 0.5, "a_cls": 0.5, **values})
        store.add(Run("mnist", k, "ganomaly", 0), 0.5)
    header, _, *rows = significance.markdown(store.load()).splitlines()
    titles = [title.strip() for title in header.split("|")]
    assert titles[2:4] == ["MNIST, OURS A<sub>ws</sub>", "MNIST, OURS A<sub>max</sub>"]
    cells = [cell.strip() for cell in rows[0].split("|")]
    # Deviations are sqrt(0.0126) and sqrt(0.012), and 97.5% of Student's t lie below 2.571.
    assert cells[1:4] == ["GANomaly", "**+0.250** (+0.132, +0.368)", "+0.000 (-0.115, +0.115)"]
    assert len(rows) == 1
    (line,) = [row for row in table.text(store.load()).splitlines() if "A_ws GANomaly" in row]
    assert line.split()[-7:] == "+0.250 (+0.132, +0.368) 6 of 6 better".split()


def test_above_chance_by_hand(store):
    for anomaly, value in enumerate((0.3, 0.457, 0.557, 0.657, 0.557)):
        scores = {"a_rec": value, "a_cls": 0.3, "a_max": 0.5, "a_ws": 0.5}
        store.add(Run("mnist", anomaly, "ensemble", 0), scores)
    stored = store.load()
    found = significance.against_chance(stored).set_index("system")
    # The share of anomalies is .357.
    assert found.difference["AE"] == pytest.approx(0.1486) and found.above["AE"] == 4
    assert found.configurations["AE"] == 5 and found.above["Rotation"] == 0
    assert "4 of 5, +0.149 (-0.019, +0.316)" in significance.markdown_against_chance(stored)
    assert significance.doubts(stored, "name") == [
        "MNIST, not surely better than chance: AE (thesis 0.7350), Rotation (thesis 0.5165); "
        f"{5 * (6000 // 64)} steps per run."
    ]


def test_the_thesis_is_not_a_counterexample_where_it_is_near_chance_as_well(store):
    for anomaly in range(10):
        warning = "It collapsed." if anomaly == 3 else None
        store.add(Run("cifar10", anomaly, "egbad", 0), 0.3, warning=warning)
    (doubt,) = significance.doubts(store.load())
    assert "BIGAN (EGBAD) (thesis 0.3722, near chance too)" in doubt
    assert doubt.endswith("1 of 10 runs with a warning.")
