"""Which files of a folder are images, to go by their names."""

import pathlib

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_FOLDERS_NAMED = 10


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """The image files in a folder and below it, sorted by name; hidden ones are left out.

    Raises:
        FileNotFoundError: there are none: says where it looked, for what, and what is there.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"No folder {folder}.")
    files = sorted(path for path in folder.rglob("*") if _is_visible_file(path, folder))
    images = [path for path in files if is_image(path, folder)]
    if not images:
        raise FileNotFoundError(
            f"No images in {folder}: searched it and the folders below it for"
            f" {', '.join(EXTENSIONS)}. Found {_counts(folder, files)}."
        )
    return images


def is_image(path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Whether a path in `folder`, or below it, is an image file to go by its name, and
    not hidden.
    """
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
    """A file's name for a message: bytes that are no UTF-8 are escaped."""
    return str(name).encode(errors="backslashreplace").decode()
