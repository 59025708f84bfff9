import pytest

from tf_ssae.config import preset
from thesis.grids import GRIDS, Run, Scale
from thesis.systems import SYSTEMS
from thesis.thesis import TABLE_5_1


def test_table_5_1_is_every_configuration_three_times_by_four_trainings():
    runs = GRIDS["table_5_1"].runs
    assert len(runs) == len({run.name for run in runs}) == 3 * 10 * 4 * 3
    assert {run.seed for run in runs[:120]} == {0} and {run.dataset for run in runs[:40]} == {
        "mnist"
    }
    assert {run.detector for run in runs} == {system.detector for system in SYSTEMS}
    assert [system.name for system in SYSTEMS] == list(TABLE_5_1)


@pytest.mark.parametrize("name", GRIDS)
def test_names_are_unique_and_settings_make_configs(name):
    grid = GRIDS[name]
    assert len({run.name for run in grid.runs}) == len(grid.runs)
    for run in grid.runs:
        if run.detector in ("ssae", "ensemble", "autoencoder", "rotation"):
            config = preset(**grid.config_settings(run, Scale(100, 2, 50)))
            assert (config.max_train_images, config.epochs, config.max_test_images) == (100, 2, 50)
            assert (config.dataset, config.anomaly, config.seed) == (
                run.dataset,
                run.anomaly,
                run.seed,
            )


def test_what_a_run_varies_is_in_its_name():
    run = Run("mnist", 2, "ssae", 0, (("lambda_e", 0.1), ("w_rec", 1000.0)))
    assert run.name == "mnist-2-ssae-seed-0-lambda_e-0.1-w_rec-1000"
    assert run in GRIDS["figure_5_4"].runs


def test_each_scale_has_a_folder_of_its_own():
    assert Scale().name == "full"
    assert Scale(epochs=25, rotations="sampled").name == "25-epochs-sampled-rotations"


def test_scales_in_words():
    assert Scale().in_words == "all normals, full length"
    assert (
        Scale(6000, 5, 4000, "sampled").in_words
        == "6,000 normals, 5 epochs, 4,000 test images, sampled rotations"
    )


def test_runs_are_selected_by_what_they_vary_or_by_name():
    grid = GRIDS["table_5_1"]
    runs = grid.select(datasets=["mnist"], anomalies=[2, 6], detectors=["ssae"], seeds=[0])
    assert [run.name for run in runs] == ["mnist-2-ssae-seed-0", "mnist-6-ssae-seed-0"]
    assert grid.select(names=["cifar10-9-egbad-seed-2"])[0].seed == 2
    with pytest.raises(
        ValueError, match="Grid table_5_1 has no run with anomaly 10. It has 0, 1, 2"
    ):
        grid.select(anomalies=[10])
    with pytest.raises(
        ValueError, match="no run with detector deep_svdd. It has egbad, ensemble, ganomaly, ssae"
    ):
        grid.select(detectors=["deep_svdd"])
