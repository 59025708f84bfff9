import pytest

from thesis import chance
from thesis.grids import Run
from thesis.systems import BY_NAME


def test_above_chance_by_hand(store):
    for anomaly, value in enumerate((0.3, 0.457, 0.557, 0.657, 0.557)):
        store.add(
            Run("mnist", anomaly, "ensemble", 0),
            {"a_rec": value, "a_cls": 0.3, "a_max": 0.5, "a_ws": 0.5},
        )
    above, excess = chance.above_chance(store.load(), BY_NAME["AE"], "mnist")
    # The share of anomalies is .357.
    assert above == 4 and excess.difference == pytest.approx(0.1486)
    *lines, doubt = chance.text(store.load()).splitlines()
    assert (
        len(lines) == 4
        and "AE          above chance in 4 of 5 configurations, by +0.149" in lines[0]
    )
    assert "Rotation    above chance in 0 of 5" in lines[1]
    assert doubt == (
        "MNIST, not surely better than chance: AE (thesis 0.7350), Rotation (thesis 0.5165). "
        f"Runs of {5 * 93} steps: 5 of the 25 epochs of the preset."
    )


def test_the_thesis_is_no_counterexample_where_it_is_near_chance_as_well(store):
    for anomaly in range(10):
        store.add(
            Run("cifar10", anomaly, "egbad", 0),
            0.3,
            warning="It collapsed." if anomaly == 3 else None,
        )
    (doubt,) = chance.doubts(store.load())
    assert "BIGAN (EGBAD) (thesis 0.3722, near chance too)" in doubt
    assert doubt.endswith(
        "1 of 10 runs have a warning. The first, cifar10-3-egbad-seed-0: It collapsed."
    )


def test_nothing_is_doubted_of_fewer_than_five_configurations(store):
    for anomaly in range(4):
        store.add(Run("mnist", anomaly, "ganomaly", 0), 0.2)
    assert chance.doubts(store.load()) == []
