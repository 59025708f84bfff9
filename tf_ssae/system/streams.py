"""Standard streams that can be written, whoever started the process: a terminal, cron, a service, a
pipe.
"""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO


class _Lasting(io.FileIO):
    """A descriptor that loses what cannot be written, instead of ending hours of work.

    Attributes:
        failed: the first error, but for a reader that went away (`| head`, a closed terminal), who
            knows.
    """

    failed: OSError | None = None

    def write(self, data: bytes) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                self.failed = self.failed or error
            return len(memoryview(data).cast("B"))


class Streams:
    """Standard streams that last: see `lasting_streams`."""

    def __init__(self, out: _Lasting | None):
        self._out = out

    def error(self) -> OSError | None:
        """Why something that was printed was lost, if it was; asked for at the end."""
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        return self._out.failed if self._out else None


@contextlib.contextmanager
def lasting_streams() -> Iterator[Streams]:
    """Standard streams for the body: open ones, that never raise.

    A descriptor that is closed (a service's) is opened to nowhere: the next file that is opened
    would else get its number, and what native code prints would go into that file. What the
    terminal's encoding lacks is printed as escapes.
    """
    _open_missing()
    before = sys.stdout, sys.stderr
    # Only those of the process: in a test or a notebook, another stream has taken their place.
    out = _lasting(sys.stdout, 1)
    error = _lasting(sys.stderr, 2)
    sys.stdout, sys.stderr = out or sys.stdout, error or sys.stderr
    try:
        yield Streams(out.buffer.raw if out else None)  # type: ignore[attr-defined]
    finally:
        for stream in (out, error):
            if stream:
                stream.flush()
        sys.stdout, sys.stderr = before


def _open_missing() -> None:
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number, which is this one: those below are open.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)


def _lasting(stream: TextIO, number: int) -> io.TextIOWrapper | None:
    # With PYTHONUNBUFFERED it is a FileIO.
    kinds = (io.BufferedWriter, io.FileIO)
    if not isinstance(stream, io.TextIOWrapper) or not isinstance(stream.buffer, kinds):
        return None
    if stream.fileno() != number:
        return None
    stream.flush()
    lines = stream.line_buffering or stream.write_through or number == 2
    return lasting(number, stream.encoding, line_buffering=lines, closefd=False)


def lasting(
    descriptor: int, encoding: str, line_buffering: bool = True, closefd: bool = True
) -> io.TextIOWrapper:
    """A text stream that writes to a descriptor, and never raises: see `lasting_streams`."""
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(descriptor, "w", closefd=closefd)),  # type: ignore[type-var]
        encoding,
        "backslashreplace",
        line_buffering=line_buffering,
    )
