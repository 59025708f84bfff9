"""The anomalies of a scoring, and what it missed, for its report."""

import functools
import heapq
import itertools
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tf_ssae.calibration import Calibration
from tf_ssae.data.layout import GOOD
from tf_ssae.data.reader import TileReader
from tf_ssae.report import Photo
from tf_ssae.report.photos import LISTED, PICTURED, Suspect, link, pictured
from tf_ssae.scoring.readers import Reader

_MISSES = 48

# Score (of what was missed, minus it), path, p-value and why.
_Entry = tuple[float, str, float | None, str]


class Suspects:
    """Keeps the most anomalous rows, and the least anomalous ones of known defects, as many as a
    report shows.
    """

    def __init__(self, calibration: Calibration):
        self._calibration = calibration
        self._anomalies: list[_Entry] = []
        self._misses: list[_Entry] = []

    def add(self, row: dict[str, Any], kind: str | None) -> None:
        """Looks at a row of a readable image. `kind`: its class, None if unknown."""
        score = row[self._calibration.deciding_score]
        if row["decision"] == "anomaly":
            entry = (score, row["path"], row["p_value"], row["why"])
            keep(self._anomalies, entry, LISTED)
        elif kind not in (None, GOOD):
            keep(self._misses, (-score, row["path"], row["p_value"], ""), _MISSES)

    def photos(
        self,
        reader: Reader,
        tile_reader: TileReader,
        page: pathlib.Path,
        kind_of: Callable[[str], str | None],
        missed: bool,
    ) -> Iterator[Photo]:
        """Yields Photos: of anomalies, highest score first, or of what was missed, lowest first."""
        ranked = sorted(self._misses if missed else self._anomalies, key=lambda entry: -entry[0])

        def photo(entry: _Entry) -> Photo:
            score, path, p_value, why = entry
            kind = kind_of(path)
            return Photo(
                name=path,
                score=-score if missed else score,
                kind=kind or "",
                is_false=missed or kind == GOOD,
                p_value=p_value,
                fired=why if len(self._calibration.parts) > 1 else "",
                link=link(path, page),
            )

        waiting = iter(ranked)

        def suspects() -> Iterator[Suspect]:
            files = tile_reader.read([pathlib.Path(path) for _, path, *_ in ranked[:PICTURED]])
            for entry, file in zip(itertools.islice(waiting, PICTURED), files):
                # Otherwise removed since it was scored.
                if not file.error:
                    yield (
                        photo(entry),
                        file.tiles,
                        functools.partial(_decoded, tile_reader, file.path),
                    )

        yield from pictured(suspects(), reader.explain, reader.description)
        yield from map(photo, waiting)


def _decoded(tile_reader: TileReader, path: pathlib.Path) -> np.ndarray:
    return tile_reader.pixels(path.read_bytes())[0]


def keep(heap: list[Any], entry: Any, most: int) -> None:
    """Adds an entry to a heap that holds the largest ones, at most so many."""
    push = heapq.heappush if len(heap) < most else heapq.heappushpop
    push(heap, entry)
