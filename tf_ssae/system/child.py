"""Processes that end when the one that started them does, however that died."""

import os
import threading

# From these in a process' environment TensorFlow and its libraries take their numbers of threads.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def end_with_parent() -> None:
    """Called in a process whose standard input is a pipe from its parent: when that is closed, as
    it is when the parent dies, this process ends at once, with status 1.
    """
    threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
