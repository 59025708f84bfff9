"""A Python file of the user's own, imported before a verb does anything: it may register a
detector.
"""

import importlib.util
import pathlib
import sys
from collections.abc import Iterable

from absl import flags

from tf_ssae.cli import quiet


def define(flag_values: flags.FlagValues) -> None:
    """Adds the flag --plugin."""
    flags.DEFINE_multi_string(
        "plugin",
        [],
        "A Python file to import first, FILE.py, such as one that registers a detector of your own",
        flag_values=flag_values,
    )


def load(paths: Iterable[str]) -> None:
    """Imports the files, in order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a Python file, or it raises an exception when it is imported; the
            message holds the exception and the line.
    """
    files = [pathlib.Path(path).resolve() for path in paths]
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"--plugin={path}: no such file.")
        if path.suffix != ".py":
            raise ValueError(f"--plugin={path}: expected a Python file, FILE.py.")
    if files:
        # A detector's file imports TensorFlow; it must not be the first to, or the notices show.
        quiet.import_tensorflow()
    for path in files:
        # Under a name of its own, so that a plugin called numpy.py does not replace numpy.
        spec = importlib.util.spec_from_file_location(f"tf_ssae_plugin_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        # It is the user's own program, and may raise any exception.
        except Exception as error:
            raise ValueError(f"--plugin={path}: {_said(error, path)}") from error


def _said(error: Exception, path: pathlib.Path) -> str:
    """The exception as one line, with the line number in the file where it was raised."""
    line, traceback = None, error.__traceback__
    while traceback:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}."
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {error}"
