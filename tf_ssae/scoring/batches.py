"""From files that were read to rows: the tiles of many are scored together."""

from collections.abc import Iterable, Iterator

import numpy as np

from tf_ssae.data.reader import ReadFile
from tf_ssae.ops.tiles import largest
from tf_ssae.scoring import readers
from tf_ssae.scoring.readers import Reader
from tf_ssae.scoring.rows import Row, Rows


def scored(reader: Reader, files: Iterable[ReadFile], rows: Rows) -> Iterator[Row]:
    """Yields one row per file, in order. `rows` makes them."""
    waiting: list[ReadFile] = []

    def flush() -> Iterator[Row]:
        readable = [file for file in waiting if not file.error]
        scores = {}
        if readable:
            source = np.repeat(np.arange(len(readable)), [len(file.tiles) for file in readable])
            of_tiles = reader.score(np.concatenate([file.tiles for file in readable]))
            scores = {name: largest(of_tiles[name], source) for name in rows.scores}
        made = iter(rows.of_images([file.path for file in readable], scores))
        for file in waiting:
            yield rows.of_unreadable(file.path, file.error) if file.error else next(made)
        waiting.clear()

    held = 0
    for file in files:
        waiting.append(file)
        held += len(file.tiles)
        if held >= readers.BATCH_SIZE or len(waiting) >= 4 * readers.BATCH_SIZE:
            yield from flush()
            held = 0
    yield from flush()
