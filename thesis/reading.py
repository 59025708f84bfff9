"""The flags of the programs that read stored results."""

import argparse
import sys
from collections.abc import Sequence

from thesis import results


def new_parser(doc: str | None) -> argparse.ArgumentParser:
    """A parser without flags, whose --help begins with the program's own docstring."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )


def parser(
    doc: str | None, grids: Sequence[str] = ("table_5_1", "smoke")
) -> argparse.ArgumentParser:
    """The flags that name stored results of one of the grids, by default of the first."""
    flags = new_parser(doc)
    flags.add_argument("--grid", default=grids[0], choices=grids, help="The grid that was run.")
    flags.add_argument(
        "--scale", help="Its scale, a folder such as full. May be left out if there is only one."
    )
    flags.add_argument("--results", default=results.DEFAULT, help="Folder of all results.")
    return flags


def load(given: argparse.Namespace) -> results.Results:
    """The results that the flags name. Ends the program, with the reason, if there are none."""
    try:
        return results.load(given.results, given.grid, given.scale)
    except ValueError as error:
        sys.exit(f"Error: {error}")
