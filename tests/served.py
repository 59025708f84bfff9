"""A server in a process of its own, on a port that was free."""

import contextlib
import io
import re
import signal
import subprocess
import sys

import numpy as np
from conftest import ROOT
from PIL import Image


@contextlib.contextmanager
def served(model_dir):
    """Yields the process of `tf-ssae serve`, and its URL; it is killed if it has not ended then."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tf_ssae.cli.main", "serve", f"--model_dir={model_dir}", "--port=0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the suite in the background has its processes ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, re.search(r"http://127\.0\.0\.1:\d+", line).group()
    finally:
        process.kill()
        process.communicate()


def png(pixels, **options):
    """The bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(buffer, "PNG", **options)
    return buffer.getvalue()
