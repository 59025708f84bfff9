"""Rows on their way to a table: kept as they come, so that a process which is broken off loses
none.
"""

import fcntl
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator
from typing import Any, Self


class PartialTable:
    """The rows so far, one JSON line each, after a line that tells what they belong to.

    Attributes:
        done: how many rows an earlier process left.
    """

    def __init__(self, path: pathlib.Path, paths: list[pathlib.Path], description: dict[str, Any]):
        """Looks at what an earlier process left, cutting off a line that it did not finish.

        Raises:
            ValueError: it is of other images or another model.
            FileExistsError: another process is writing it.
        """
        self.path = path
        names = b"\n".join(map(os.fsencode, paths))
        model = json.dumps(description, sort_keys=True).encode()
        header = {
            "images": hashlib.sha256(names).hexdigest(),
            "model": hashlib.sha256(model).hexdigest(),
        }
        self._file = open(path, "ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileExistsError(f"Another process is writing {path}.") from None
        self._file.seek(0)
        whole, lines = 0, 0
        first = json.dumps(header).encode() + b"\n"
        for line in self._file:
            if lines == 0 and not first.startswith(line):
                raise ValueError(
                    f"{path} was begun with other images or another model. Remove it to start anew."
                )
            if not line.endswith(b"\n"):
                break
            whole, lines = whole + len(line), lines + 1
        self._file.truncate(whole)
        if not lines:
            self.write(header)
        self.done = max(0, lines - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._file.close()

    def write(self, row: dict[str, Any]) -> None:
        """Adds a row, a dict of JSON values."""
        self._file.write(
            (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8", "surrogateescape")
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yields all rows, an earlier process' too."""
        if not self._file.closed:
            self._file.flush()
        with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
            next(file)
            yield from map(json.loads, file)
