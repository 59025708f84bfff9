"""Scores the tiles of many requests together: while one batch is scored, the next one gathers."""

import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future

import numpy as np

from tf_ssae.ops.batched import Arrays

Function = Callable[[np.ndarray], Arrays]


class _Work:
    def __init__(self, kind: str, tiles: np.ndarray):
        self.kind, self.tiles, self.answer = kind, tiles, Future[Arrays]()


class Batcher:
    """Calls functions of tiles `[N, S, S, C]` from one thread of its own: the interpreter of a
    `.tflite` file takes one call at a time, and TensorFlow divides one among the cores by itself.
    """

    def __init__(self, functions: Mapping[str, Function], gathered: int):
        """`functions`: by name; each treats every tile alone. `gathered`: a batch is scored once it
        has so many tiles, or nothing waits.
        """
        self._functions, self._gathered = functions, gathered
        self._waiting: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="batcher")
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it still answers."""
        return self._thread.is_alive() and not self._closing.is_set()

    def submit(self, kind: str, tiles: np.ndarray) -> "Future[Arrays]":
        """The outputs of the function `kind` for tiles `[N, S, S, C]`, N at least 1. A future that
        is cancelled before its turn costs nothing.
        """
        work = _Work(kind, tiles)
        self._waiting.put(work)
        if self._closing.is_set():
            work.answer.cancel()
        return work.answer

    def close(self) -> None:
        """Ends the thread after the batch that it works on; what waits is cancelled."""
        self._closing.set()
        self._waiting.put(None)

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, tiles = [first], len(first.tiles)
            while tiles < self._gathered:
                try:
                    work = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if work is None:
                    break
                batch.append(work)
                tiles += len(work.tiles)
            for kind in dict.fromkeys(work.kind for work in batch):
                if not self._closing.is_set():
                    _answer(self._functions[kind], [work for work in batch if work.kind == kind])
            if self._closing.is_set():
                self._cancel(batch)
                return

    def _cancel(self, batch: list[_Work]) -> None:
        for work in batch:
            work.answer.cancel()
        while True:
            try:
                waiting = self._waiting.get_nowait()
            except queue.Empty:
                return
            if waiting is not None:
                waiting.answer.cancel()


def _answer(function: Function, batch: list[_Work]) -> None:
    batch = [work for work in batch if work.answer.set_running_or_notify_cancel()]
    if not batch:
        return
    try:
        outputs = function(np.concatenate([work.tiles for work in batch]))
    # Whatever it is, each of those who wait is to hear of it, and the next batch to be scored.
    except Exception as error:
        for work in batch:
            work.answer.set_exception(error)
        return
    start = 0
    for work in batch:
        stop = start + len(work.tiles)
        # Copies: a slice would keep the whole batch in memory.
        own = {name: values[start:stop].copy() for name, values in outputs.items()}
        work.answer.set_result(own)
        start = stop
