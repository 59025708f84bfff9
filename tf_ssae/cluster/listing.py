"""The image files that a person names, on this machine or on another file system."""

import dataclasses
import pathlib
from collections.abc import Sequence

import pyarrow
from pyarrow import fs, parquet

from tf_ssae.cluster import uri
from tf_ssae.data import find
from tf_ssae.data.storage import LOCAL, Remote, Storage
from tf_ssae.data.walk import EXTENSIONS, is_image
from tf_ssae.system.text import first_line

_COLUMN = "path"


@dataclasses.dataclass(frozen=True)
class Listing:
    """Image files.

    Attributes:
        storage: where they are.
        paths: what `storage` takes, each once.
        notes: sentences about what was left out.
    """

    storage: Storage
    paths: Sequence[pathlib.Path]
    notes: Sequence[str]


def list_images(images: str) -> Listing:
    """What `images` stands for: a folder, a pattern, a list or an image of this machine, as
    `data.find.named` takes them; a folder or one image as a URI that pyarrow understands, such as
    `s3://bucket/photos`; or a .parquet file with a column `path`, or with one column of text. A
    list, Parquet or .txt, holds paths, or URIs of one scheme.

    Raises:
        FileNotFoundError: there are none.
        OSError: the file system does not answer, or refuses.
        ValueError: the list, or the URI, is not understood.
    """
    if uri.is_uri(images):
        return _below(images)
    path = pathlib.Path(images)
    if path.suffix == ".parquet" and path.is_file():
        return _each(path, _column(path))
    if path.suffix == ".txt" and path.is_file():
        return _each(path, find.listed(path))
    found = find.named(images)
    return Listing(LOCAL, found.files, found.notes)


def _below(name: str) -> Listing:
    """The images at and below a URI."""
    filesystem, root = uri.opened(name)
    storage = Remote(filesystem, uri.scheme(name))
    try:
        if filesystem.get_file_info(root).is_file:
            return Listing(storage, [pathlib.Path(root)], ())
        selected = fs.FileSelector(root, recursive=True, allow_not_found=True)
        files = [info.path for info in filesystem.get_file_info(selected) if info.is_file]
    except OSError as error:
        raise OSError(f"{uri.shown(name)} cannot be listed: {first_line(error)}") from error
    keys = sorted(key for key in files if is_image(pathlib.PurePosixPath(key)))
    if not keys:
        raise FileNotFoundError(
            f"No images at {uri.shown(name)}: looked there and below it for"
            f" {', '.join(EXTENSIONS)}; found {len(files):,} other files."
        )
    return Listing(storage, [pathlib.Path(key) for key in keys], ())


def _each(path: pathlib.Path, names: Sequence[str]) -> Listing:
    """The files of a list, read from `path`."""
    once = list(dict.fromkeys(names))
    twice = len(names) - len(once)
    notes = [f"{twice:,} names stand in {path} again: each file is scored once."] if twice else []
    schemes = {uri.scheme(name) for name in once}
    if len(schemes) > 1:
        kinds = " and ".join(sorted(f"{scheme}://" if scheme else "paths" for scheme in schemes))
        raise ValueError(f"{path} lists {kinds}: expected names of one kind.")
    if schemes == {""}:
        return Listing(LOCAL, [pathlib.Path(name) for name in once], notes)
    # A root is opened once: to find a bucket's region may take a request.
    roots: dict[str, tuple[fs.FileSystem, str]] = {}
    keys = []
    for name in once:
        root, key = uri.split(name)
        if root not in roots:
            roots[root] = uri.opened(root)
            if not roots[root][0].equals(next(iter(roots.values()))[0]):
                both = " and ".join(uri.shown(each) for each in (next(iter(roots)), root))
                raise ValueError(f"{path} lists {both}, which lie on different file systems.")
        keys.append(uri.below(roots[root][1], key))
    storage = Remote(next(iter(roots.values()))[0], schemes.pop())
    return Listing(storage, [pathlib.Path(key) for key in keys], notes)


def _column(path: pathlib.Path) -> list[str]:
    """The names in a Parquet file."""
    try:
        schema = parquet.read_schema(path)
        texts = [
            field.name
            for field in schema
            if pyarrow.types.is_string(field.type) or pyarrow.types.is_large_string(field.type)
        ]
        column = _COLUMN if _COLUMN in texts else texts[0] if len(texts) == 1 else None
        if column is None:
            raise ValueError(
                f"{path} has the columns of text {', '.join(texts) or '(none)'}: expected one"
                f" called {_COLUMN}, or one alone."
            )
        names = parquet.read_table(path, columns=[column]).column(column).drop_null().to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {first_line(error)}") from error
    if not names:
        raise FileNotFoundError(f"{path} names no image.")
    return names
