"""What native code writes to the terminal past every log level."""

import contextlib
import faulthandler
import os
import sys
import tempfile


@contextlib.contextmanager
def held_back_stderr():
    """Holds back what is written to stderr, by native code too; it is printed only if the body
    raises.

    If native code ends the process instead, Python's fault handler tells where. With
    TF_CPP_MIN_LOG_LEVEL below 3 nothing is held back: this package sets it to 3, so somebody wants
    to see all.

    TensorFlow 2.21 logs about drivers it did not find before its logging is set up, where no
    TF_CPP_* variable reaches it, and its TFLite converter prints notices, so the file descriptor
    itself has to be redirected.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("0", "1", "2"):
        yield
        return
    sys.stderr.flush()
    original = os.dup(2)
    tells_faults = faulthandler.is_enabled()
    if not tells_faults:
        faulthandler.enable(original)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            sys.stderr.flush()
            held_back.seek(0)
            os.write(original, held_back.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            if not tells_faults:
                faulthandler.disable()
            os.close(original)
