"""From files that were read to rows: the tiles of many are scored together."""

from collections.abc import Iterable, Iterator

import numpy as np

from tf_ssae.data.reader import ReadFile
from tf_ssae.evaluation.regions import Region
from tf_ssae.ops.tiles import largest
from tf_ssae.scoring import mapped
from tf_ssae.scoring.map_folder import MapFolder
from tf_ssae.scoring.readers import Reader
from tf_ssae.scoring.rows import Row, Rows

# Of files that cannot be read, which have no tiles, no more wait for their rows.
_MOST_FILES = 1024


def scored(
    reader: Reader, files: Iterable[ReadFile], rows: Rows, map_folder: MapFolder | None = None
) -> Iterator[Row]:
    """Yields one row per file, in order. `rows` makes them.

    `map_folder`: where pictures of the anomalies are written, each before its row is yielded.
    """
    waiting: list[ReadFile] = []

    def flush() -> Iterator[Row]:
        readable = [file for file in waiting if not file.error]
        scores = {}
        if readable:
            source = np.repeat(np.arange(len(readable)), [len(file.tiles) for file in readable])
            of_tiles = reader.score_and_map(np.concatenate([file.tiles for file in readable]))
            scores = {name: largest(of_tiles.pop(name), source) for name in rows.scores}

        def regions_of(image: int) -> list[Region]:
            outputs = {name: values[source == image] for name, values in of_tiles.items()}
            return mapped.regions_of(readable[image], outputs, reader.description, map_folder)

        made = iter(rows.of_images(readable, scores, regions_of if reader.has_maps else None))
        for file in waiting:
            yield rows.of_unreadable(file.path, file.error) if file.error else next(made)
        waiting.clear()

    held = 0
    for file in files:
        waiting.append(file)
        held += len(file.tiles)
        if held >= reader.gathered or len(waiting) >= _MOST_FILES:
            yield from flush()
            held = 0
    yield from flush()
