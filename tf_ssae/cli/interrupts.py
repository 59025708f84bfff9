"""Signals that end a program in order, whoever sends them: a terminal, a service, a queue."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """The signals that asked this process to stop.

    Attributes:
        number: of the first one; None if there was none.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        raise KeyboardInterrupt


@contextlib.contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Makes Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt in the body, and tells of them:
    native code and half-finished imports turn that exception into others, or lose it.

    A signal that the process was started to ignore (`nohup`) is ignored.
    """
    received, before = Interrupts(), {}
    # Python allows handlers in the main thread alone.
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, received.receive)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
