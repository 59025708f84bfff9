"""The most and the least anomalous images of a scoring, for its report."""

import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from tf_ssae.calibration import Calibration
from tf_ssae.data.reader import TileReader
from tf_ssae.report import Card, gallery
from tf_ssae.scoring.readers import Reader
from tf_ssae.scoring.suspects import keep

# Score (of the least anomalous, minus it) and path.
_Entry = tuple[float, str]


class Extremes:
    """Keeps the rows with the highest and those with the lowest deciding score, as many as a report
    shows.
    """

    def __init__(self, calibration: Calibration):
        self._calibration = calibration
        self._most: list[_Entry] = []
        self._least: list[_Entry] = []

    def add(self, row: dict[str, Any]) -> None:
        """Looks at a row of a readable image."""
        score, path = row[self._calibration.deciding_score], row["path"]
        keep(self._most, (score, path), gallery.SHOWN)
        keep(self._least, (-score, path), gallery.SHOWN)

    def galleries(
        self, reader: Reader, tile_reader: TileReader
    ) -> Iterator[tuple[str, str, tuple[Card, ...]]]:
        """Those of a Report: see `gallery.extremes`. `reader` and `tile_reader` read the images
        again.
        """
        most, least = (
            self._cards(reader, tile_reader, sorted(heap, reverse=True))
            for heap in (self._most, self._least)
        )
        return gallery.extremes(most, least)

    def _cards(
        self, reader: Reader, tile_reader: TileReader, ranked: list[_Entry]
    ) -> tuple[Card, ...]:
        """One Card per image: of the tile that scores highest."""
        chosen, names, notes = [], [], []
        for read in tile_reader.read([pathlib.Path(path) for _, path in ranked]):
            # Removed since it was scored.
            if read.error:
                continue
            count, best, note = len(read.tiles), 0, ""
            if count > 1:
                scores = reader.score(read.tiles)[self._calibration.deciding_score]
                best = int(np.argmax(scores))
                note = f"tile {best + 1} of {count}"
            chosen.append(read.tiles[best])
            names.append(str(read.path))
            notes.append(note)
        if not chosen:
            return ()
        shown = np.stack(chosen)
        return gallery.cards(reader.explain(shown), shown, names, notes, self._calibration)
