"""A folder to build something in, beside the place it is meant for, or in the system's temporary
folder. What a killed process left of its own is removed by the next.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def building(parent: pathlib.Path, prefix: str) -> Iterator[pathlib.Path]:
    """Yields a new folder in `parent`, whose name starts with `prefix`. It is gone afterwards,
    unless it was renamed. Before, those of this prefix whose process has ended are removed.

    Raises:
        OSError: it cannot be made.
    """
    for path in parent.glob(f"{prefix}*"):
        _sweep(path)
    folder, lock = _made(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def temporary() -> contextlib.AbstractContextManager[pathlib.Path]:
    """`building` in the system's temporary folder. Python's own `TemporaryDirectory` stays when its
    process is killed, gigabytes of images in it.
    """
    return building(pathlib.Path(tempfile.gettempdir()), ".tf_ssae-scratch-")


def _made(parent: pathlib.Path, prefix: str) -> tuple[pathlib.Path, int | None]:
    """A new folder, and the lock on it: a lock of the system's goes when its process does, which a
    number of a process in a name does not (another machine, or a container, has the same ones).
    """
    while True:
        folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = _locked(folder, fcntl.LOCK_EX)
        # Between the two, another process may have taken it for a dead one's.
        if folder.exists():
            return folder, lock
        if lock is not None:
            os.close(lock)


def _sweep(path: pathlib.Path) -> None:
    lock = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if lock is not None:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def _locked(folder: pathlib.Path, operation: int) -> int | None:
    """The descriptor that holds the lock; None where another process holds it, or the file system
    has no such locks: then nothing is swept.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, operation)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
