"""A full disk, whoever notices it: one OSError."""

import contextlib
import errno
from collections.abc import Iterator

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What TensorFlow and HDF5 say, in exceptions of their own.
_SAID = ("No space left on device", "Disk quota exceeded", "File too large")


def is_full(error: BaseException) -> bool:
    """Whether an exception is a disk's, a quota's or a process's limit being reached."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(said in str(error) for said in _SAID)


@contextlib.contextmanager
def full_disk_is_an_os_error(where: object, remedy: str) -> Iterator[None]:
    """Turns every exception of the body that reports a full disk into one OSError, ENOSPC, with a
    sentence for the person who reads it.

    Args:
        where: the folder that was written.
        remedy: what to do, a sentence.
    """
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        raise FullDisk(
            f"The disk is full, or a limit on what may be written is reached, in {where}. {remedy}"
        ) from error


class FullDisk(OSError):
    """Its text is the sentence alone; `errno` is ENOSPC."""

    def __init__(self, sentence: str):
        super().__init__(errno.ENOSPC, sentence)

    def __str__(self) -> str:
        return self.strerror or ""
