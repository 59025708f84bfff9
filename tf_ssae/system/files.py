"""Files that are whole or not there: written under a temporary name, then renamed."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

# What is appended to a file's name while it is written. Always the same, so that what a killed
# process left is written over by the next.
TEMPORARY = ".tmp"


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path`; what is written there takes its place at the end.

    A reader finds the old file or the new one, whole. If the body raises, `path` is as it was and
    the temporary file is gone. Two writers of one path at a time need a lock.

        with replacing("scores.csv") as temporary:
            temporary.write_text(text)
    """
    path = pathlib.Path(path)
    temporary = path.with_name(path.name + TEMPORARY)
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
