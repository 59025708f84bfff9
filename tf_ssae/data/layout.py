"""Which files of a folder are images, of which class, and whether they train or test: the layout of
MVTec AD, or just a folder of normal images. From names alone, so that mistakes are found at once.
"""

import pathlib

from tf_ssae.data import find

GOOD = "good"


def listed(data_dir: str) -> tuple[list[tuple[pathlib.Path, int, bool]], tuple[str, ...]]:
    """`[(path, label, whether it tests)]` and the names of the classes.

    Raises:
        FileNotFoundError: the folder or its images are missing; the message says where it looked,
            for what, and what is there.
    """
    if not data_dir:
        raise FileNotFoundError("--dataset=folder needs --data_dir=PATH, a folder of images.")
    root = pathlib.Path(data_dir)
    if not root.is_dir():
        raise FileNotFoundError(f"--data_dir={root}: no such folder.")
    if not (root / "train").is_dir():
        beside = [name for name in _folders(root) if name != GOOD]
        if beside and (root / GOOD).is_dir():
            raise FileNotFoundError(
                f"{root} holds a folder {GOOD} beside {', '.join(beside)}; without a folder train,"
                f" all of them would be taken for normal images. Pass --data_dir={root / GOOD}, or"
                " move them to train/good and test/DEFECT."
            )
        return [(path, 0, False) for path in find.find(root)], (GOOD,)
    others = [name for name in _folders(root / "train") if name != GOOD]
    if others or not (root / "train" / GOOD).is_dir():
        raise FileNotFoundError(
            f"{root / 'train'} holds {', '.join(sorted(others)) or 'no folder'}; expected one"
            f" folder, {GOOD}, of normal images (the layout of MVTec AD: train/good, test/good,"
            " test/DEFECT)."
        )
    listed = [(path, 0, False) for path in find.find(root / "train" / GOOD)]
    class_names = [GOOD]
    for name in _folders(root / "test"):
        if name != GOOD:
            class_names.append(name)
        label = 0 if name == GOOD else len(class_names) - 1
        listed += [(path, label, True) for path in find.find(root / "test" / name)]
    return listed, tuple(class_names)


def _folders(root: pathlib.Path) -> list[str]:
    """The names of the folders in a folder, sorted; hidden ones, as hidden files, are left out."""
    return sorted(
        path.name for path in root.glob("*") if path.is_dir() and not path.name.startswith(".")
    )


def loose(root: pathlib.Path) -> list[tuple[str, str]]:
    """`[(name, reason)]` of image files beside the folders of the layout instead of in them."""
    loose = [
        path
        for part in ("train", "test")
        for path in sorted((root / part).glob("*"))
        if path.is_file()
    ]
    return [
        (
            str(path.relative_to(root)),
            "not in a folder: expected train/good, test/good or test/DEFECT",
        )
        for path in loose
        if path.suffix.lower() in find.EXTENSIONS and not path.name.startswith(".")
    ]
