"""What native code writes to the terminal past every log level."""

import contextlib
import faulthandler
import os
import sys
from collections.abc import Iterator

from tf_ssae.system import streams


@contextlib.contextmanager
def held_back_stderr(*expected: type[BaseException]) -> Iterator[None]:
    """Holds back what native code writes to stderr; it is printed only if the body fails.

    What Python writes to `sys.stderr` (progress, warnings) appears at once. If native code ends the
    process instead, Python's fault handler says where. With TF_CPP_MIN_LOG_LEVEL below 3 nothing is
    held back: this package sets it to 3, so a lower level is the user's choice to see everything.

    TensorFlow 2.21 logs about drivers it did not find before its logging is set up, where no
    TF_CPP_* variable reaches it, and its TFLite converter prints notices, so the file descriptor
    itself has to be redirected, for the whole process: this is for programs, not for a library.

    Args:
        expected: exceptions that are not a failure of native code: their message is enough, and
            nothing else is printed. KeyboardInterrupt always is one.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("0", "1", "2") or sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    was_enabled = faulthandler.is_enabled()
    with (
        streams.lasting(os.dup(2), "utf-8") as original,
        # In memory: there may be no temporary folder.
        open(os.memfd_create("stderr"), "w+b", buffering=0) as held_back,
    ):
        if not was_enabled:
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
            if not was_enabled:
                faulthandler.disable()
