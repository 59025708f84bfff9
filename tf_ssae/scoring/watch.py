"""Scores what lies in a folder, then what arrives in it: a row each, within a second or so."""

import contextlib
import datetime
import os
import pathlib
from collections.abc import Callable, Iterator

from tf_ssae.data.reader import TileReader
from tf_ssae.ops.limits import DEFAULTS, Limits
from tf_ssae.scoring import readers
from tf_ssae.scoring.arrivals import Arrivals, Arrived, require_folder
from tf_ssae.scoring.batches import scored
from tf_ssae.scoring.daily_table import DailyTable, require_appendable
from tf_ssae.scoring.rows import Row, Rows
from tf_ssae.scoring.tables import print_rows

# At most so many images are scored before their rows are written.
_AT_ONCE = 32


class _Done:
    """The files that have a row; those that were removed since are forgotten now and then, so that
    memory does not grow with what a camera ever took.
    """

    def __init__(self) -> None:
        self._found: set[tuple[str, str]] = set()
        self._most = 10_000

    def __len__(self) -> int:
        return len(self._found)

    def holds(self, path: str | pathlib.Path, modified: str) -> bool:
        return (os.path.abspath(path), modified) in self._found

    def add(self, path: str | pathlib.Path, modified: str) -> None:
        self._found.add((os.path.abspath(path), modified))
        if len(self._found) > self._most:
            self._found = {pair for pair in self._found if os.path.exists(pair[0])}
            self._most = 2 * len(self._found) + 10_000


def watch(
    model_dir: str | pathlib.Path,
    folder: str | pathlib.Path,
    output: str | pathlib.Path,
    patience: float | None = None,
    said: Callable[[str], None] = print,
    limits: Limits = DEFAULTS,
    accept_damaged: bool = False,
) -> int:
    """Scores the images in a folder and below it, then those that arrive, until it is stopped.

    A file counts when its size and its time of change have stood still (`arrivals.STILL`). Its row
    is appended at once to the table of the day, `scores-2026-11-26.csv` for `scores.csv`. The
    columns are those of `run.score`, then `modified`, when the file was last changed, and `scored`,
    when its row was made, both ISO 8601 in UTC. A file with the same path and the same `modified`
    is scored once, however often the process is killed and started again.

    Args:
        model_dir: see `readers.load`.
        output: ends in .csv or .jsonl; or "-": JSON lines to the standard output, which remembers
            nothing, so each start begins with all that lies in the folder.
        patience: stop after so many seconds in which nothing came; None: never.
        said: takes sentences: when it begins to watch, and about what is not entered.
        limits, accept_damaged: see `run.score`.

    Returns:
        How many images were scored.

    Raises:
        FileNotFoundError: the model or the folder is not there, or the folder is gone.
        ValueError, FileExistsError: see `DailyTable`.
    """
    folder = pathlib.Path(folder)
    require_folder(folder)
    if str(output) != "-":
        require_appendable(pathlib.Path(output))
    reader = readers.load(model_dir)
    description = reader.description
    for warning in reader.warnings:
        said(f"WARNING: {warning}")
    rows = Rows(description.calibration)
    tiles = TileReader.of(description, limits, accept_damaged)
    # No photo is to wait for what is compiled first.
    tiles.prepare()
    reader.score_and_map(reader.black)
    done = _Done()
    count = 0
    with (
        _destination(output, [*rows.columns, "modified", "scored"], done) as write,
        Arrivals(folder, lambda found: done.holds(found.path, found.modified), said) as arrivals,
    ):
        said(f"Watching {folder}: {len(done):,} images have rows already. Ctrl-C stops it.")
        for batch in arrivals.batches(_AT_ONCE, patience):
            made = list(scored(reader, tiles.read(found.path for found in batch), rows))
            # What is gone by now was taken away before it could be read: no image, no row.
            kept = [pair for pair in zip(batch, made) if not _is_gone(*pair)]
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
            write([{**row, "modified": found.modified, "scored": now} for found, row in kept])
            for found, _ in kept:
                done.add(found.path, found.modified)
            count += len(kept)
    return count


def _is_gone(found: Arrived, row: Row) -> bool:
    return row["decision"] == "unreadable" and not found.path.exists()


@contextlib.contextmanager
def _destination(
    output: str | pathlib.Path, columns: list[str], done: _Done
) -> Iterator[Callable[[list[Row]], object]]:
    """A function that writes rows. Adds to `done` what has a row already."""
    if str(output) == "-":
        yield lambda rows: print_rows(rows, columns)
        return
    with DailyTable(pathlib.Path(output), columns) as table:
        for row in table.rows():
            done.add(row["path"], row["modified"])
        yield table.append
