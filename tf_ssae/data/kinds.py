"""The class of an image by the folders that it lies in: for scoring, where no layout is asked for,
but a labelled folder may be given.
"""

import pathlib

from tf_ssae.data import words
from tf_ssae.data.layout import GOOD


def kind_of(path: pathlib.Path, root: pathlib.Path) -> str | None:
    """The class of an image below `root`; None if the folders do not say.

    They say it in a folder of good images beside others (`good`, `scratch`), in one with `train`
    and `test` above such folders, and in one of these folders itself, such as `test/scratch`. All
    names for good images give "good".
    """
    if not root.is_dir() or not path.is_relative_to(root):
        return None
    inside = path.relative_to(root).parts[:-1]
    if inside and words.kind(inside[0]) in ("train", "test"):
        inside, root = inside[1:], root / inside[0]
    if _holds_good(root):
        return _name(inside[0]) if inside else None
    here = root.resolve()
    if words.kind(here.name) == "good" or _holds_good(here.parent):
        return _name(here.name)
    return None


def _holds_good(folder: pathlib.Path) -> bool:
    try:
        return any(words.kind(path.name) == "good" for path in folder.iterdir() if path.is_dir())
    except OSError:
        return False


def _name(folder: str) -> str | None:
    kind = words.kind(folder)
    return GOOD if kind == "good" else None if kind in ("masks", "unlabelled") else folder
