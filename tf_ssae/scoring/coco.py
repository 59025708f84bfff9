"""Regions as a file that tools for labelled images read: COCO's JSON."""

import json
import pathlib
import shutil
import tempfile
from collections.abc import Iterable
from typing import Any

from tf_ssae.system.text import printable


def write(rows: Iterable[dict[str, Any]], columns: list[str], path: pathlib.Path) -> None:
    """Writes `images`, one for each row that is not unreadable, and `annotations`, one for each
    region: `bbox`, `[x, y, width, height]`, and `area` in the file's own pixels, `score`, the
    region's peak in multiples of the level. They have no `segmentation`: `score --maps` writes
    masks.
    """
    # Annotations wait in a file until all images are written, so that memory does not grow.
    with (
        open(path, "w", encoding="utf-8") as file,
        tempfile.TemporaryFile("w+", encoding="utf-8", dir=path.parent) as waiting,
    ):
        file.write('{"categories": [{"id": 1, "name": "anomaly"}],\n"images": [')
        images = annotations = 0
        for row in rows:
            if row["decision"] == "unreadable":
                continue
            images += 1
            _append(file, images, _image(row, images))
            for region in row["regions"] or ():
                annotations += 1
                _append(waiting, annotations, _annotation(region, images, annotations))
        file.write('],\n"annotations": [')
        waiting.seek(0)
        shutil.copyfileobj(waiting, file)
        file.write("]}\n")


def _append(file: Any, number: int, value: dict[str, Any]) -> None:
    """Writes the value with this number, from 1, of a list."""
    file.write(("" if number == 1 else ",") + "\n" + json.dumps(value, ensure_ascii=False))


def _image(row: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": printable(row["path"]),
        "width": row["width"],
        "height": row["height"],
        "decision": row["decision"],
    }


def _annotation(region: dict[str, Any], image: int, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": region["box"],
        "area": region["area"],
        "iscrowd": 0,
        "score": region["peak"],
    }
