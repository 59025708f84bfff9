import csv
import json
import subprocess
import sys

import pytest

from thesis import table, thesis
from thesis.grids import Run
from thesis.systems import BY_NAME


def test_means_and_deviations_by_hand(store):
    for anomaly, values in ((0, (0.2, 0.4)), (1, (0.5, 0.7)), (2, (0.9,))):
        for seed, value in enumerate(values):
            store.add(Run("mnist", anomaly, "ganomaly", seed), value)
    found = table.cell(store.load(), BY_NAME["GANomaly"], "mnist")
    # Configurations have the means .3, .6 and .9; two seeds .2 apart deviate by .2 / sqrt(2).
    assert found.mean == pytest.approx(0.6) and found.configurations_sd == pytest.approx(0.3)
    assert found.seeds_sd == pytest.approx(0.1414, abs=1e-4)
    assert found.keys == ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0)) and found.expected == 30
    assert found.configurations == (0, 1, 2)
    assert "0.6000 ± 0.300, seeds 0.141 (5/30)" in table.text(store.load())


def test_the_table_says_where_it_is_incomplete(one_seed):
    stored = one_seed.load()
    said = " ".join(table.notes(stored))
    assert "Incomplete: 118 of the grid's 360 runs are stored." in said
    assert "Fashion-MNIST: the rows rest on different runs" in said and "MNIST: only of" not in said
    assert "Failed, so without scores: fashion_mnist-3-ssae-seed-0: The decoder died." in said
    assert "egbad (†): 3 of 29 runs have a warning. The first, mnist-4-egbad-seed-0: " in said
    rows = table.markdown(stored).splitlines()
    assert len(rows) == 12 and "(10/30) † | 0.4738" in rows[2] and "(9/30)" in rows[-1]
    # Only where all rows rest on the same configurations has a column of ours a best one; the
    # thesis' always has.
    bold = [cell for row in rows for cell in row.split(" | ") if "**" in cell]
    assert sum("±" in cell for cell in bold) == 1 and len(bold) == 4


def test_ours_stand_beside_the_thesis(one_seed):
    rows = list(csv.DictReader(table.as_csv(one_seed.load()).splitlines()))
    assert len(rows) == 30
    assert all(
        float(row["thesis"]) == thesis.TABLE_5_1[row["system"]][row["dataset"]] for row in rows
    )
    assert {row["runs"] for row in rows} == {"9", "10"} and {row["scale"] for row in rows} == {
        "full"
    }


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
        "egbad (†): 1 of 2 runs have a warning; 1 without one are of a version that did not yet"
        " look whether its networks invert each other. The first, mnist-0-egbad-seed-0: It"
        " collapsed." in said
    )
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


def test_columns_stay_apart_however_wide_their_cells(store):
    for dataset in ("mnist", "fashion_mnist"):
        for seed in range(3):
            store.add(Run(dataset, 0, "egbad", seed), 0.3 + 0.1 * seed, warning="It collapsed.")
    stored = store.load()
    row = next(line for line in table.text(stored).splitlines() if line.startswith("BIGAN"))
    assert (
        row == "BIGAN       0.4000, seeds 0.100 (3/30) † [0.4738]  0.4000, seeds 0.100 (3/30) †"
        " [0.4827]"
    )


def test_help_lists_the_flags_that_all_such_programs_share():
    said = subprocess.run(
        [sys.executable, "-m", table.__name__, "--help"], capture_output=True, text=True
    ).stdout
    assert all(f"--{name}:" in said for name in ("format", "metric", "grid", "scale", "results"))
