import csv
import json
import subprocess
import sys

import pandas as pd
import pytest

from thesis import results_page, table
from thesis.grids import Run
from thesis.systems import BY_NAME


def cells_of(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_means_and_deviations_by_hand(store):
    for anomaly, values in ((0, (0.2, 0.4)), (1, (0.5, 0.7)), (2, (0.9,))):
        for seed, value in enumerate(values):
            store.add(Run("mnist", anomaly, "ganomaly", seed), value)
    found = table.cells(store.load()).loc["GANomaly", "mnist"]
    # Configurations have the means .3, .6 and .9; two seeds .2 apart deviate by .2 / sqrt(2).
    assert found["mean"] == pytest.approx(0.6) and found.configurations_sd == pytest.approx(0.3)
    assert found.seeds_sd == pytest.approx(0.1414, abs=1e-4)
    assert found["keys"] == ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0)) and found.expected == 30
    assert found.configurations == 3 and found.runs == 5
    assert "0.6000 ± 0.300, seeds 0.141 (5/30)" in table.text(store.load())
    assert pd.isna(table.cells(store.load()).loc["AE", "mnist"]["mean"])


def test_the_table_says_where_it_is_incomplete(one_seed):
    stored = one_seed.load()
    said = " ".join(table.notes(stored))
    assert "Incomplete: 148 of the grid's 450 runs are stored." in said
    assert "Fashion-MNIST: the rows rest on different runs" in said and "MNIST: only of" not in said
    assert "Failed, so without scores: fashion_mnist-3-ssae-seed-0: The decoder died." in said
    assert "egbad (†): 3 of 29 runs with a warning. The first, mnist-4-egbad-seed-0: " in said
    rows = [cells_of(row) for row in table.markdown(stored).splitlines()]
    assert rows[0] == ["", "MNIST", "thesis", "Fashion-MNIST", "thesis", "CIFAR-10", "thesis"]
    assert len(rows) == 14 and rows[2][1].endswith("(10/30) †") and rows[2][2] == "0.4738"
    assert "(9/30)" in rows[-3][3]
    # Beyond the thesis, which prints nothing of it.
    assert rows[-1][0] == "LOCATOR A<sub>all</sub>" and rows[-1][2::2] == ["–"] * 3
    # Only where all rows rest on the same configurations has a column of ours a best one; the
    # thesis' always has.
    bold = [cell for row in rows for cell in row if "**" in cell]
    assert sum("±" in cell for cell in bold) == 1 and len(bold) == 4


def test_ours_stand_beside_the_thesis(one_seed):
    rows = list(csv.DictReader(table.as_csv(one_seed.load()).splitlines()))
    assert len(rows) == 36
    for row in rows:
        system = BY_NAME[row["system"]]
        beyond = system.detector == "locator"
        assert row["thesis"] == ("" if beyond else str(system.thesis[row["dataset"]]))
        assert (row["detector"], row["score"]) == (system.detector, system.score)
    assert {float(row["runs"]) for row in rows} == {9, 10}
    assert {row["scale"] for row in rows} == {"full"}


def test_a_part_of_the_grid(store):
    store.add(Run("mnist", 2, "ssae", 0), 0.5)
    said = table.text(store.load())
    assert "Nothing of Fashion-MNIST, CIFAR-10." in said
    assert "MNIST: only of configuration 2; the thesis' numbers are means over ten." in said
    assert "–" in next(line for line in said.splitlines() if line.startswith("BIGAN"))


def test_runs_that_were_not_looked_at_for_a_warning_are_not_called_sound(store):
    store.add(Run("mnist", 0, "egbad", 0), 0.5, warning="It collapsed.")
    path = store.add(Run("mnist", 1, "egbad", 0), 0.5)
    stored = json.loads(path.read_text())
    stored["metrics"]["health"] = {"warnings": []}
    path.write_text(json.dumps(stored))
    store.add(Run("mnist", 1, "ssae", 0), 0.5)
    said = table.notes(store.load())
    assert (
        "egbad (†): 1 of 2 runs with a warning (in another 1 an older version did not check whether"
        " the networks invert each other). The first, mnist-0-egbad-seed-0: It collapsed."
    ) in said
    assert "ssae" not in " ".join(said)


def test_configurations_that_favour_the_method_are_called_that(store):
    store.add(Run("mnist", 6, "ssae", 0), 0.5)
    assert "they may favour the method" in table.text(store.load())
    store.add(Run("mnist", 3, "ssae", 0), 0.5)
    assert "they may favour the method" not in table.text(store.load())


def test_means_over_different_seeds_are_not_ranked(store):
    for anomaly in range(2):
        for seed in range(2):
            store.add(Run("mnist", anomaly, "ssae", seed), 0.9)
        store.add(Run("mnist", anomaly, "ganomaly", 0), 0.5)
    stored = store.load()
    assert "MNIST: the rows rest on different runs" in " ".join(
        table.notes(stored)
    ) and "**0.9000**" not in table.markdown(stored)


def test_a_part_of_the_configurations_is_named_even_if_rows_differ(store):
    store.add(Run("mnist", 2, "ssae", 0), 0.5)
    store.add(Run("mnist", 4, "ganomaly", 0), 0.5)
    said = " ".join(table.notes(store.load()))
    assert (
        "MNIST: the rows rest on different runs" in said
        and "MNIST: only of configuration 2, 4;" in said
    )


def test_help_lists_the_flags_that_all_such_programs_share():
    said = subprocess.run(
        [sys.executable, "-m", table.__name__, "--help"], capture_output=True, text=True
    ).stdout
    assert all(f"--{name} " in said for name in ("format", "metric", "grid", "scale", "results"))


def test_a_grid_of_which_all_failed_has_a_table_without_columns(store):
    store.add(Run("mnist", 0, "ssae", 0), 0.5, failed="The decoder died.")
    said = table.text(store.load())
    assert "OURS A_ws" in said and "mnist-0-ssae-seed-0: The decoder died." in said
    assert "mnist-0-ssae-seed-0: The decoder died." in results_page.page(store.root)
