"""The image files of a folder, by their names."""

import glob
import os
import pathlib

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_FOLDERS_NAMED = 10


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """The image files in a folder and below it, sorted by name; hidden ones are left out.

    Raises:
        FileNotFoundError: there are none; the message says where it looked, for what, and what is
            there.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder: {folder}.")
    files = sorted(path for path in folder.rglob("*") if _is_visible_file(path, folder))
    images = [path for path in files if is_image(path, folder)]
    if not images:
        raise FileNotFoundError(
            f"No images in {folder}: searched it and the folders below it for"
            f" {', '.join(EXTENSIONS)}. Found {_counts(folder, files)}."
        )
    return images


def named(images: str | pathlib.Path) -> list[pathlib.Path]:
    """The paths that `images` stands for: a folder, a pattern, a .txt file with one path per line,
    or one image.

    Raises:
        FileNotFoundError: there are none.
    """
    path = pathlib.Path(images)
    if path.is_file() and path.suffix != ".txt":
        return [path]
    if path.is_dir():
        return find(path)
    if path.suffix == ".txt" and path.is_file():
        paths = [
            pathlib.Path(line)
            for line in path.read_text(errors="surrogateescape").splitlines()
            if line.strip()
        ]
        if not paths:
            raise FileNotFoundError(f"{path} names no image; expected one path per line.")
        return paths
    paths = sorted(
        pathlib.Path(name)
        for name in glob.glob(str(images), recursive=True)
        if os.path.isfile(name)
    )
    if not paths:
        raise FileNotFoundError(
            f"--images={images}: no such folder or file, and no file that matches it as a pattern."
        )
    return paths


def require(images: str | pathlib.Path) -> None:
    """Raises FileNotFoundError if `named` would; it stops at the first image."""
    path = pathlib.Path(images)
    if path.is_dir():
        there = any(is_image(file, path) for file in path.rglob("*"))
    else:
        there = path.suffix != ".txt" and os.path.isfile(next(glob.iglob(str(images)), ""))
    if not there:
        named(images)


def is_image(path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Whether a path in `folder`, or below it, has the name of an image file and is not hidden."""
    return path.suffix.lower() in EXTENSIONS and _is_visible_file(path, folder)


def _is_visible_file(path: pathlib.Path, folder: pathlib.Path) -> bool:
    return path.is_file() and not any(
        part.startswith(".") for part in path.relative_to(folder).parts
    )


def _counts(folder: pathlib.Path, files: list[pathlib.Path]) -> str:
    """ "3 .txt; in defects: 1 .gif", or "no files at all"."""
    found = []
    for parent in sorted({path.parent for path in files})[:_FOLDERS_NAMED]:
        suffixes = [
            path.suffix.lower() or "without extension" for path in files if path.parent == parent
        ]
        counts = ", ".join(f"{suffixes.count(suffix)} {suffix}" for suffix in sorted(set(suffixes)))
        found.append(counts if parent == folder else f"in {parent.relative_to(folder)}: {counts}")
    return "; ".join(found) or "no files at all"


def printable(name: object) -> str:
    """A file's name for a message: bytes that are not UTF-8 are escaped."""
    return str(name).encode(errors="backslashreplace").decode()
