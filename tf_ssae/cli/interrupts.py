"""Signals that end a program in order, whoever sends them: a terminal, a service, a queue."""

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What the program still tidies up has so many seconds. TensorFlow gives the main thread back only
# when what it computes is done, which takes up to twelve.
_GRACE = 1.2


class Interrupts:
    """The signals that asked this process to stop.

    Attributes:
        number: of the first one; None if there was none.
        ended: whether what they would stop has ended.
    """

    def __init__(self, sentence: str) -> None:
        self.number: int | None = None
        self.ended = threading.Event()
        self._sentence = sentence
        self._said = threading.Lock()

    def receive(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        raise KeyboardInterrupt

    def end(self, number: int) -> NoReturn:
        """Prints the sentence and ends the process, with the status 128 + `number`. Threads that
        compute are not waited for, nor is TensorFlow, which takes seconds to free what it holds.
        """
        self._say()
        # What is registered to be done at the end is: TensorFlow removes its temporary files then.
        atexit._run_exitfuncs()
        os._exit(128 + number)

    def _say(self) -> None:
        if not self._said.acquire(blocking=False):
            return
        print(f"\n{self._sentence}", file=sys.stderr, flush=True)
        sys.stdout.flush()

    def watch(self, descriptor: int) -> None:
        """Ends the process some time after the first signal whose number appears in a pipe, unless
        what runs in it has ended by then.
        """
        with open(descriptor, "rb", buffering=0) as pipe:
            numbers = (told[0] for told in iter(lambda: pipe.read(1), b""))
            first = next((number for number in numbers if number in _SIGNALS), None)
            if first is not None and not self.ended.wait(_GRACE):
                self._say()
                os._exit(128 + first)


@contextlib.contextmanager
def interrupts(sentence: str) -> Iterator[Interrupts]:
    """Makes Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt in the body, and tells of them:
    native code and half-finished imports turn that exception into others, or lose it. A body that
    goes on for more than a second in spite of it is ended, and with it the process: what it writes
    has to bear that, as it bears a loss of power.

    A signal that the process was started to ignore (`nohup`) is ignored.

    Args:
        sentence: is printed when the process ends for a signal.
    """
    received = Interrupts(sentence)
    # Python allows handlers in the main thread alone.
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    with contextlib.ExitStack() as restored:
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                restored.callback(signal.signal, number, signal.signal(number, received.receive))
        # Python writes the number there at once, also while native code runs in the main thread.
        watched, told = os.pipe()
        os.set_blocking(told, False)
        restored.callback(os.close, told)
        restored.callback(received.ended.set)
        restored.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(told))
        threading.Thread(target=received.watch, args=[watched], daemon=True).start()
        yield received
