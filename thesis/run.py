"""Trains the runs of a grid that have no stored result, one after the other.

    python -m thesis.run --grid=smoke
    python -m thesis.run --grid=table_5_1 --max_train_images=6000 --epochs=5 --max_test_images=4000
    python -m thesis.run --grid=table_5_1 --dataset=mnist --detector=ssae,ensemble --seed=0
    python -m thesis.run --grid=table_5_1 --shard=1/4

Stop it with Ctrl-C, or kill it: run the same command to resume from the last finished epoch. Of
several started on one machine, each skips what another is training; machines of a cluster take a
shard of the grid each. TFDS_DATA_DIR names a folder of prepared data sets.
"""

import argparse
import dataclasses
import functools
import re
import sys
import zlib
from collections.abc import Sequence

from thesis import reading, results
from thesis.grids import GRIDS, Run, Scale
from thesis.worker import GridStopped, Worker

_FILTERS = {
    "dataset": "these data sets",
    "anomaly": "these configurations: the class that is the ANOMALY",
    "detector": "these detectors",
    "seed": "these seeds",
    "name": "the runs of these names, such as mnist-2-ssae-seed-0",
}


def main() -> None:
    given = _flags().parse_args()
    grid = GRIDS[given.grid]
    scale = Scale(**{field.name: getattr(given, field.name) for field in dataclasses.fields(Scale)})
    try:
        runs = shard(grid.select(**{name: getattr(given, name) for name in _FILTERS}), given.shard)
        say = functools.partial(print, flush=True)
        worker = Worker(grid, scale, given.results, given.work, say)
        if given.cluster:
            failed = worker.train_on(given.cluster, given.cpus, runs)
        else:
            failed = worker.train(runs)
    except (ValueError, OSError, GridStopped) as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run the same command to resume from the last finished epoch.")
    if failed:
        sys.exit(f"Error: {len(failed)} of {len(runs)} runs failed: {', '.join(failed)}.")


def shard(runs: Sequence[Run], which: str) -> list[Run]:
    """The I-th of N shares of the runs, for `which` "I/N". Raises ValueError for others."""
    found = re.fullmatch(r"(\d+)/(\d+)", which)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise ValueError(f"--shard={which}: expected I/N with I from 1 to N, such as 1/4.")
    # Neighbours in a grid are of different detectors: dealt out in their order, one machine would
    # get all of the slowest.
    mixed = sorted(runs, key=lambda run: zlib.crc32(run.name.encode()))
    own = set(mixed[int(found[1]) - 1 :: int(found[2])])
    return [run for run in runs if run in own]


def _flags() -> argparse.ArgumentParser:
    flags = reading.new_parser(__doc__)
    flags.add_argument("--grid", required=True, choices=sorted(GRIDS), help="See grids.py.")
    for name, only in _FILTERS.items():
        flags.add_argument(
            f"--{name}", type=lambda value: value.split(","), default=[], help=f"Only {only}."
        )
    flags.add_argument("--shard", default="1/1", help="I/N: share I of N, from 1.")
    flags.add_argument("--cluster", help="HOST:PORT of a Ray cluster's head, or local.")
    flags.add_argument("--cpus", type=int, default=1, help="With --cluster: CPUs of each run.")
    for field in dataclasses.fields(Scale):
        flags.add_argument(
            f"--{field.name}", type=field.type, default=field.default, help=field.metadata["help"]
        )
    flags.add_argument("--results", default=results.DEFAULT, help="Folder for the results.")
    flags.add_argument("--work", default="runs/thesis", help="Folder for unfinished runs.")
    return flags


if __name__ == "__main__":
    main()
