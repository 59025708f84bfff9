"""Image files in folders: the layout of MVTec AD, or just a folder of normal images."""

import pathlib

import numpy as np
from PIL import Image

from tf_ssae.config import Config
from tf_ssae.data import decode, find
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.masks import GOOD, bad_masks
from tf_ssae.data.reader import TileReader
from tf_ssae.system.files import replacing


def load(config: Config, cache: pathlib.Path) -> LabelledImages:
    """The images of `config.data_dir`, as tiles (see `ops.tiles.cut`).

    * With `train/good`: the layout of MVTec AD. `train/good` trains; `test/good` and `test/DEFECT`
      test, if they exist.
    * Else: every image in the folder and below it is normal; but a folder `good` beside others is
      taken for a mistake.

    Images that are all square, and of one size that preprocessing brings to `config.image_size` by
    repeating pixels and a narrow border, stay as they are (28x28 for 32); others are resized to
    `config.image_size`. They are grey if all are. What cannot be read is left out, and so is a copy
    of a training image, byte for byte; both are said.

    Args:
        cache: a file to write the tiles to. They are read from there, so that memory does not grow
            with them.

    Raises:
        FileNotFoundError: the folder or its images are missing: says where it looked, for what, and
            what is there.
        ValueError: nothing in it can be read.
    """
    if not config.data_dir:
        raise FileNotFoundError("dataset=folder needs --data_dir=PATH, a folder of images.")
    root = pathlib.Path(config.data_dir)
    listed, class_names = _listed(root)
    image_shape = _image_shape([path for path, _, _ in listed], config.image_size)
    labels, official_test, source = [], [], []
    names: list[str] = []
    left_out: list[tuple[str, str]] = []
    seen: dict[bytes, pathlib.Path] = {}
    is_test = {path: test for path, _, test in listed}
    label_of = {path: label for path, label, _ in listed}
    with replacing(cache) as temporary, open(temporary, "wb") as file:
        for read in TileReader(image_shape, config.crop).read(is_test):
            name = str(read.path.relative_to(root))
            if read.error:
                left_out.append((name, read.error))
                continue
            # Training images come first. A copy of one of them may neither test nor be held out for
            # the threshold.
            first = seen.setdefault(read.digest, read.path)
            if first != read.path and not is_test[first]:
                reason = f"the same file as {first.relative_to(root)}, which trains"
                left_out.append((name, reason))
                continue
            read.tiles.tofile(file)
            count = len(read.tiles)
            source += [len(names)] * count
            labels += [label_of[read.path]] * count
            official_test += [is_test[read.path]] * count
            names.append(name)
        if not names:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
            raise ValueError(
                f"None of the {len(left_out)} images in {root} can be read: {reasons}."
            )
    left_out += _loose(root) + bad_masks(root, names)
    return LabelledImages(
        np.memmap(cache, np.uint8, "r", shape=(len(source), *image_shape)),
        np.array(labels),
        class_names,
        official_test=np.array(official_test) if any(official_test) else None,
        source=np.array(source),
        names=tuple(names),
        left_out=tuple(left_out),
    )


def _listed(root: pathlib.Path) -> tuple[list[tuple[pathlib.Path, int, bool]], tuple[str, ...]]:
    """`[(path, label, whether it tests)]` and the names of the classes."""
    if not root.is_dir():
        raise FileNotFoundError(f"--data_dir={root}: no such folder.")
    if not (root / "train").is_dir():
        beside = [name for name in _folders(root) if name != GOOD]
        if beside and (root / GOOD).is_dir():
            raise FileNotFoundError(
                f"{root} holds a folder {GOOD} beside {', '.join(beside)}; without a folder train,"
                f" all of them would be taken for normal images. Give --data_dir={root / GOOD}, or"
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
    """The names of the folders in a folder, sorted; hidden ones are left out, as hidden
    files are.
    """
    return sorted(
        path.name for path in root.glob("*") if path.is_dir() and not path.name.startswith(".")
    )


def _loose(root: pathlib.Path) -> list[tuple[str, str]]:
    """`[(name, reason)]` of image files that lie beside the folders of the layout, not in them."""
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


def _image_shape(paths: list[pathlib.Path], image_size: int) -> tuple[int, int, int]:
    """`(S, S, C)` of the tiles, from the files' headers."""
    sizes, colour = set(), False
    for path in paths:
        try:
            with Image.open(path) as image:
                decode.check(image)
                sizes.add(image.size)
                colour = colour or image.mode not in (
                    "1",
                    "L",
                    "LA",
                    "La",
                    "I",
                    "I;16",
                    "I;16B",
                    "I;16L",
                    "F",
                )
        # What is wrong with it is said when it is read.
        except Exception:
            continue
    size = image_size
    if len(sizes) == 1:
        ((width, height),) = sizes
        if width == height <= image_size:
            border = image_size - width * (image_size // width)
            if border % 2 == 0 and border <= image_size // 8:
                size = width
    return (size, size, 3 if colour else 1)
