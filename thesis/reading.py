"""The flags of the programs that read stored results."""

import sys

from absl import flags

from thesis import results


def define_flags(grids=("table_5_1", "smoke")):
    """--grid, one of those that the program can read, the first by default; --scale and
    --results.
    """
    flags.DEFINE_enum("grid", grids[0], grids, "The grid that was run.")
    flags.DEFINE_string(
        "scale",
        None,
        "Name of its scale, a folder such as full. It may be left out if there is only one.",
    )
    flags.DEFINE_string("results", results.DEFAULT, "Folder of all results.")
    show_in_help("grid", "scale", "results")


def show_in_help(*names):
    """Makes the program's --help list these flags: by itself it lists those that the program's own
    file defines.
    """
    for name in names:
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])


def load():
    """The results.Results that the flags name. Ends the program, with the reason, if there are
    none.
    """
    try:
        return results.load(flags.FLAGS.results, flags.FLAGS.grid, flags.FLAGS.scale)
    except ValueError as error:
        sys.exit(f"Error: {error}")
