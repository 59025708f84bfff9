"""Image files in folders: the layout of MVTec AD, or just a folder of normal images."""

import pathlib

import numpy as np
from PIL import Image

from tf_ssae.data import files
from tf_ssae.data.images import LabelledImages
from tf_ssae.system.files import replacing

GOOD = "good"


def load(config, cache):
    """The images of `config.data_dir`, as square parts (see `networks.resizing.squares`).

    * With `train/good`: the layout of MVTec AD. `train/good` trains; `test/good` and `test/DEFECT`
      test, if they exist.
    * Else: every image in the folder and below it is normal; but a folder `good` beside others is
      taken for a mistake.

    Images that are all square, and of one size that preprocessing brings to `config.image_size` by
    repeating pixels and a narrow border, stay as they are (28x28 for 32); others are resized to
    `config.image_size`. They are grey if all are. What cannot be read is left out, and so is a copy
    of a training image, byte for byte; both are said.

    Args:
        cache: a file to write the squares to. The images are read from there, so that memory does
            not grow with them.

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
    labels, official_test, names, source, left_out, seen = [], [], [], [], [], {}
    is_test = {path: test for path, _, test in listed}
    label_of = {path: label for path, label, _ in listed}
    with replacing(cache) as temporary, open(temporary, "wb") as file:
        for path, squares, digest in files.Squares(image_shape, config.crop).read(is_test):
            name = str(path.relative_to(root))
            if digest is None:
                left_out.append((name, str(squares)))
                continue
            # Training images come first. A copy of one of them may neither test nor be held out for
            # the threshold.
            if digest in seen and not is_test[seen[digest]]:
                left_out.append(
                    (name, f"the same file as {seen[digest].relative_to(root)}, which trains")
                )
                continue
            seen.setdefault(digest, path)
            squares.tofile(file)
            source += [len(names)] * len(squares)
            labels += [label_of[path]] * len(squares)
            official_test += [is_test[path]] * len(squares)
            names.append(name)
        if not names:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
            raise ValueError(
                f"None of the {len(left_out)} images in {root} can be read: {reasons}."
            )
    left_out += _loose(root) + _bad_masks(root, names)
    squares = np.memmap(cache, np.uint8, "r", shape=(len(source), *image_shape))
    return LabelledImages(
        squares,
        np.array(labels),
        class_names,
        official_test=np.array(official_test) if any(official_test) else None,
        source=np.array(source),
        names=tuple(names),
        left_out=tuple(left_out),
    )


def masks(config, data, pictures):
    """The masks of test pictures, each cut into the squares that its picture was cut into.

    In the layout of MVTec AD, the mask of `test/DEFECT/NAME.png` is
    `ground_truth/DEFECT/NAME_mask.png`. Normal pictures need none: theirs is empty.

    Returns:
        `{picture: bool [T, S, S]}`, empty if there are no masks at all; without anomalous pictures
        that have no mask, or one that `load` left out.
    """
    root, size = pathlib.Path(config.data_dir), data.image_shape[:2]
    if not _has_masks(root):
        return {}
    parts = np.bincount(data.source)
    left_out = {name for name, _ in data.left_out}
    squares = files.Squares((*size, 1), config.crop)
    found = {}
    for picture in pictures:
        path = pathlib.Path(data.names[picture])
        if data.labels[np.searchsorted(data.source, picture)] == 0:
            found[picture] = np.zeros((parts[picture], *size), bool)
            continue
        mask = _mask_path(root, path)
        if mask.is_file() and str(mask.relative_to(root)) not in left_out:
            pixels = files.with_channels(files.decode(mask.read_bytes()), 1) > 0
            found[picture] = squares.of(pixels * np.uint8(255))[..., 0] > 127
    return found


def _mask_path(root, path):
    """Of `test/DEFECT/.../NAME.png`: `ground_truth/DEFECT/.../NAME_mask.png`."""
    return root / "ground_truth" / pathlib.Path(*path.parts[1:]).with_name(f"{path.stem}_mask.png")


def _has_masks(root):
    return any(files.is_image(path, root) for path in (root / "ground_truth").rglob("*"))


def _bad_masks(root, names):
    """`[(name, reason)]` of masks without an image, of another size than it, or unreadable."""
    if not _has_masks(root):
        return []
    tests = [
        path
        for path in map(pathlib.Path, names)
        if path.parts[0] == "test" and path.parts[1] != GOOD
    ]
    image_of = {_mask_path(root, path): root / path for path in tests}
    bad = []
    for mask in files.find(root / "ground_truth"):
        name = str(mask.relative_to(root))
        if mask not in image_of:
            bad.append((name, _why_unused(mask.relative_to(root / "ground_truth"))))
            continue
        try:
            height, width = files.decode(mask.read_bytes()).shape[:2]
        except (OSError, files.UnreadableImage) as error:
            bad.append((name, str(error)))
            continue
        expected = files.decode(image_of[mask].read_bytes()).shape
        if (height, width) != expected[:2]:
            bad.append(
                (
                    name,
                    (
                        f"a mask of {width}x{height} pixels for an image of"
                        f" {expected[1]}x{expected[0]}"
                    ),
                )
            )
    return bad


def _why_unused(mask):
    """Why the mask with this path in `ground_truth` is of no image."""
    if mask.parts[0] == GOOD:
        return "a mask of a normal image: nothing in it is anomalous"
    return (
        f"a mask without its image: expected {pathlib.Path('test', mask.parent, 'NAME.png')} for"
        " NAME_mask.png"
    )


def _listed(root):
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
        return [(path, 0, False) for path in files.find(root)], (GOOD,)
    others = [name for name in _folders(root / "train") if name != GOOD]
    if others or not (root / "train" / GOOD).is_dir():
        raise FileNotFoundError(
            f"{root / 'train'} holds {', '.join(sorted(others)) or 'no folder'}; expected one"
            f" folder, {GOOD}, of normal images (the layout of MVTec AD: train/good, test/good,"
            " test/DEFECT)."
        )
    listed = [(path, 0, False) for path in files.find(root / "train" / GOOD)]
    class_names = [GOOD]
    for name in _folders(root / "test"):
        if name != GOOD:
            class_names.append(name)
        label = 0 if name == GOOD else len(class_names) - 1
        listed += [(path, label, True) for path in files.find(root / "test" / name)]
    return listed, tuple(class_names)


def _folders(root):
    """The names of the folders in a folder, sorted; hidden ones are left out, as hidden
    files are.
    """
    return sorted(
        path.name for path in root.glob("*") if path.is_dir() and not path.name.startswith(".")
    )


def _loose(root):
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
        if path.suffix.lower() in files.EXTENSIONS and not path.name.startswith(".")
    ]


def _image_shape(paths, image_size):
    """`(S, S, C)` of the squares, from the files' headers."""
    sizes, colour = set(), False
    for path in paths:
        try:
            with Image.open(path) as image:
                files.check(image)
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
