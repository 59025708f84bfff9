"""Masks of a folder's bad images: which belongs to which, and their pixels."""

import collections
import pathlib
from collections.abc import Collection, Iterable, Iterator

import numpy as np

from tf_ssae.config import Config
from tf_ssae.data import roi, words
from tf_ssae.data.decode import UnreadableImage, size_of
from tf_ssae.data.layout import Layout, Placed
from tf_ssae.data.mask_pixels import decode_mask
from tf_ssae.data.reader import TileReader
from tf_ssae.data.split import Subset

_Key = tuple[str, ...]


def masks(config: Config, test: Subset) -> tuple[Subset, np.ndarray] | None:
    """The test images whose anomalous pixels are known, and those pixels.

    Several masks of one image are united, and cut into tiles as their image was. Normal images need
    none: theirs is empty.

    Returns:
        The images, without anomalies that have no usable mask; and bool `[N, S, S]`, one per tile
        of these images. None if there are no masks at all.
    """
    data, root = test.data, pathlib.Path(config.data_dir)
    if not data.masks:
        return None
    size = data.image_shape[0]
    cut = ((size, size, 1), config.crop, config.tile_size)
    reader = TileReader(*cut, config.limits, roi=roi.of(config))
    tiles_of, known, found = np.bincount(test.source), [], []
    for image, name, is_anomaly in zip(test.ids, test.names, test.is_anomaly):
        files = data.masks.get(name, ())
        known.append(bool(files) or not is_anomaly)
        if not is_anomaly:
            found.append(np.zeros((tiles_of[image], size, size), bool))
        elif files:
            pixels = np.any([decode_mask((root / file).read_bytes())[0] for file in files], axis=0)
            pixels = pixels[..., np.newaxis] * np.uint8(255)
            found.append(reader.cut(pixels)[..., 0] > 127)
    return (test.of(np.array(known)), np.concatenate(found)) if found else None


def matched(
    root: pathlib.Path, layout: Layout, names: Collection[str]
) -> tuple[dict[str, tuple[str, ...]], list[tuple[str, str]], list[str]]:
    """Which masks belong to which bad images.

    `names`: of the images that were read, below `root`.

    Returns:
        `{name of an image: names of its masks}`; `(name, reason)` of masks that cannot be used;
        sentences about those that are used nevertheless.
    """
    images = [image for image in layout.images if image.label]
    exact, anywhere = _indices(images, layout.class_names)
    found: dict[str, list[str]] = collections.defaultdict(list)
    left_out: list[tuple[str, str]] = []
    remarks: list[str] = []
    for path, parts in layout.masks:
        name = str(path.relative_to(root))
        try:
            image = _image_of(path, parts, exact, anywhere, root)
            image_name = str(image.path.relative_to(root))
            if image_name not in names:
                raise UnreadableImage(f"the mask of {image_name}, which was left out")
            remark = _checked(path, image.path)
        except (OSError, UnreadableImage) as error:
            reason = getattr(error, "strerror", None) or str(error)
            left_out.append((name, reason))
            continue
        found[image_name].append(name)
        if remark:
            remarks.append(f"Mask {name}: {remark}.")
    return {name: tuple(files) for name, files in found.items()}, left_out, remarks


def _checked(mask: pathlib.Path, image: pathlib.Path) -> str:
    """A remark on a mask. Raises UnreadableImage if it does not fit its image."""
    data = mask.read_bytes()
    size, expected = size_of(data), size_of(image.read_bytes())
    if size != expected:
        raise UnreadableImage(
            f"a mask of {size[0]}x{size[1]} pixels for an image of {expected[0]}x{expected[1]}"
        )
    return decode_mask(data)[1]


def _indices(
    images: Iterable[Placed], class_names: list[str]
) -> tuple[dict[_Key, list[Placed]], dict[_Key, list[Placed]]]:
    """The bad images by class, folders and stem, and by fewer of these."""
    exact: dict[_Key, list[Placed]] = collections.defaultdict(list)
    anywhere: dict[_Key, list[Placed]] = collections.defaultdict(list)
    for image in images:
        *folders, name = image.within
        stem = pathlib.PurePath(name).stem
        exact[_key(class_names[image.label], *folders, stem)].append(image)
        for key in {_key(class_names[image.label], stem), _key(*folders, stem), _key(stem)}:
            anywhere[key].append(image)
    return exact, anywhere


def _key(*parts: str) -> _Key:
    return tuple(part.casefold() for part in parts)


def _image_of(
    path: pathlib.Path,
    parts: _Key,
    exact: dict[_Key, list[Placed]],
    anywhere: dict[_Key, list[Placed]],
    root: pathlib.Path,
) -> Placed:
    """The image of a mask. Raises UnreadableImage if there is none, or more than one."""
    folders = parts[:-1]
    for index, key in _candidates(folders, path.stem, exact, anywhere):
        images = index.get(key, [])
        if len(images) > 1:
            several = " and ".join(str(image.path.relative_to(root)) for image in images)
            raise UnreadableImage(f"a mask that may be of {several}: give each a name of its own")
        if images:
            return images[0]
    expected = pathlib.Path("test", *folders, "NAME.png")
    raise UnreadableImage(f"a mask without its image: expected {expected} for NAME_mask.png")


def _candidates(
    folders: _Key,
    stem: str,
    exact: dict[_Key, list[Placed]],
    anywhere: dict[_Key, list[Placed]],
) -> Iterator[tuple[dict[_Key, list[Placed]], _Key]]:
    stems = words.stems(stem)
    for name in stems:
        yield exact, _key(*folders, name)
    if folders:
        # A folder per image, with a file per defect (MVTec LOCO AD).
        yield exact, _key(*folders)
        for name in stems:
            yield anywhere, _key(folders[0], name)
    # In a folder that names no kind of defect.
    if not folders or words.kind(folders[0]) in ("bad", "images"):
        for name in stems:
            yield anywhere, _key(*folders[1:], name)
        if len(folders) > 1:
            yield anywhere, _key(*folders[1:])
