"""Detectors by name, of the package and of a user. `conformance_test` checks what each of them
promises, the user's own included.
"""

import own_detector
import pytest

from tf_ssae.config import PRESETS
from tf_ssae.detectors import registry
from tf_ssae.detectors.base import Detector
from tf_ssae.detectors.ssae import SSAE


def test_detectors_of_the_package_are_there_without_an_import():
    package = {"autoencoder", "egbad", "ensemble", "ganomaly", "rotation", "ssae"}
    assert package <= set(registry.names()) and registry.names() == sorted(registry.names())
    assert registry.find("ssae") is SSAE


def test_a_detector_of_your_own_is_registered_by_the_import_of_its_file(digit_images):
    assert own_detector.NAME in registry.names()
    own = registry.find(own_detector.NAME)
    assert own.__module__ == f"tf_ssae_plugin_{own_detector.NAME}"
    config = registry.preset("digits", detector=own_detector.NAME)
    made = registry.make(config, digit_images.image_shape)
    assert type(made) is own and made.score_names == own_detector.SCORES


def test_its_presets_override_those_of_the_data_set():
    config = registry.preset("digits", detector=own_detector.NAME)
    assert (config.learning_rate, config.latent_depth) == (1e-2, 8)
    assert config.epochs == PRESETS["digits"]["epochs"]
    assert registry.preset("digits", detector=own_detector.NAME, latent_depth=3).latent_depth == 3


def test_a_folder_has_a_detector_of_its_own_and_its_number_of_steps():
    made = registry.preset("folder")
    assert made.detector == "locator" and made.steps > 0 and made.image_size == 288
    assert registry.preset("folder", detector="ssae").steps == 0
    assert registry.preset("digits").detector == "ssae"


def test_epochs_asked_for_replace_a_presets_steps():
    assert registry.preset("folder", epochs=3).steps == 0
    both = registry.preset("folder", epochs=3, steps=100)
    assert (both.epochs, both.steps) == (3, 100)


def test_a_decision_by_a_score_that_it_does_not_have_is_refused():
    message = "decision='a_rec': expected auto, or a score that nearest has: a_nearest"
    with pytest.raises(ValueError, match=message):
        registry.preset("digits", detector=own_detector.NAME, decision="a_rec")


def test_an_unknown_name_is_refused_with_the_names_there_are():
    expected = (
        f"--detector=deep: expected one of {', '.join(registry.names())}. A detector of your own"
        " needs --plugin=FILE.py; in Python, import the file that registers it."
    )
    with pytest.raises(ValueError) as error:
        registry.find("deep")
    assert str(error.value) == expected and own_detector.NAME in expected
    with pytest.raises(ValueError, match="--detector=deep: expected one of autoencoder, egbad"):
        registry.preset("mnist", detector="deep")


def test_a_second_class_of_a_name_is_refused_and_the_first_stays():
    class Other(Detector):
        pass

    with pytest.raises(ValueError, match="Detector ssae is already SSAE: give yours another name"):
        registry.register("ssae")(Other)
    assert registry.find("ssae") is SSAE


def test_the_same_class_may_be_registered_again(monkeypatch):
    """As in a notebook whose cell runs twice."""
    monkeypatch.setattr(registry, "_DETECTORS", dict(registry._DETECTORS))
    first = registry.find(own_detector.NAME)
    own_detector.plugins.load([own_detector.PATH])
    again = registry.find(own_detector.NAME)
    assert again is not first and again.__qualname__ == first.__qualname__
