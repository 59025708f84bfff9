"""Where image files lie: on this machine's own file system, or on one that pyarrow reads."""

import dataclasses
import errno
import os
import pathlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


class Storage(Protocol):
    """Image files. All methods take their paths, and raise OSError for what cannot be read."""

    def size(self, path: pathlib.Path) -> int:
        """Of a file, in bytes."""

    def read(self, path: pathlib.Path) -> bytes:
        """What is in a file."""

    def name(self, path: pathlib.Path) -> str:
        """What a person calls a file."""


class Local:
    """Files of this machine, or of what is mounted on it."""

    def size(self, path: pathlib.Path) -> int:
        return os.stat(path).st_size

    def read(self, path: pathlib.Path) -> bytes:
        # Of whoever passes a str, too.
        return pathlib.Path(path).read_bytes()

    def name(self, path: pathlib.Path) -> str:
        return str(path)


@dataclasses.dataclass(frozen=True)
class Remote:
    """Files of a pyarrow FileSystem, whose paths are `bucket/key`, say.

    Attributes:
        filesystem: it.
        scheme: of its names: `s3` of `s3://bucket/key`.
    """

    filesystem: "FileSystem"
    scheme: str

    def size(self, path: pathlib.Path) -> int:
        info = self.filesystem.get_file_info(path.as_posix())
        if not info.is_file:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return info.size

    def read(self, path: pathlib.Path) -> bytes:
        with self.filesystem.open_input_stream(path.as_posix()) as file:
            return file.read()

    def name(self, path: pathlib.Path) -> str:
        return f"{self.scheme}://{path.as_posix()}"


LOCAL = Local()
