import json

import pytest
from conftest import run_python

from thesis import results
from thesis.grids import GRIDS, Run, Scale
from thesis.systems import BY_NAME

SMALL = Scale(6000, 5, 4000)
SSAE, ENSEMBLE = Run("mnist", 2, "ssae", 0), Run("mnist", 2, "ensemble", 0)


def test_what_is_written_is_read(store):
    store.add(SSAE, {"a_rec": 0.1, "a_cls": 0.2, "a_ws": 0.3, "a_max": 0.4})
    stored = store.load()
    assert stored.scale == Scale() and stored.datasets == ["mnist"] and len(stored.missing) == 449
    assert stored.of_system(BY_NAME["OURS A_ws"], "mnist").to_dict() == {(2, 0): 0.3}
    assert stored.of_system(BY_NAME["OURS A_ws"], "mnist", "share").to_dict() == {(2, 0): 0.357}
    assert stored.of_system(BY_NAME["AE"], "mnist").empty


def test_a_result_is_written_once(store):
    path = store.add(SSAE, 0.5)
    before = path.read_text()
    assert not results.write(path, {"another": "result"})
    assert path.read_text() == before and [file.name for file in path.parent.iterdir()] == [
        path.name
    ]


def test_scales_do_not_mix(store):
    store.add(SSAE, 0.5)
    small = store.add(SSAE, 0.4, scale=SMALL)
    with pytest.raises(
        ValueError,
        match=r"several scales, which do not mix: --scale=full\|6000-images-5-epochs-4000-test",
    ):
        store.load()
    assert set(store.load(scale="full").scores.average_precision) == {0.5}
    small.rename(small.parent.parent / "full" / "mnist-3-ssae-seed-0.json")
    with pytest.raises(
        ValueError,
        match="belongs to table_5_1/6000-images.*: results of different grids or scales do not mix",
    ):
        store.load()


def test_different_settings_do_not_mix(store):
    store.add(SSAE, 0.5)
    path = store.add(Run("mnist", 3, "ssae", 0), 0.5)
    stored = json.loads(path.read_text())
    stored["config"]["learning_rate"] = 1e-3
    path.write_text(json.dumps(stored))
    with pytest.raises(
        ValueError,
        match=(
            "mixes runs of different settings: mnist-2-.* and mnist-3-.* have learning_rate 0.0001"
            " and 0.001"
        ),
    ):
        store.load()


def test_different_splits_do_not_mix(store):
    store.add(SSAE, 0.5)
    store.add(ENSEMBLE, 0.5, split_fingerprint="other")
    with pytest.raises(
        ValueError,
        match="mixes splits: mnist-2-ssae-seed-0 and mnist-2-ensemble-seed-0 saw different images",
    ):
        store.load()


def test_settings_that_the_grid_varies_do(store):
    for run in GRIDS["figure_5_4"].runs[:21]:
        store.add(run, 0.5, grid="figure_5_4")
    stored = store.load("figure_5_4")
    assert (stored.done.settings == (("lambda_e", 0.1), ("w_rec", 10.0))).sum() == 1
    assert len(stored.done) == 21 and len(stored.scores) == 16 * 4 + 4 + 1


def test_a_failed_run_counts_as_stored_but_has_no_scores(store):
    store.add(SSAE, 0.5)
    store.add(Run("mnist", 3, "ssae", 0), 0.5, failed="The decoder died.")
    stored = store.load()
    assert list(stored.runs.name) == ["mnist-2-ssae-seed-0", "mnist-3-ssae-seed-0"]
    assert list(stored.done.name) == ["mnist-2-ssae-seed-0"] and len(stored.missing) == 448
    assert list(stored.of_system(BY_NAME["OURS A_ws"], "mnist").index) == [(2, 0)]


def test_a_grid_of_which_all_failed_is_read(store):
    store.add(SSAE, 0.5, failed="The decoder died.")
    stored = store.load()
    assert stored.datasets == [] and stored.scores.empty and len(stored.runs) == 1


@pytest.mark.parametrize("content", ["", "{}", '{"format": 2}', "[]"])
def test_a_corrupt_file_is_named(store, content):
    path = store.add(SSAE, 0.5)
    path.write_text(content)
    with pytest.raises(ValueError, match="mnist-2-ssae-seed-0.json is not a stored result"):
        store.load()


def test_results_that_are_not_of_the_grid_are_named(store):
    store.add(Run("mnist", 2, "rotation", 0), 0.5)
    with pytest.raises(
        ValueError, match="holds results that are not of grid table_5_1: mnist-2-rotation-seed-0"
    ):
        store.load()


def test_nothing_stored_names_the_command(store):
    with pytest.raises(
        ValueError,
        match=("Nothing is stored of grid table_5_1 .*python -m thesis.run --grid=table_5_1"),
    ):
        store.load()
    store.add(SSAE, 0.5)
    with pytest.raises(ValueError, match="at scale 5-epochs in .* There are some at full"):
        store.load(scale="5-epochs")


def test_reading_needs_no_tensorflow():
    program = (
        "import sys, thesis.run, thesis.table,"
        " thesis.results_page, thesis.figures.figure_1_1; sys.exit('tensorflow'"
        " in sys.modules)"
    )
    assert run_python("-c", program).returncode == 0


def test_durations():
    shown = [results.duration(seconds) for seconds in (45, 720, 12_000)]
    assert shown == ["45 s", "12 min", "3 h 20 min"]


def test_results_are_where_the_page_says():
    path = results.path_of("results", "table_5_1", Scale(6000, 5, 4000), "mnist-2-ssae-seed-0")
    expected = "results/table_5_1/6000-images-5-epochs-4000-test/mnist-2-ssae-seed-0.json"
    assert path.as_posix() == expected
