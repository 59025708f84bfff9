"""A table that grows by a row at a time, a file a day; a killed process leaves whole rows."""

import csv
import datetime
import io
import json
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, Self

import filelock

from tf_ssae.scoring.tables import cell, json_line

_DAY = "????-??-??"


def require_appendable(path: pathlib.Path) -> None:
    """Raises ValueError for a table to which rows cannot be appended."""
    if path.suffix not in (".csv", ".jsonl"):
        raise ValueError(
            f"--output={path}: expected a name that ends in .csv or .jsonl, to which rows can be"
            " appended, or - for the standard output."
        )


class DailyTable:
    """`scores-2026-11-26.csv` beside others, for `scores.csv`; a context manager, whose lock keeps
    a second process from writing them.

    Every row is appended, whole, as soon as it is known. A row that a killed process did not finish
    is cut off when the table is opened again.
    """

    def __init__(self, path: pathlib.Path, columns: list[str]):
        """`path`: ends in .csv or .jsonl.

        Raises:
            ValueError: another ending, or files of other columns are there.
            FileExistsError: another process writes it.
        """
        require_appendable(path)
        self._path, self._columns = path, columns
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(path.with_name(path.name + ".lock"), timeout=0)

    def __enter__(self) -> Self:
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise FileExistsError(f"Another process is writing {self._path}.") from None
        try:
            for file in self._files():
                self._mend(file)
        except BaseException:
            self._unlock()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._unlock()

    def _unlock(self) -> None:
        # Before it is released: after that it could be another process' lock.
        pathlib.Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields all rows of all days, oldest first; a CSV file's values are texts."""
        for file in self._files():
            with open(file, newline="", encoding="utf-8", errors="surrogateescape") as lines:
                if self._path.suffix == ".csv":
                    yield from csv.DictReader(lines)
                else:
                    yield from map(json.loads, lines)

    def append(self, rows: list[dict[str, Any]]) -> pathlib.Path:
        """Adds rows to today's file, the local day's. Returns its path."""
        path = self._path.with_stem(f"{self._path.stem}-{datetime.date.today().isoformat()}")
        text = "".join(map(self._line, rows))
        # Opened anew each time, so that a file may be moved away at any time. Unbuffered: rows go
        # to the system in one piece.
        with open(path, "ab", buffering=0) as file:
            if self._path.suffix == ".csv" and not file.tell():
                text = self._csv(self._columns) + text
            data = memoryview(text.encode("utf-8", "surrogateescape"))
            while data:
                data = data[file.write(data) :]
        return path

    def _line(self, row: dict[str, Any]) -> str:
        if self._path.suffix == ".csv":
            return self._csv([cell(row[name]) for name in self._columns])
        return json_line(row, self._columns)

    @staticmethod
    def _csv(values: list) -> str:
        line = io.StringIO()
        csv.writer(line).writerow(values)
        return line.getvalue()

    def _files(self) -> list[pathlib.Path]:
        return sorted(self._path.parent.glob(f"{self._path.stem}-{_DAY}{self._path.suffix}"))

    def _mend(self, path: pathlib.Path) -> None:
        """Cuts off an unfinished last row. Raises ValueError for a table of other columns, which is
        left as it is.
        """
        is_csv = self._path.suffix == ".csv"
        with open(path, "rb+") as file:
            first = file.readline()
            if first.endswith(b"\n"):
                self._require_columns(path, first.decode("utf-8", "surrogateescape"))
            file.seek(0)
            whole = _last_whole_row(file, self._is_row_of_csv if is_csv else _is_json)
            file.truncate(whole)
        if not whole:
            path.unlink()

    def _require_columns(self, path: pathlib.Path, first: str) -> None:
        try:
            found = next(csv.reader([first])) if path.suffix == ".csv" else list(json.loads(first))
        except ValueError:
            found = [first.strip()]
        if found != self._columns:
            raise ValueError(
                f"{path} has other columns ({', '.join(map(str, found))}): it is of another model."
                " Pass another --output."
            )

    def _is_row_of_csv(self, line: bytes) -> bool:
        # A quoted name may hold a line's end: then the rest of a row looks like a row.
        text = line.decode("utf-8", "surrogateescape")
        return len(next(csv.reader([text]), [])) == len(self._columns)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _last_whole_row(file: Any, is_row: Callable[[bytes], bool]) -> int:
    """The length of a file up to the end of its last whole row."""
    whole = position = 0
    for line in file:
        position += len(line)
        if line.endswith(b"\n") and is_row(line):
            whole = position
    return whole
