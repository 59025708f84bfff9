"""Commands of tf-ssae in processes of their own, forked from one that has imported TensorFlow but
not used it: they begin at once, and a signal meets them at their work and not at their imports.
"""

import atexit
import contextlib
import os
import signal
import sys
import tempfile
import time
from typing import NamedTuple

from tf_ssae.cli import main as cli
from tf_ssae.cli import quiet

quiet.import_tensorflow()

from tf_ssae.export import tflite, timing  # noqa: E402

# Sources that TensorFlow makes, and removes when an interpreter ends; that of a fork does not.
_OF_TENSORFLOW = "__autograph_generated_file"
_LONGEST = 300.0  # seconds, for one command
_SPEED = {"latency_ms": 1.0, "latency_p99_ms": 1.0, "images_per_second": {"1": 1.0}}

# Of a run that takes seconds.
SETTINGS = dict(
    detector="autoencoder", max_train_images=256, epochs=4, learning_rate=1e-3,
    output_activation="sigmoid",
)  # fmt: skip


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        status: of its process; minus the number of the signal that killed it.
        said: on its standard error.
        left: in its temporary folder.
        stopped: whether it was still at work when the signal was sent.
    """

    status: int
    said: str
    left: list[str]
    stopped: bool


def export_quickly() -> None:
    """Leaves out of exports what takes longest and has nothing to lose."""
    timing.of_saved_model = lambda folder, image_shape: _SPEED
    timing.of_tflite = lambda model: _SPEED
    tflite.KINDS = ("float32",)


def run(
    arguments: list[str], after: float | None = None, number: int = 0, scratch: str | None = None
) -> Ended:
    """Runs a command. Sends it signal `number` after so many seconds, if it is still at work.

    `scratch`: where its temporary folder is made.

    Raises:
        RuntimeError: it takes too long.
    """
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(dir=scratch) as own, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if not child:
            tempfile.tempdir = own
            # What the parent does at its own end is not to be done here, where a signal ends it.
            atexit._clear()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(errors.fileno(), 2)
            # Not 0, which would be success, should anything but a status come of it.
            status = 99
            with contextlib.suppress(BaseException):
                status = cli.main(arguments)
            os._exit(status)
        code = _waited(child, _LONGEST if after is None else after)
        stopped = code is None
        if code is None:
            os.kill(child, signal.SIGKILL if after is None else number)
            code = os.waitpid(child, 0)[1]
        if stopped and after is None:
            raise RuntimeError(f"it did not end in {_LONGEST:.0f} s: {arguments}")
        errors.seek(0)
        said = errors.read().decode(errors="replace")
        left = [name for name in os.listdir(own) if not name.startswith(_OF_TENSORFLOW)]
        return Ended(os.waitstatus_to_exitcode(code), said, left, stopped)


def _waited(child: int, seconds: float) -> int | None:
    """What `waitpid` says of a child that ended within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.005)
    return None
