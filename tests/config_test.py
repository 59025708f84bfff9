import json

import pytest

from tf_ssae.config import PRESETS, Config
from tf_ssae.detectors.registry import preset


@pytest.mark.parametrize("dataset", PRESETS)
@pytest.mark.parametrize("detector", ["ssae", "egbad", "ganomaly"])
def test_json_round_trip(dataset, detector):
    config = preset(dataset, detector=detector, anomaly=3, learning_rate=3e-4)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_presets_hold_the_thesis_constants():
    mnist, fashion = preset("mnist"), preset("fashion_mnist")
    assert (mnist.latent_depth, mnist.lambda_e, mnist.w_cls, mnist.w_rec) == (16, 0.1, 1.0, 100.0)
    assert (fashion.latent_depth, fashion.lambda_e, fashion.w_cls, fashion.w_rec) == (
        16,
        2.0,
        1.0,
        0.01,
    )
    assert preset("cifar10").latent_depth == 200
    for config in (mnist, fashion, preset("cifar10")):
        assert (config.epochs, config.batch_size, config.learning_rate, config.beta_1) == (
            25,
            64,
            1e-4,
            0.5,
        )


def test_presets_of_the_gans_hold_their_papers_constants():
    egbad, ganomaly = preset("mnist", detector="egbad"), preset("cifar10", detector="ganomaly")
    assert (
        egbad.epochs,
        egbad.batch_size,
        egbad.learning_rate,
        egbad.beta_1,
        egbad.latent_depth,
    ) == (25, 100, 1e-4, 0.5, 200)
    found = (
        ganomaly.epochs,
        ganomaly.batch_size,
        ganomaly.learning_rate,
        ganomaly.beta_1,
        ganomaly.latent_depth,
    )
    assert found == (15, 64, 2e-4, 0.5, 100)
    assert (
        preset("folder", detector="egbad").image_size == 32
        and preset("folder", detector="ganomaly").image_size == 64
    )
    assert preset("mnist", detector="egbad", learning_rate=1e-3).learning_rate == 1e-3


@pytest.mark.parametrize("settings", [dict(tile_size=7), dict(tile_size=96, crop="centre")])
def test_a_tile_size_has_to_fit(settings):
    with pytest.raises(ValueError, match="tile_size=.*expected 0, or 8 or more with crop='tiles'"):
        preset("folder", **settings)


def test_known_defects_are_for_a_detector_that_learns_from_them():
    assert preset("folder", defects="cut_outs").defects == "cut_outs"
    with pytest.raises(ValueError, match="defects='cut_outs': ssae learns from normal images al"):
        preset("folder", detector="ssae", defects="cut_outs")


@pytest.mark.parametrize(
    "latent_depth, lambda_e, expected",
    [(16, 0.1, 1), (16, 2.0, 32), (200, 0.1, 20), (100, 0.29, 29), (10, 0.05, 1)],
)
def test_side_latent_depth_is_lambda_e_of_the_latent_depth(latent_depth, lambda_e, expected):
    assert Config(latent_depth=latent_depth, lambda_e=lambda_e).side_latent_depth == expected


@pytest.mark.parametrize(
    "values, message",
    [
        (
            {"dataset": "imagenet"},
            "dataset='imagenet': expected one of digits, mnist, fashion_mnist, cifar10",
        ),
        ({"rotations": "some"}, "rotations='some': expected one of all, sampled"),
        ({"anomaly": -1}, "anomaly=-1: expected 0 or more"),
        ({"epochs": 0}, "epochs=0: expected more than 0"),
        ({"batch_size": 1}, "batch_size=1: expected 2 or more"),
        ({"alpha": 1.5}, "alpha=1.5: expected 0 to 1"),
        ({"learning_rate": float("nan")}, "learning_rate=nan: expected a finite number"),
        ({"lambda_e": float("inf")}, "lambda_e=inf: expected a finite number"),
        ({"epochs": 2.0}, "epochs=2.0: expected int, got float"),
    ],
)
def test_bad_values_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        Config(**values)


def test_unknown_settings_are_named():
    with pytest.raises(ValueError, match="Unknown settings colour"):
        Config.from_dict({"colour": 1})
