"""Detectors by name. Each registers itself, in this package or in a file of the user's own."""

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import keras

from tf_ssae.config import PRESETS, Config
from tf_ssae.detectors import own
from tf_ssae.detectors.base import Detector
from tf_ssae.networks.precision import fastest

_DETECTORS: dict[str, type[Detector]] = {}


def register(name: str) -> Callable[[type[Detector]], type[Detector]]:
    """A class decorator: makes a subclass of Detector the detector of `--detector=NAME`, and lets
    Keras find it when a run that it trained is loaded.

    Raises:
        ValueError: another class has this name.
    """

    def decorate(detector: type[Detector]) -> type[Detector]:
        other = _DETECTORS.get(name, detector)
        if other.__qualname__ != detector.__qualname__:
            raise ValueError(
                f"Detector {name} is already {other.__qualname__}: give yours another name."
            )
        _DETECTORS[name] = detector
        return keras.saving.register_keras_serializable(package="tf_ssae", name=name)(detector)

    return decorate


def names() -> list[str]:
    """The names of all detectors, sorted."""
    return sorted({*own.modules(), *_DETECTORS})


def find(name: str) -> type[Detector]:
    """The class of a detector. Raises ValueError, with all names, for an unknown name."""
    modules = own.modules()
    if name not in _DETECTORS and name in modules:
        importlib.import_module(modules[name])
    if name not in _DETECTORS:
        raise own.unknown(name, names())
    return _DETECTORS[name]


def preset(dataset: str, **overrides: Any) -> Config:
    """The Config of the presets of a data set and a detector, with `overrides` on top.

    Raises:
        ValueError: for a detector that does not exist, or settings that it cannot have.
    """
    default = PRESETS.get(dataset, {}).get("detector", Config.detector)
    detector = find(overrides.get("detector", default))
    presets = {**detector.presets.get("", {}), **detector.presets.get(dataset, {})}
    if "epochs" in overrides:
        # A length that is asked for is not overridden by a preset's number of steps.
        presets.pop("steps", None)
    config = Config(**{"dataset": dataset, **PRESETS.get(dataset, {}), **presets, **overrides})
    detector.check_settings(config)
    return config


def make(config: Config, image_shape: tuple[int, ...]) -> Detector:
    """The untrained detector of `config.detector` for images of `image_shape` `(S, S, C)`, ready
    for training. In its settings precision "auto" has become what this machine is fastest in.
    """
    method = find(config.detector)
    if config.precision == "auto":
        precision = fastest() if method.computes_in_bfloat16 else "float32"
        config = dataclasses.replace(config, precision=precision)
    detector = method(config, image_shape)
    detector.set_precision()
    detector.compile_from_settings()
    return detector
