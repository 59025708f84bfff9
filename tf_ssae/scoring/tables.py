"""Tables of scores as files: CSV, JSON lines, Parquet, and COCO's JSON; a few rows in memory at a
time.
"""

import csv
import json
import pathlib
import sys
from collections.abc import Iterable
from typing import Any

from tf_ssae.scoring import coco
from tf_ssae.system.text import csv_cell, printable

_ROWS_AT_ONCE = 10_000
_TEXTS = ("path", "decision", "why", "error")
_WHOLE_NUMBERS = ("width", "height")


def _write_csv(rows: Iterable[dict[str, Any]], columns: list[str], path: pathlib.Path) -> None:
    with open(path, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            texts = {name: csv_cell(row[name]) for name in _TEXTS if isinstance(row[name], str)}
            writer.writerow({**{name: cell(row[name]) for name in columns}, **texts})


def cell(value: Any) -> Any:
    """A value for a table of text: of a list, how many there are."""
    return len(value) if isinstance(value, list) else value


def _write_jsonl(rows: Iterable[dict[str, Any]], columns: list[str], path: pathlib.Path) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        for row in rows:
            file.write(json_line(row, columns))


def _write_parquet(rows: Iterable[dict[str, Any]], columns: list[str], path: pathlib.Path) -> None:
    import pyarrow
    from pyarrow import parquet

    region = pyarrow.struct(
        {
            "box": pyarrow.list_(pyarrow.int32(), 4),
            "area": pyarrow.int64(),
            "peak": pyarrow.float32(),
            "centre": pyarrow.list_(pyarrow.float32(), 2),
        }
    )
    types = {
        "regions": pyarrow.list_(region),
        **dict.fromkeys(_TEXTS, pyarrow.string()),
        **dict.fromkeys(_WHOLE_NUMBERS, pyarrow.int32()),
    }
    schema = pyarrow.schema([(name, types.get(name, pyarrow.float32())) for name in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        chunk = []
        for row in rows:
            # Parquet's text is UTF-8: other bytes in a name are escaped.
            chunk.append({**row, "path": printable(row["path"])})
            if len(chunk) == _ROWS_AT_ONCE:
                writer.write_table(pyarrow.Table.from_pylist(chunk, schema))
                chunk = []
        writer.write_table(pyarrow.Table.from_pylist(chunk, schema))


def json_line(row: dict[str, Any], columns: list[str]) -> str:
    """A row as one line of JSON."""
    return json.dumps({name: row[name] for name in columns}, ensure_ascii=False) + "\n"


def print_rows(rows: Iterable[dict[str, Any]], columns: list[str]) -> None:
    """Writes rows to the standard output as JSON lines, and hands them on at once."""
    text = "".join(json_line(row, columns) for row in rows)
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


# A function of the rows (dicts), the names of the columns and a path, for each suffix.
WRITERS = {
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
    ".json": coco.write,
}
