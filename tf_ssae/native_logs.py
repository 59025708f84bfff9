"""What native code writes to the terminal past every log level."""

import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def held_back_stderr():
    """Holds back what is written to stderr, by native code too; it is printed only if the body fails.

    TensorFlow 2.21 logs about drivers it did not find before its logging is set up, where no TF_CPP_* variable
    reaches it, and its TFLite converter prints notices, so the file descriptor itself has to be redirected.
    """
    sys.stderr.flush()
    original = os.dup(2)
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
            os.close(original)
