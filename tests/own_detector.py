"""The detector of CONTRIBUTING.md, registered as any user's own is: by importing its file."""

import pathlib
import tempfile

from conftest import ROOT, code

from tf_ssae.cli import plugins

NAME, SCORES = "nearest", ("a_nearest",)
PROGRAM = code((ROOT / "CONTRIBUTING.md").read_text(), "the detector that a test trains", "python")

# Kept until this process ends: TensorFlow reads the source of a train step.
_FOLDER = tempfile.TemporaryDirectory()
PATH = pathlib.Path(_FOLDER.name) / "nearest.py"
PATH.write_text(PROGRAM)
plugins.load([PATH])
