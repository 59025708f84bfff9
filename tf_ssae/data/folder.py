"""Image files in folders: the layout of MVTec AD, or just a folder of normal images."""

import pathlib

import numpy as np
from PIL import Image

from tf_ssae.config import Config
from tf_ssae.data import decode, layout
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.masks import bad_masks
from tf_ssae.data.reader import TileReader
from tf_ssae.system.files import replacing


def load(config: Config, cache: pathlib.Path) -> LabelledImages:
    """The images of `config.data_dir`, as tiles (see `ops.tiles.cut`).

    * With `train/good`: the layout of MVTec AD. `train/good` trains; `test/good` and `test/DEFECT`
      test, if they exist.
    * Otherwise: every image in the folder and below it is normal; but a folder `good` beside others
      is taken for a mistake.

    Images that are all square, and of one size that preprocessing brings to `config.image_size` by
    repeating pixels and a narrow border, stay as they are (28x28 for 32); others are resized to
    `config.image_size`. They are grey if all are. Left out, with a reason in `left_out`, are files
    that cannot be read and copies, byte for byte, of a training image.

    Args:
        cache: a file to write the tiles to. They are read from there, so that memory does not grow
            with them.

    Raises:
        FileNotFoundError: the folder or its images are missing; the message says where it looked,
            for what, and what is there.
        ValueError: none of its images can be read.
    """
    listed, class_names = layout.listed(config.data_dir)
    root = pathlib.Path(config.data_dir)
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
            # Training images come first. A copy of one of them must neither test nor be held out
            # for the threshold.
            first = seen.setdefault(read.digest, read.path)
            if first != read.path and not is_test[first]:
                reason = f"a copy of {first.relative_to(root)}, a training image"
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
    left_out += layout.loose(root) + bad_masks(root, names)
    return LabelledImages(
        np.memmap(cache, np.uint8, "r", shape=(len(source), *image_shape)),
        np.array(labels),
        class_names,
        official_test=np.array(official_test) if any(official_test) else None,
        source=np.array(source),
        names=tuple(names),
        left_out=tuple(left_out),
    )


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
        # Why it cannot be read is reported when it is read.
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
