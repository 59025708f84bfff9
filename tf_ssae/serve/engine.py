"""A stored model that many requests ask at a time; the event loop never waits for a computation."""

import asyncio
import concurrent.futures
import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from tf_ssae.calibration import Calibration, Description
from tf_ssae.data.decode import check_size
from tf_ssae.data.reader import ReadFile, TileReader
from tf_ssae.evaluation import whole_map
from tf_ssae.evaluation.regions import regions
from tf_ssae.ops.batched import Arrays
from tf_ssae.ops.limits import Limits
from tf_ssae.ops.tiles import largest
from tf_ssae.scoring import places, readers
from tf_ssae.scoring.rows import Row, Rows
from tf_ssae.serve.batcher import Batcher
from tf_ssae.serve.limits import Refused
from tf_ssae.serve.metrics import Metrics

Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the model says of N images with T tiles in all.

    Attributes:
        outputs: of every tile, `[T, ...]` each.
        source: int `[T]`, the image of each tile.
        scores: `{score name: float32 [N]}`; NaN where there is an error.
        errors: why an image has no scores, N sentences; empty where it has.
    """

    outputs: Arrays
    source: np.ndarray
    scores: Arrays
    errors: Sequence[str]

    @property
    def fine(self) -> np.ndarray:
        """bool `[N]`, which images have scores."""
        return np.array([not error for error in self.errors])


class Engine:
    """Reads, scores and explains images, for coroutines.

    Attributes:
        name, version: of the model, as TF Serving has them: those of `exported/NAME/VERSION`; of a
            run or a file its own name, and "1".
        metrics: what it counts.
    """

    def __init__(self, path: pathlib.Path, limits: Limits):
        """`path`, and what is raised: see `readers.load`. `limits`: photos beyond them are
        unreadable.
        """
        self._reader, self._limits = readers.load(path), limits
        self.name, self.version = _name(path)
        self.metrics = Metrics(self.name, self.version)
        self._tiles = TileReader.of(self.description, limits)
        self._rows = Rows(self.calibration)
        self._pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count(), "reader")
        functions = {
            "score": self._reader.score,
            "map": self._reader.score_and_map,
            "explain": self._reader.explain,
        }
        # What follows compiles: no photo is to wait for that.
        self._tiles.prepare()
        first = {kind: function(self.black) for kind, function in functions.items()}
        self.explained = {name: values.shape[1:] for name, values in first["explain"].items()}
        self._batcher = Batcher(functions, self._reader.gathered)

    @property
    def description(self) -> Description:
        """What images it takes."""
        return self._reader.description

    @property
    def calibration(self) -> Calibration:
        """Which score decides, above what."""
        return self._reader.calibration

    @property
    def has_maps(self) -> bool:
        """See `readers.Reader.has_maps`."""
        return self._reader.has_maps

    @property
    def is_alive(self) -> bool:
        """Whether it still answers."""
        return self._batcher.is_alive

    def close(self) -> None:
        """Lets go of its threads; what waits for them is cancelled."""
        self._batcher.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """`function(*arguments)`, computed beside the event loop, as many at a time as there are
        cores.
        """
        call = functools.partial(function, *arguments)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def read(self, files: Sequence[bytes]) -> list[ReadFile]:
        """A ReadFile of every image file, readable or not."""
        read = functools.partial(self._tiles.of_bytes, path=pathlib.Path("photo"))
        found = await asyncio.gather(*(self.in_thread(read, data) for data in files))
        self.metrics.unreadable.inc(sum(bool(file.error) for file in found))
        return found

    @property
    def black(self) -> np.ndarray:
        """A tile, `[1, S, S, C]`, in place of those of a file that cannot be read."""
        return self._reader.black

    def cut(self, images: np.ndarray) -> list[np.ndarray]:
        """uint8 `[N, H, W, C] ->` the tiles of each, `[t, S, S, C]`. Raises UnreadableImage for a
        size that no detector takes.
        """
        check_size(images.shape[2], images.shape[1], self._limits)
        return [self._tiles.cut(image) for image in images]

    async def answer(
        self, kind: str, tiles: Sequence[np.ndarray], errors: Sequence[str] | None = None
    ) -> Answer:
        """The Answer about images, from the tiles of each.

        Args:
            kind: "score"; "map": with what maps are made of; or "explain": see `Reader`.
            errors: see `Answer`; the tiles of such an image may be any.
        """
        source = np.repeat(np.arange(len(tiles)), [len(of_image) for of_image in tiles])
        joined = np.concatenate(tiles) if len(tiles) > 1 else tiles[0]
        self.metrics.batch.observe(len(joined))
        outputs = await asyncio.wrap_future(self._batcher.submit(kind, joined))
        scores = {name: largest(outputs[name], source) for name in self._rows.scores}
        finite = np.all([np.isfinite(values) for values in scores.values()], axis=0)
        said = [
            error or ("" if is_finite else "its scores are not numbers")
            for error, is_finite in zip(errors or [""] * len(tiles), finite)
        ]
        found = Answer(outputs, source, scores, said)
        of_fine = {name: values[found.fine] for name, values in scores.items()}
        self.metrics.decided(
            self.calibration.decisions(of_fine), self.calibration.p_values(of_fine)
        )
        for values in scores.values():
            values[~found.fine] = np.nan
        return found

    async def photo(self, data: bytes) -> tuple[Row, np.ndarray | None]:
        """The row of a photo, as `tf-ssae score` writes it, but with all in pixels of the upright
        photo; and its map, `[H, W]`, upright (see `whole_map`), None where there are none.

        Raises:
            Refused: 400, it cannot be read.
        """
        (file,) = await self.read([data])
        if file.error:
            raise Refused(400, file.error)
        answer = await self.answer("map", [file.tiles])
        if answer.errors[0]:
            raise Refused(400, answer.errors[0])
        return await self.in_thread(self._row, file, answer)

    def _row(self, file: ReadFile, answer: Answer) -> tuple[Row, np.ndarray | None]:
        anomaly_map = None
        if self.has_maps:
            anomaly_map = whole_map.of_outputs(answer.outputs, self.description, file.size)
        found = None if anomaly_map is None else lambda image: regions(anomaly_map)
        upright = dataclasses.replace(file, orientation=1)
        (row,) = self._rows.of_images([upright], answer.scores, found)
        return row, anomaly_map


def _name(path: pathlib.Path) -> tuple[str, str]:
    path = path.resolve()
    if (path / places.SAVED_MODEL).is_file() and path.name.isdigit():
        return path.parent.name, path.name
    return path.stem if path.is_file() else path.name, "1"
