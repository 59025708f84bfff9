import dataclasses

import pytest
from absl import flags

from tf_ssae.cli import settings
from tf_ssae.cli.verb import UsageError
from tf_ssae.config import Config


@pytest.fixture
def parsed():
    """A function of flags that returns the settings which they name."""

    def parse(*arguments):
        flag_values = flags.FlagValues()
        settings.define(flag_values, without=("anomaly",))
        flag_values(["program", *arguments])
        return settings.given(flag_values)

    return parse


def test_only_what_is_given_is_a_setting(parsed):
    given = parsed("--epochs=3", "--alpha=1", "--nojit_compile", "--decision=a_rec")
    assert given == {"epochs": 3, "alpha": 1.0, "jit_compile": False, "decision": "a_rec"}
    assert type(given["alpha"]) is float and parsed() == {}


def test_a_field_left_out_has_no_flag(parsed):
    with pytest.raises(flags.UnrecognizedFlagError):
        parsed("--anomaly=3")


def test_a_setting_that_cannot_be_is_refused(parsed):
    with pytest.raises(UsageError, match="batch_size=1: expected 2 or more"):
        parsed("--batch_size=1")


def test_a_flags_help_lists_choices_and_default():
    said = {field.name: settings.flag_help(field) for field in dataclasses.fields(Config)}
    assert said["rotations"].endswith(" One of all, sampled. Default: all.")
    assert said["epochs"].endswith(" Default: 25.")
    assert "Default" not in said["data_dir"]
