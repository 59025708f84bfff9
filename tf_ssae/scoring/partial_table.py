"""Rows of an unfinished table, stored as they are scored: an interrupted process loses none."""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, Self

import filelock


class PartialTable:
    """The rows so far, one JSON line each, after a line that names their images and their model.

    A context manager: when it ends, another process may write the file. Until then there is a lock
    file beside it; that of a killed process locks nothing.

    Attributes:
        done: the number of rows from earlier processes.
    """

    def __init__(
        self,
        path: pathlib.Path,
        paths: Sequence[pathlib.Path],
        description: dict[str, Any],
        columns: Sequence[str],
    ):
        """Reads the rows of an earlier process, and cuts off a line that it did not finish.

        `columns`: of every row, in order.

        Raises:
            ValueError: they are of other images or another model.
            FileExistsError: another process is writing the file.
        """
        self.path, self._columns = path, list(columns)
        names = b"\n".join(map(os.fsencode, paths))
        model = json.dumps(description, sort_keys=True).encode()
        header = {
            "images": hashlib.sha256(names).hexdigest(),
            "model": hashlib.sha256(model).hexdigest(),
        }
        self._lock = filelock.FileLock(path.with_name(path.name + ".lock"), timeout=0)
        try:
            self._lock.acquire()
        except filelock.Timeout:
            raise FileExistsError(f"Another process is writing {path}.") from None
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self._unlock)
            self._file = on_failure.enter_context(open(path, "ab+"))
            self.done = self._read(json.dumps(header).encode() + b"\n")
            on_failure.pop_all()

    def _read(self, header: bytes) -> int:
        """Counts the rows; cuts off an unfinished line, and writes the header of an empty file."""
        self._file.seek(0)
        whole, lines = 0, 0
        for line in self._file:
            if lines == 0 and not header.startswith(line):
                raise ValueError(
                    f"{self.path} was started with other images or another model. Remove it to"
                    " start again."
                )
            if not line.endswith(b"\n"):
                break
            whole, lines = whole + len(line), lines + 1
        self._file.truncate(whole)
        if not lines:
            self._file.write(header)
        return max(0, lines - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()
        self._unlock()

    def _unlock(self) -> None:
        # Before it is released: after that it could be another process' lock.
        pathlib.Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def write(self, row: dict[str, Any]) -> None:
        """Adds a row, a dict of JSON values."""
        self._file.write(
            (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields all rows, including those of earlier processes. Raises ValueError for a line that
        is not a row, such as a failing disk leaves.
        """
        if not self._file.closed:
            self._file.flush()
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            next(file)
            for number, line in enumerate(file, 2):
                yield self._row(line, number)

    def _row(self, line: str, number: int) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict) or list(row) != self._columns:
            raise ValueError(f"{self.path} is damaged at line {number}. Remove it to start again.")
        return row
