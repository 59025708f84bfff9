"""What native code writes to the terminal past every log level."""

import contextlib
import faulthandler
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def held_back_stderr(*expected: type[BaseException]) -> Iterator[None]:
    """Holds back what native code writes to stderr; it is printed only if the body fails.

    What Python writes to `sys.stderr` (progress, warnings) appears at once. If native code ends the
    process instead, Python's fault handler tells where. With TF_CPP_MIN_LOG_LEVEL below 3 nothing
    is held back: this package sets it to 3, so somebody wants to see all.

    TensorFlow 2.21 logs about drivers it did not find before its logging is set up, where no
    TF_CPP_* variable reaches it, and its TFLite converter prints notices, so the file descriptor
    itself has to be redirected. It is the whole process': for programs, not for a library.

    Args:
        expected: exceptions that are no failure of native code: their message says all, and nothing
            else is printed. Ctrl-C always is one.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("0", "1", "2") or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    tells_faults = faulthandler.is_enabled()
    with (
        open(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace") as original,
        tempfile.TemporaryFile() as held_back,
    ):
        if not tells_faults:
            faulthandler.enable(original)
        os.dup2(held_back.fileno(), 2)
        try:
            with contextlib.redirect_stderr(original):
                yield
        except BaseException as error:
            if not isinstance(error, (KeyboardInterrupt, *expected)):
                held_back.seek(0)
                os.write(original.fileno(), held_back.read())
            raise
        finally:
            os.dup2(original.fileno(), 2)
            if not tells_faults:
                faulthandler.disable()
