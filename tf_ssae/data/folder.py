"""Image files in folders, of good images alone or with bad ones to test on."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from tf_ssae.config import Config
from tf_ssae.data import copies, decode, layout, roi
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.layout import HELD_OUT, TEST, Layout
from tf_ssae.data.masks import matched
from tf_ssae.data.reader import TileReader, repaired_in_words
from tf_ssae.ops.region_of_interest import RegionOfInterest
from tf_ssae.system.files import replacing

# Share of a tile's pixels that a turned region of interest may change without giving the turn away.
_SEEN_TURNED = 0.02


def load(config: Config, cache: pathlib.Path) -> LabelledImages:
    """The images of `config.data_dir`, as tiles (see `ops.tiles.cut`).

    Which of them train, are held out or test: see `layout`. Where no normal image is said to test,
    the protocol chooses.

    Images that are all square and one tile each, and of one size that preprocessing brings to
    `config.image_size` by repeating pixels and a narrow border, stay as they are (28x28 for 32);
    others are resized to `config.image_size`. They are grey if all are. Left out, with a reason in
    `left_out`, are files that cannot be read and copies (see `copies`).

    Args:
        cache: a file to write the tiles to. They are read from there, so that memory does not grow
            with them.

    Raises:
        FileNotFoundError: the folder or its images are missing; the message says where it looked,
            for what, and what is there.
        ValueError: none of its images can be read, or all are the same.
    """
    region = roi.of(config)
    read, root = layout.read(config.data_dir), pathlib.Path(config.data_dir)
    image_shape = _image_shape([image.path for image in read.images], config)
    with replacing(cache) as temporary:
        taken = (image_shape, config.crop, config.tile_size)
        reader = TileReader(*taken, config.limits, config.accept_damaged, region)
        kept = _read_tiles(root, read, reader, temporary)
        tiles = np.array(kept.tiles)
        images = np.memmap(temporary, np.uint8, "r", shape=(int(tiles.sum()), *image_shape))
        _require_different(images, kept, root)
        about_region = [] if region is None else _about_region(region, images[: tiles[0]])
        del images
    masks, bad_masks, remarks = matched(root, read, set(kept.names))
    left_out = [(str(path.relative_to(root)), reason) for path, reason in read.left_out]
    placed = [kept.placed[name] for name in kept.names]
    roles = np.repeat([image.role for image in placed], tiles)
    return LabelledImages(
        np.memmap(cache, np.uint8, "r", shape=(int(tiles.sum()), *image_shape)),
        np.repeat([image.label for image in placed], tiles),
        tuple(read.class_names),
        official_test=roles == TEST if read.tests_chosen and TEST in roles else None,
        source=np.repeat(np.arange(len(placed)), tiles),
        names=tuple(kept.names),
        left_out=(*kept.left_out, *left_out, *bad_masks),
        held_out=roles == HELD_OUT if HELD_OUT in roles else None,
        masks=masks,
        repaired=tuple(kept.repaired),
        notes=(
            *read.notes,
            *about_region,
            *_about_defects(kept),
            *([f"WARNING: {repaired_in_words(kept.repaired)}"] if kept.repaired else []),
            *_about_masks(read, masks, placed),
            *remarks,
        ),
    )


@dataclasses.dataclass
class _Kept:
    """The images that were read and are used, in order.

    Attributes:
        names: of the images.
        tiles: how many each was cut into.
        placed: `{name: Placed}` of all that were read.
        left_out: `(name, reason)`.
        repaired: `(name, what was wrong)` of damaged files that are used.
    """

    names: list[str]
    tiles: list[int]
    placed: dict[str, layout.Placed]
    left_out: list[tuple[str, str]]
    repaired: list[tuple[str, str]]


def _read_tiles(root: pathlib.Path, read: Layout, reader: TileReader, cache: pathlib.Path) -> _Kept:
    """Writes the tiles of the images to a file, in order, without those of copies."""
    placed: dict[str, layout.Placed] = {}
    digests: dict[str, bytes] = {}
    tiles: dict[str, int] = {}
    damage: dict[str, str] = {}
    left_out: list[tuple[str, str]] = []
    image_at = {image.path: image for image in read.images}
    with open(cache, "wb") as file:
        for found in reader.read(image_at, digests=True):
            name = str(found.path.relative_to(root))
            if found.error:
                left_out.append((name, found.error))
                continue
            # Not `tofile`, which says nothing of a full disk below 4,096 bytes.
            file.write(np.ascontiguousarray(found.tiles).data)
            placed[name], tiles[name] = image_at[found.path], len(found.tiles)
            digests[name] = found.digest
            damage[name] = found.damage
    if not placed:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3])
        raise ValueError(f"None of the {len(left_out)} images in {root} can be read: {reasons}.")
    of_copies = copies.left_out(placed, digests, read.class_names)
    kept = [name for name in placed if name not in of_copies]
    if of_copies:
        _compact(cache, tiles, set(kept))
    good = {digests[name] for name in kept if not placed[name].label}
    if len(good) < 2 < len(placed):
        raise ValueError(
            f"The images in {root} are all the same, pixel by pixel: there is nothing to learn"
            f" from. {len(of_copies)} of {len(placed)} are copies."
        )
    left_out += of_copies.items()
    repaired = [(name, damage[name]) for name in kept if damage[name]]
    return _Kept(kept, [tiles[name] for name in kept], placed, left_out, repaired)


def _compact(cache: pathlib.Path, tiles: dict[str, int], kept: set[str]) -> None:
    """Removes the tiles of all images but those kept from the file, an image at a time."""
    size = cache.stat().st_size // sum(tiles.values())
    read = written = 0
    with open(cache, "r+b") as file:
        for name, count in tiles.items():
            length = count * size
            if name in kept:
                if read != written:
                    file.seek(read)
                    data = file.read(length)
                    file.seek(written)
                    file.write(data)
                written += length
            read += length
        file.truncate(written)


def _require_different(images: np.ndarray, kept: _Kept, root: pathlib.Path) -> None:
    """Raises ValueError if all tiles are the same, as the networks see them."""
    if len(kept.names) > 1 and all((images[0] == image).all() for image in images):
        raise ValueError(
            f"The {len(kept.names)} images in {root} are all the same once they are shrunk to"
            f" {images.shape[1]}x{images.shape[2]} pixels: there is nothing to learn from."
        )


def _about_region(region: RegionOfInterest, tiles: np.ndarray) -> list[str]:
    """Sentences about the region of interest, from the tiles of one image."""
    inside = tiles.max(axis=3) > 0
    said = [f"Region of interest: {region.mask.mean():.1%} of each photo; the rest is not seen."]
    if (inside != np.rot90(inside, axes=(1, 2))).mean() > _SEEN_TURNED:
        said.append(
            "It looks otherwise when it is turned by 90 degrees, which gives rotations away: scores"
            " of rotation say little here."
        )
    return said


def _about_defects(kept: _Kept) -> list[str]:
    """A sentence if known defects lie among the good images."""
    found = [name for name, reason in kept.left_out if copies.KNOWN_DEFECT in reason]
    if not found:
        return []
    return [
        f"WARNING: {len(found):,} known defects lay among the good images, such as {found[0]}: they"
        " were left out. Are there others that look like them?"
    ]


def _about_masks(
    read: Layout, masks: dict[str, tuple[str, ...]], placed: Sequence[layout.Placed]
) -> list[str]:
    """A sentence if masks are there but not for every bad image."""
    bad = sum(image.label > 0 for image in placed)
    if not read.masks or len(masks) == bad:
        return []
    if not masks:
        return [f"None of the {len(read.masks):,} masks can be used: no pixel metrics."]
    return [f"{len(masks):,} of {bad:,} bad images have a mask that can be used."]


def _image_shape(paths: list[pathlib.Path], config: Config) -> tuple[int, int, int]:
    """`(S, S, C)` of the tiles, from the files' headers."""
    sizes, colour = set(), False
    for path in paths:
        try:
            with decode.header(path.read_bytes(), config.limits) as image:
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
    size = image_size = config.image_size
    if len(sizes) == 1 and not config.roi:
        ((width, height),) = sizes
        is_one_tile = width == height <= (config.tile_size or width)
        if is_one_tile and width <= image_size:
            border = image_size - width * (image_size // width)
            if border % 2 == 0 and border <= image_size // 8:
                size = width
    return (size, size, 3 if colour else 1)
