"""Image files that arrive in a folder, each when it is complete."""

import datetime
import pathlib
import queue
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from tf_ssae.data.walk import is_image, walk

# A file counts as complete when its size and its time of change have stood still for so long.
STILL = 0.25  # seconds
_LOOK = 0.05
# The system's notices get lost where too many come at once, and on network drives there are none:
# the folder itself is looked through again after so long, or 20 times as long as that takes.
_SCAN = 5.0
_SCAN_SHARE = 20


class Arrived(NamedTuple):
    """A complete file, and when it was last changed, as ISO 8601 in UTC. Changed again, it is
    another arrival.
    """

    path: pathlib.Path
    modified: str


def require_folder(folder: pathlib.Path) -> None:
    """Raises FileNotFoundError unless there is such a folder to watch."""
    if not folder.is_dir():
        raise FileNotFoundError(f"--images={folder}: --watch needs a folder that exists.")


class Arrivals(FileSystemEventHandler):
    """Watches a folder and those below it that `data.walk` enters; a context manager. Hidden files
    are left out, so a program may write `.part1.png` and rename it.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        is_done: Callable[[Arrived], bool],
        said: Callable[[str], object],
    ):
        """
        Args:
            is_done: whether a file that is found needs no work.
            said: takes sentences about what is not entered, each once.

        Raises:
            FileNotFoundError: there is no such folder.
        """
        require_folder(folder)
        self._folder, self._is_done, self._say = folder, is_done, said
        # The folders that were entered, and what was said of the others.
        self._entered: set[pathlib.Path] = set()
        self._notes: frozenset[str] = frozenset()
        self._noticed: queue.SimpleQueue[str] = queue.SimpleQueue()
        # What was noticed, its size and time of change, and since when they stand still.
        self._waiting: dict[pathlib.Path, tuple[tuple[int, int], float]] = {}
        self._next_scan = self._soonest_scan = 0.0
        self._observer = Observer()

    def __enter__(self) -> Self:
        self._observer.schedule(self, str(self._folder), recursive=True)
        self._observer.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._observer.stop()
        self._observer.join()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Takes a notice of the system, in the observer's thread."""
        if event.event_type in ("created", "modified", "closed", "moved"):
            self._noticed.put(str(event.dest_path or event.src_path))

    def batches(self, most: int, patience: float | None = None) -> Iterator[list[Arrived]]:
        """Yields complete files, oldest first, at most `most` at once, until nothing came for
        `patience` seconds (None: for ever).
        """
        quiet_since = time.monotonic()
        while True:
            found = self._complete()
            for start in range(0, len(found), most):
                yield found[start : start + most]
            now = time.monotonic()
            if found or self._waiting:
                quiet_since = now
            if patience is not None and now - quiet_since >= patience:
                return
            time.sleep(_LOOK)

    def _complete(self) -> list[Arrived]:
        """The files that have stood still; the others go on waiting."""
        if time.monotonic() >= self._next_scan:
            self._scan()
        while not self._noticed.empty():
            path = pathlib.Path(self._noticed.get())
            if path.parent not in self._entered:
                # Of a folder that is new, or that is not to be entered: a walk will tell.
                self._next_scan = min(self._next_scan, self._soonest_scan)
            elif path not in self._waiting:
                self._waiting[path] = ((-1, -1), 0.0)
        found = []
        for path, (before, since) in list(self._waiting.items()):
            state = self._state(path)
            if state is None:
                del self._waiting[path]
            elif state != before:
                self._waiting[path] = (state, time.monotonic())
            elif time.monotonic() - since >= STILL:
                del self._waiting[path]
                arrived = Arrived(path, _iso(state[1]))
                if not self._is_done(arrived):
                    found.append((state[1], arrived))
        return [arrived for _, arrived in sorted(found)]

    def _scan(self) -> None:
        """Looks through the folder. Raises OSError if it is gone."""
        began = time.monotonic()
        if not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is gone: it was removed, or its drive was.")
        found = walk(self._folder)
        self._entered = {self._folder, *found.folders}
        for note in found.notes:
            if note not in self._notes:
                self._say(note)
        self._notes = frozenset(found.notes)
        for path in found.images:
            if path in self._waiting:
                continue
            state = self._state(path)
            if state is not None and not self._is_done(Arrived(path, _iso(state[1]))):
                self._waiting[path] = (state, time.monotonic())
        ended = time.monotonic()
        self._soonest_scan = ended + max(STILL, _SCAN_SHARE * (ended - began))
        self._next_scan = max(ended + _SCAN, self._soonest_scan)

    def _state(self, path: pathlib.Path) -> tuple[int, int] | None:
        """Size and time of change, in microseconds; None for what is not an image file, or gone."""
        try:
            if path.name.startswith(".") or not (is_image(path) and path.is_file()):
                return None
            found = path.stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns // 1000


def _iso(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    when = datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(microsecond=rest)
    return when.isoformat(timespec="microseconds")
