"""Masks of the anomalies in a folder's test images, in the layout of MVTec AD."""

import pathlib

import numpy as np

from tf_ssae.config import Config
from tf_ssae.data import find
from tf_ssae.data.decode import UnreadableImage, decode, with_channels
from tf_ssae.data.layout import GOOD
from tf_ssae.data.reader import TileReader
from tf_ssae.data.split import Subset


def masks(config: Config, test: Subset) -> tuple[Subset, np.ndarray] | None:
    """The test images whose anomalous pixels are known, and those pixels.

    The mask of `test/DEFECT/NAME.png` is `ground_truth/DEFECT/NAME_mask.png`, cut into tiles as its
    image was. Normal images need none: theirs is empty.

    Returns:
        The images, without anomalies that have no mask or one that was left out; and bool
        `[N, S, S]`, one per tile of these images. None if there are no masks at all.
    """
    data, root = test.data, pathlib.Path(config.data_dir)
    if not _has_masks(root):
        return None
    size = data.image_shape[0]
    reader, left_out = TileReader((size, size, 1), config.crop), {name for name, _ in data.left_out}
    tiles_of, known, found = np.bincount(test.source), [], []
    for image, name, is_anomaly in zip(test.ids, test.names, test.is_anomaly):
        mask = _mask_path(root, pathlib.Path(name))
        usable = mask.is_file() and str(mask.relative_to(root)) not in left_out
        known.append(usable or not is_anomaly)
        if not is_anomaly:
            found.append(np.zeros((tiles_of[image], size, size), bool))
        elif usable:
            pixels = with_channels(decode(mask.read_bytes()), 1) > 0
            found.append(reader.cut(pixels * np.uint8(255))[..., 0] > 127)
    return (test.of(np.array(known)), np.concatenate(found)) if found else None


def bad_masks(root: pathlib.Path, names: list[str]) -> list[tuple[str, str]]:
    """`(name, reason)` of masks without an image, of another size than it, or unreadable.

    `names`: those of the images that were read, below `root`.
    """
    if not _has_masks(root):
        return []
    tests = [
        path
        for path in map(pathlib.Path, names)
        if path.parts[0] == "test" and path.parts[1] != GOOD
    ]
    image_of = {_mask_path(root, path): root / path for path in tests}
    bad = []
    for mask in find.find(root / "ground_truth"):
        name = str(mask.relative_to(root))
        if mask not in image_of:
            bad.append((name, _why_unused(mask.relative_to(root / "ground_truth"))))
            continue
        try:
            height, width = decode(mask.read_bytes()).shape[:2]
        except (OSError, UnreadableImage) as error:
            bad.append((name, str(error)))
            continue
        expected = decode(image_of[mask].read_bytes()).shape
        if (height, width) != expected[:2]:
            reason = (
                f"a mask of {width}x{height} pixels for an image of {expected[1]}x{expected[0]}"
            )
            bad.append((name, reason))
    return bad


def _mask_path(root: pathlib.Path, path: pathlib.Path) -> pathlib.Path:
    """From `test/DEFECT/.../NAME.png` to `ground_truth/DEFECT/.../NAME_mask.png`."""
    return root / "ground_truth" / pathlib.Path(*path.parts[1:]).with_name(f"{path.stem}_mask.png")


def _has_masks(root: pathlib.Path) -> bool:
    return any(find.is_image(path, root) for path in (root / "ground_truth").rglob("*"))


def _why_unused(mask: pathlib.Path) -> str:
    """Why no image has the mask with this path in `ground_truth`."""
    if mask.parts[0] == GOOD:
        return "a mask of a normal image: nothing in it is anomalous"
    return (
        f"a mask without its image: expected {pathlib.Path('test', mask.parent, 'NAME.png')} for"
        " NAME_mask.png"
    )
