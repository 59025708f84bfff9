"""A table in parts: a folder of files, each whole or not there, which pandas, Spark and DuckDB read
as one.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import filelock
import pyarrow
from pyarrow import fs, parquet

from tf_ssae.cluster import uri
from tf_ssae.scoring.tables import WRITERS
from tf_ssae.system.files import TEMPORARY
from tf_ssae.system.text import first_line

if TYPE_CHECKING:
    from tf_ssae.scoring.rows import Row

ENDINGS = (".parquet", ".jsonl")
# Of pyarrow: they show a file when all of it has come, and rename by copying.
_OBJECT_STORES = ("s3", "gcs", "abfs")
# Readers of such a folder pass over what begins so.
_HEADER, _SUMMARY = "_scoring.json", "_summary.json"


def require_parts(output: str) -> None:
    """Raises ValueError for a name that does not say which kind of parts is meant."""
    if not output.endswith(ENDINGS):
        raise ValueError(
            f"--output={uri.shown(output)}: expected a folder whose name ends in"
            f" {' or '.join(ENDINGS)}, for a table in parts."
        )


class Parts:
    """`part-00000.parquet` and on, in a folder of this machine or at a URI; a context manager.

    Only one process may write them: of a folder of this machine a lock sees to that.
    """

    def __init__(self, output: str, description: dict[str, Any], columns: Sequence[str]):
        """
        Args:
            output: a folder, here or as a URI, with one of ENDINGS.
            description: JSON values: what the rows depend on, but for the images.
            columns: of every row, in order.

        Raises:
            FileExistsError: the table is finished, or another process is writing it.
            ValueError: what is there is no such table, or is of another model.
            OSError: the file system does not answer, or refuses.
        """
        require_parts(output)
        self.output, self._columns = uri.shown(output), list(columns)
        self._ending = next(ending for ending in ENDINGS if output.endswith(ending))
        if uri.is_uri(output):
            self._filesystem, self._folder = uri.opened(output)
        else:
            self._filesystem, self._folder = fs.LocalFileSystem(), os.path.abspath(output)
        self._header = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()
        self._open = contextlib.ExitStack()
        self._parts: list[str] = []

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            try:
                self._filesystem.create_dir(self._folder, recursive=True)
                if isinstance(self._filesystem, fs.LocalFileSystem):
                    self._lock(opened)
                self._look()
            except (FileExistsError, ValueError):
                raise
            except OSError as error:
                raise OSError(f"{self.output} cannot be written: {first_line(error)}") from error
            self._open = opened.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.close()

    def _lock(self, opened: contextlib.ExitStack) -> None:
        lock = filelock.FileLock(os.path.join(self._folder, ".lock"), timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise FileExistsError(f"Another process is writing {self.output}.") from None
        opened.callback(lock.release)
        # Called before it is released: after that it could be another process' lock.
        opened.callback(pathlib.Path(lock.lock_file).unlink, missing_ok=True)

    def _look(self) -> None:
        """Finds the parts that are there, and checks that they are of this scoring."""
        found = self._filesystem.get_file_info(fs.FileSelector(self._folder))
        names = sorted(info.base_name for info in found)
        if _SUMMARY in names:
            raise FileExistsError(f"{self.output} is finished. Pass another --output.")
        if _HEADER in names:
            if json.loads(self._read(_HEADER))["scoring"] != self._header:
                raise ValueError(
                    f"{self.output} was started with another model or other flags. Pass another"
                    " --output, or remove it."
                )
        elif any(not name.startswith(".") for name in names):
            raise FileExistsError(f"{self.output} holds other files. Pass another --output.")
        else:
            self._write(_HEADER, json.dumps({"scoring": self._header}).encode())
        self._parts = [name for name in names if name.endswith(self._ending)]

    def rows(self) -> Iterator["Row"]:
        """All rows so far; in memory is one part. Raises ValueError for a damaged part."""
        for name in self._parts:
            try:
                data = self._read(name)
                if self._ending == ".parquet":
                    rows = parquet.read_table(pyarrow.BufferReader(data)).to_pylist()
                else:
                    lines = data.decode("utf-8", "surrogateescape").split("\n")
                    rows = [json.loads(line) for line in lines if line]
                if any(list(row) != self._columns for row in rows):
                    raise ValueError("it has other columns")
            except (ValueError, pyarrow.ArrowException) as error:
                raise ValueError(
                    f"{name} in {self.output} is damaged: {first_line(error)}. Remove it: its"
                    " images are then scored again."
                ) from error
            yield from rows

    def add(self, rows: Sequence["Row"]) -> None:
        """Writes rows as one more part."""
        number = int(self._parts[-1].removeprefix("part-")[:8]) + 1 if self._parts else 0
        name = f"part-{number:08}{self._ending}"
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            WRITERS[self._ending](rows, self._columns, path)
            self._write(name, path.read_bytes())
        self._parts.append(name)

    def finish(self, summary: dict[str, Any]) -> None:
        """Says that the table is complete. `summary`: JSON values about it."""
        self._write(_SUMMARY, json.dumps(summary, indent=2).encode())

    def _read(self, name: str) -> bytes:
        with self._filesystem.open_input_stream(f"{self._folder}/{name}") as file:
            return file.read()

    def _write(self, name: str, data: bytes) -> None:
        """Writes a file that is whole or not there."""
        path = f"{self._folder}/{name}"
        if self._filesystem.type_name in _OBJECT_STORES:
            self._stream(path, data)
        else:
            written = f"{self._folder}/.{name}{TEMPORARY}"
            self._stream(written, data)
            self._filesystem.move(written, path)

    def _stream(self, path: str, data: bytes) -> None:
        with self._filesystem.open_output_stream(path) as file:
            file.write(data)
