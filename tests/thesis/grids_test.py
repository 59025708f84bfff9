import pytest

from tf_ssae.detectors.registry import preset
from thesis.grids import GRIDS, Run, Scale
from thesis.run import shard
from thesis.systems import BY_NAME, SYSTEMS


def test_table_5_1_is_every_configuration_three_times_by_five_trainings():
    runs = GRIDS["table_5_1"].runs
    assert len(runs) == len({run.name for run in runs}) == 3 * 10 * 5 * 3
    assert {run.seed for run in runs[:150]} == {0}
    assert {run.dataset for run in runs[:50]} == {"mnist"}
    assert {run.detector for run in runs} == {system.detector for system in SYSTEMS}
    for system in SYSTEMS:
        beyond = system.detector == "locator"
        assert list(system.thesis) == ([] if beyond else ["mnist", "fashion_mnist", "cifar10"])


@pytest.mark.parametrize("name", GRIDS)
def test_names_are_unique_and_settings_make_configs(name):
    grid = GRIDS[name]
    assert len({run.name for run in grid.runs}) == len(grid.runs)
    for run in grid.runs:
        config = preset(**grid.config_settings(run, Scale(100, 2, 50)))
        assert (config.max_train_images, config.epochs, config.max_test_images) == (100, 2, 50)
        assert (config.dataset, config.anomaly) == (run.dataset, run.anomaly)
        assert (config.detector, config.seed) == (run.detector, run.seed)
        assert all(getattr(config, setting) == value for setting, value in run.settings)


def test_what_a_run_varies_is_in_its_name():
    run = Run("mnist", 2, "ssae", 0, (("lambda_e", 0.1), ("w_rec", 1000.0)))
    assert run.name == "mnist-2-ssae-seed-0-lambda_e-0.1-w_rec-1000"
    assert run in GRIDS["figure_5_4"].runs
    # Four lambda_e by four w_rec, of Rotation four lambda_e, and one AE, of ten configurations.
    assert len(GRIDS["figure_5_4"].runs) == (4 * 4 + 4 + 1) * 10


def test_each_scale_has_a_folder_of_its_own():
    assert Scale().name == "full"
    assert Scale(epochs=25, rotations="sampled").name == "25-epochs-sampled-rotations"


def test_scales_in_words():
    assert Scale().in_words == "all normals, full length"
    expected = "6,000 normals, 5 epochs, 4,000 test images, sampled rotations"
    assert Scale(6000, 5, 4000, "sampled").in_words == expected


def test_runs_are_selected_by_what_they_vary_or_by_name():
    grid = GRIDS["table_5_1"]
    runs = grid.select(dataset=["mnist"], anomaly=["2", "6"], detector=["ssae"], seed=[0], name=[])
    assert [run.name for run in runs] == ["mnist-2-ssae-seed-0", "mnist-6-ssae-seed-0"]
    assert grid.select(name=["cifar10-9-egbad-seed-2"])[0].seed == 2
    message = "Grid table_5_1 has no run with anomaly 10. It has 0, 1, 2"
    with pytest.raises(ValueError, match=message):
        grid.select(anomaly=[10])
    message = "no run with detector deep_svdd. It has egbad, ensemble, ganomaly, locator, ssae"
    with pytest.raises(ValueError, match=message):
        grid.select(detector=["deep_svdd"])


def test_shards_divide_a_grid_and_none_gets_all_of_the_slowest():
    runs = GRIDS["table_5_1"].select(seed=[0])
    shards = [shard(runs, f"{i}/4") for i in (1, 2, 3, 4)]
    assert sorted(run.name for one in shards for run in one) == sorted(run.name for run in runs)
    for one in shards:
        assert len(one) in (37, 38) and one == [run for run in runs if run in one]
        assert sum(run.detector == "ssae" for run in one) < 15
    assert shard(runs, "1/1") == runs


@pytest.mark.parametrize("which", ["0/2", "3/2", "1", "one/2"])
def test_an_impossible_shard_is_refused(which):
    with pytest.raises(ValueError, match=f"--shard={which}: expected I/N with I from 1 to N"):
        shard(GRIDS["smoke"].runs, which)


def test_systems_are_named_for_markdown_and_for_matplotlib():
    assert BY_NAME["BIGAN"].markdown == "BIGAN (EGBAD)" and BY_NAME["BIGAN"].label == "BIGAN"
    assert BY_NAME["A*_max"].markdown == r"A\*<sub>max</sub>"
    assert BY_NAME["A*_max"].label == r"$\mathcal{A}^*_{max}$"
    assert BY_NAME["OURS A_ws"].markdown == "OURS A<sub>ws</sub>"
    assert BY_NAME["OURS A_ws"].label == r"OURS $\mathcal{A}_{ws}$"
