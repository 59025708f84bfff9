"""The image files that a person names: by a folder, a pattern, a list or a file."""

import codecs
import collections
import dataclasses
import pathlib
import re

from tf_ssae.data.walk import EXTENSIONS, Walk, matching, walk

_FOLDERS_NAMED = 10


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """The image files in a folder and below it, sorted by name; see `images_in`."""
    return images_in(folder).images


def images_in(folder: pathlib.Path) -> Walk:
    """What is in a folder and below it: at least one image.

    Raises:
        FileNotFoundError: there is none; the message says where it looked, for what, and what is
            there.
        PermissionError: the folder cannot be looked into.
    """
    found = walk(folder)
    if not found.images:
        texts = [
            f"No images in {found.folder}: searched it and the folders below it for"
            f" {', '.join(EXTENSIONS)}. Found {_counts(found)}.",
            *found.notes,
        ]
        raise FileNotFoundError(" ".join(texts))
    return found


def named(images: str | pathlib.Path) -> Walk:
    """What `images` stands for: a folder, a pattern, a .txt file with one path per line, or one
    image. Of a folder, `files` are its images.

    Raises:
        FileNotFoundError: there are none.
        PermissionError: the folder cannot be looked into.
        ValueError: a list in an encoding that is not understood.
    """
    path = pathlib.Path(images)
    if path.is_dir():
        inside = images_in(path)
        return dataclasses.replace(inside, files=inside.images)
    if path.is_file():
        files = [pathlib.Path(name) for name in listed(path)] if path.suffix == ".txt" else [path]
        return Walk(path.parent, files, (), (), ())
    found: Walk | None = None
    if set(str(images)) & set("*?["):
        found = matching(str(images))
    if found is None or not found.files:
        raise FileNotFoundError(
            " ".join(
                [
                    f"--images={images}: no such folder or file, and no file that matches it as a"
                    " pattern.",
                    *(found.notes if found else ()),
                ]
            )
        )
    return found


def listed(path: pathlib.Path) -> list[str]:
    """The names in a file, one per line, in quotes or not; UTF-8, or UTF-16 that says so. Bytes
    that are no text are taken as they are: names may hold them. Raises what `named` raises.
    """
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", errors="replace")
    else:
        text = data.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape")
    if "\0" in text:
        raise ValueError(f"{path} is not a list of paths in UTF-8, or in UTF-16 with a mark.")
    # Not splitlines: names may hold what else counts as a line break.
    lines = [line for line in re.split("\r\n|\n|\r", text) if line.strip()]
    names = [_unquoted(line) for line in lines]
    if not names:
        raise FileNotFoundError(f"{path} names no image; expected one path per line.")
    return names


def _unquoted(line: str) -> str:
    """The name on a line: as it is, if it is there, else without quotes and blanks around it."""
    if not pathlib.Path(line).exists():
        line = line.strip(" \t")
        if len(line) > 2 and line[0] == line[-1] and line[0] in "\"'":
            line = line[1:-1]
    return line


def require(images: str | pathlib.Path) -> None:
    """Raises what `named` would."""
    named(images)


def _counts(found: Walk) -> str:
    """ "3 .txt; in defects: 1 .gif", or "no files at all"."""
    groups: dict[pathlib.Path, collections.Counter] = collections.defaultdict(collections.Counter)
    for path in found.files:
        groups[path.parent][path.suffix.lower() or "without extension"] += 1
    texts = []
    for folder in sorted(groups)[:_FOLDERS_NAMED]:
        counts = ", ".join(f"{count} {ending}" for ending, count in sorted(groups[folder].items()))
        inside = "" if folder == found.folder else f"in {folder.relative_to(found.folder)}: "
        texts.append(inside + counts)
    return "; ".join(texts) or "no files at all"
