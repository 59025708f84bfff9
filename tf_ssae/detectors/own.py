"""The names of the package's own detectors, without importing them, and so without TensorFlow: a
mistyped name is answered at once.
"""

import functools
import pathlib
import re
from collections.abc import Collection

_REGISTERED = re.compile(r'^@register\("(\w+)"\)$', re.MULTILINE)


@functools.cache
def modules() -> dict[str, str]:
    """`{name of a detector: the module that registers it}`, from the text of the modules."""
    return {
        name: f"{__package__}.{path.stem}"
        for path in sorted(pathlib.Path(__file__).parent.glob("*.py"))
        for name in _REGISTERED.findall(path.read_text(encoding="utf-8"))
    }


def unknown(name: str, known: Collection[str]) -> ValueError:
    """The error for a name that no detector has."""
    return ValueError(
        f"--detector={name}: expected one of {', '.join(sorted(known))}. A detector of your own"
        " needs --plugin=FILE.py; in Python, import the file that registers it."
    )
