"""Names of files on other file systems: `s3://bucket/day 1/photo.png?region=eu-central-1`."""

import re

import pyarrow
from pyarrow import fs

from tf_ssae.system.text import first_line

# A query is what pyarrow takes for one: options of a file system. Keys are taken as they stand, as
# the programs of the stores take them: a blank is a blank, not %20.
_URI = re.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]+)://(?P<host>[^/?]*)(?P<key>.*?)(?P<query>\?\w+=.*)?",
    re.DOTALL,
)
_PASSWORD = re.compile("(://[^/@:]*):[^/@]*@")


def is_uri(name: str) -> bool:
    """Whether a name is a URI, `scheme://...`, and not a path."""
    return _URI.match(name) is not None


def scheme(name: str) -> str:
    """Of a URI; empty for a path."""
    match = _URI.match(name)
    return match["scheme"] if match else ""


def shown(name: str) -> str:
    """A name as a person may see it: the secret that a URI may hold is left out."""
    return _PASSWORD.sub(r"\1:***@", name)


def split(uri: str) -> tuple[str, str]:
    """A URI of the file system's root, or of a bucket, with all options, and the key below it."""
    match = _URI.fullmatch(uri)
    assert match is not None
    slash = "" if match["host"] else "/"
    root = f"{match['scheme']}://{match['host']}{slash}{match['query'] or ''}"
    return root, match["key"].lstrip("/")


def opened(uri: str) -> tuple[fs.FileSystem, str]:
    """The file system of a URI, and the path in it.

    Raises:
        ValueError: the URI is not understood.
        OSError: nothing answers there.
    """
    root, key = split(uri)
    try:
        filesystem, path = fs.FileSystem.from_uri(root)
    except pyarrow.ArrowException as error:
        # Arrow repeats the URI.
        raise ValueError(f"{shown(uri)} is not understood: {shown(first_line(error))}") from error
    except OSError as error:
        raise OSError(f"{shown(uri)} cannot be reached: {shown(first_line(error))}") from error
    return filesystem, below(path, key)


def below(path: str, key: str) -> str:
    """The path of a key below a path of a file system."""
    return f"{path.rstrip('/')}/{key}" if key else path
