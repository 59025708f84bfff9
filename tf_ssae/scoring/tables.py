"""Tables of scores as files: CSV, JSON lines and Parquet, a few rows in memory at a time."""

import csv
import json
import pathlib
from collections.abc import Iterable
from typing import Any

from tf_ssae.data.find import printable

_ROWS_AT_ONCE = 10_000
_TEXTS = ("path", "decision", "why", "error")


def _write_csv(rows: Iterable[dict[str, Any]], columns: list[str], path: pathlib.Path) -> None:
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _write_jsonl(rows: Iterable[dict[str, Any]], columns: list[str], path: pathlib.Path) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_parquet(rows: Iterable[dict[str, Any]], columns: list[str], path: pathlib.Path) -> None:
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema(
        [(name, pyarrow.string() if name in _TEXTS else pyarrow.float32()) for name in columns]
    )
    with parquet.ParquetWriter(path, schema) as writer:
        chunk = []
        for row in rows:
            # Parquet's text is UTF-8: bytes of a name that are not become an escape.
            chunk.append({**row, "path": printable(row["path"])})
            if len(chunk) == _ROWS_AT_ONCE:
                writer.write_table(pyarrow.Table.from_pylist(chunk, schema))
                chunk = []
        writer.write_table(pyarrow.Table.from_pylist(chunk, schema))


# A function of the rows (dicts), the names of the columns and a path, for each ending.
WRITERS = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}
