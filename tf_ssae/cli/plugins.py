"""Someone's own Python file, imported before a verb does anything: it may register a detector."""

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
        ValueError: it is no Python file, or raises when it is imported: says what, and in which
            line.
    """
    files = [pathlib.Path(path).resolve() for path in paths]
    for path in files:
        if not path.is_file():
            raise FileNotFoundError(f"--plugin={path}: no such file.")
        if path.suffix != ".py":
            raise ValueError(f"--plugin={path}: expected a Python file, FILE.py.")
    if files:
        # A detector imports it, and must not be the first to.
        quiet.import_tensorflow()
    for path in files:
        # A name of its own: a plugin called numpy.py takes nobody's place.
        spec = importlib.util.spec_from_file_location(f"tf_ssae_plugin_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        # It is the user's own program, and may raise whatever it likes.
        except Exception as error:
            raise ValueError(f"--plugin={path}: {_said(error, path)}") from error


def _said(error: Exception, path: pathlib.Path) -> str:
    """The exception in a line, with the last line of the file that it came from."""
    line, traceback = None, error.__traceback__
    while traceback:
        if traceback.tb_frame.f_code.co_filename == str(path):
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}."
    return f"{f'line {line}: ' if line else ''}{type(error).__name__}: {error}"
