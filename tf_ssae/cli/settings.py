"""Every setting of a run as a flag, made from the fields of `Config`."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from absl import flags

from tf_ssae.cli.verb import UsageError
from tf_ssae.config import PRESETS, Config
from tf_ssae.detectors import own

DEFAULTS = "Data sets and detectors have presets, which replace the defaults given here."

_DEFINE: dict[Any, Callable] = {
    str: flags.DEFINE_string,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    bool: flags.DEFINE_bool,
}


def define(flag_values: flags.FlagValues, without: Collection[str] = ()) -> None:
    """Adds a flag for every field of `Config` except those in `without`; its default is None."""
    for field in dataclasses.fields(Config):
        if field.name not in without:
            _DEFINE[field.type](field.name, None, flag_help(field), flag_values=flag_values)


def flag_help(field: dataclasses.Field) -> str:
    """The help of a field of Config: what it means, its choices and its default."""
    choices, default = field.metadata["choices"], field.default
    parts = [field.metadata["help"]]
    if choices:
        parts.append(f"One of {', '.join(map(str, choices))}.")
    if default != "":
        parts.append(f"Default: {default}.")
    return " ".join(parts)


def given(flag_values: flags.FlagValues) -> dict[str, Any]:
    """The settings that the command line names. It imports no TensorFlow, so that mistakes are
    answered at once.

    Raises:
        UsageError: one of them is invalid; the message says which, and what was expected.
    """
    names = [field.name for field in dataclasses.fields(Config) if field.name in flag_values]
    values = {name: flag_values[name].value for name in names}
    settings = {name: value for name, value in values.items() if value is not None}
    try:
        Config(**settings)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return settings


def named(chosen: Mapping[str, Any], plugin: Sequence[str] = ()) -> Config:
    """The settings as far as they are known without TensorFlow: a detector may have other presets.
    Its name is checked, unless a plugin may have registered it.

    Raises:
        ValueError: no detector has this name.
    """
    presets = PRESETS.get(chosen.get("dataset", Config.dataset), {})
    made = Config(**{**presets, **chosen})
    if not plugin and made.detector not in own.modules():
        raise own.unknown(made.detector, own.modules())
    return made
