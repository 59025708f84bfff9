"""Flags about which files are read, of verbs that take no settings of a run: `train` and `check`
have them as settings.
"""

from absl import flags

from tf_ssae.cli.verb import UsageError
from tf_ssae.ops.limits import LARGEST_FILE, LARGEST_IMAGE, MOST_SCANS, Limits

LIMITS = ("largest_image", "largest_file", "most_scans")


def define_accept_damaged(flag_values: flags.FlagValues) -> None:
    """Adds --accept_damaged."""
    flags.DEFINE_bool(
        "accept_damaged",
        False,
        "Take damaged JPEG and TIFF files as their decoder repairs them, and name them.",
        flag_values=flag_values,
    )


def define_limits(flag_values: flags.FlagValues) -> None:
    """Adds a flag for each of `Limits`."""
    flags.DEFINE_float(
        "largest_image",
        LARGEST_IMAGE,
        "Images of more megapixels are refused; at most 100.",
        flag_values=flag_values,
    )
    flags.DEFINE_float(
        "largest_file",
        LARGEST_FILE,
        "Files of more megabytes are refused.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "most_scans",
        MOST_SCANS,
        "JPEG files of more scans, which take long to decode, are refused.",
        flag_values=flag_values,
    )


def limits(flag_values: flags.FlagValues) -> Limits:
    """The Limits that the command line names. Raises UsageError for what they cannot be."""
    try:
        return Limits(**{name: flag_values[name].value for name in LIMITS})  # type: ignore[arg-type]
    except ValueError as error:
        raise UsageError(f"--{error}") from None
