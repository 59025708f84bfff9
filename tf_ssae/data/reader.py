"""Image files to tiles, read ahead by a few threads."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import io
import pathlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Self

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_ssae.calibration import Description
from tf_ssae.data import decode
from tf_ssae.data.decode import UnreadableImage, with_channels
from tf_ssae.data.storage import LOCAL, Storage
from tf_ssae.ops import tiles
from tf_ssae.ops.graph import graph
from tf_ssae.ops.limits import DEFAULTS, Limits
from tf_ssae.ops.region_of_interest import RegionOfInterest

# Larger images, and larger files, are read one at a time.
_LARGE_IMAGE = 16_000_000  # pixels
_LARGE_FILE = 64_000_000  # bytes
# What is read ahead: so many files, but of those with many tiles no more than so many bytes.
_READ_AHEAD = 64
_BYTES_AHEAD = 64_000_000
_THREADS = 4
_NAMED = 10


@dataclasses.dataclass(frozen=True)
class ReadFile:
    """A file that was read, or why it could not be.

    Attributes:
        path: as it was given.
        tiles: uint8 `[T, S, S, C]`; T is 0 if the file is unreadable.
        digest: a hash of the image's pixels, if it was asked for: equal for equal images,
            whatever their files.
        error: why it is unreadable, without the file's name; empty if it is readable.
        size: `(H, W)` of the image, upright.
        orientation: of its EXIF, 1..8: how a viewer turns the file's own pixels upright.
        damage: what was wrong with a file that was read as its decoder repairs it; else empty.
    """

    path: pathlib.Path
    tiles: np.ndarray = dataclasses.field(default_factory=lambda: np.empty([0, 0, 0, 0], np.uint8))
    digest: bytes = b""
    error: str = ""
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    damage: str = ""

    @property
    def stored_size(self) -> tuple[int, int]:
        """`(H, W)` in the file's own pixels."""
        return self.size[::-1] if self.orientation >= 5 else self.size


def repaired_in_words(repaired: Sequence[tuple[str, str]]) -> str:
    """A sentence that counts and names damaged files that were read as their decoder repairs them;
    empty if there are none. `repaired`: `(name, what was wrong)`.
    """
    if not repaired:
        return ""
    named = ", ".join(f"{name} ({damage})" for name, damage in repaired[:_NAMED])
    more = f" and {len(repaired) - _NAMED:,} more" if len(repaired) > _NAMED else ""
    return (
        f"{len(repaired):,} damaged files were read as their decoder repairs them"
        f" (--accept_damaged): {named}{more}."
    )


class TileReader:
    """Reads image files as tiles, in an amount of memory that does not grow with their number."""

    def __init__(
        self,
        image_shape: tuple[int, ...],
        crop: str,
        tile_size: int = 0,
        limits: Limits = DEFAULTS,
        accept_damaged: bool = False,
        roi: RegionOfInterest | None = None,
        storage: Storage = LOCAL,
    ):
        """
        Args:
            image_shape: `(S, S, C)` of the tiles.
            crop, tile_size: see `ops.tiles.cut`; `roi`: its `region`.
            limits: files beyond them are unreadable.
            accept_damaged: whether damaged files are read as their decoder repairs them.
            storage: where the files are.
        """
        self._size, _, self._channels = image_shape
        # An image of this size is one tile as it is.
        self._is_one_tile = roi is None and not 0 < tile_size < self._size
        self._roi, self._crop, self._tile_size = roi, crop, tile_size
        self._limits, self._accept_damaged = limits, accept_damaged
        self._storage = storage
        self._large = threading.RLock()

    @classmethod
    def of(
        cls,
        description: Description,
        limits: Limits = DEFAULTS,
        accept_damaged: bool = False,
        storage: Storage = LOCAL,
    ) -> Self:
        """The reader of what a detector takes."""
        taken = (description.image_shape, description.crop, description.tile_size)
        return cls(*taken, limits, accept_damaged, description.roi, storage)

    @functools.cached_property
    def _cut(self) -> Callable[[tf.Tensor], tf.Tensor]:
        region = None if self._roi is None else tf.constant(self._roi.mask)
        compiled = graph(
            lambda images: tiles.cut(images, self._size, self._crop, self._tile_size, region)[0],
            input_signature=[tf.TensorSpec([1, None, None, self._channels], tf.uint8)],
        )
        # Not `compiled` itself: TensorFlow counts its tracings by the address of the lambda, where
        # another reader's may have been before, and warns of "retracing".
        return compiled.get_concrete_function()

    def prepare(self) -> None:
        """Does beforehand what the first image would wait for: about a second's work."""
        Image.preinit()
        _ = self._cut

    def pixels(self, data: bytes) -> tuple[np.ndarray, str]:
        """The pixels of an image file, uint8 `[H, W, 1 or 3]`, and what was wrong with it; empty if
        nothing was. Raises UnreadableImage, saying why.
        """
        if self._accept_damaged:
            return decode.repair(data, self._limits)
        return decode.decode(data, self._limits), ""

    def cut(self, image: np.ndarray) -> np.ndarray:
        """uint8 `[H, W, 1 or 3] -> [T, S, S, C]`. Raises UnreadableImage if the region of interest
        does not fit, or leaves nothing.
        """
        image = with_channels(image, self._channels)
        if image.shape[:2] == (self._size, self._size) and self._is_one_tile:
            return image[np.newaxis]
        height, width, _ = image.shape
        if self._roi is not None and not self._roi.fits(height, width):
            rows, columns = self._roi.mask.shape
            raise UnreadableImage(
                f"{width}x{height} pixels: not the proportions of the region of interest,"
                f" {columns}x{rows}"
            )
        found = self._cut(tf.constant(image[np.newaxis])).numpy()
        if not len(found):
            raise UnreadableImage(
                f"{width}x{height} pixels: the region of interest leaves nothing of it"
            )
        return found

    def read(self, paths: Iterable[pathlib.Path], digests: bool = False) -> Iterator[ReadFile]:
        """Yields a ReadFile for every path, in order; with `digests`, of its pixels too."""
        yield from _in_order(functools.partial(self._read, digests=digests), paths)

    def _read(self, path: pathlib.Path, digests: bool) -> ReadFile:
        try:
            size = self._storage.size(path)
            decode.check_bytes(size, self._limits)
            with self._large if size > _LARGE_FILE else contextlib.nullcontext():
                return self.of_bytes(self._storage.read(path), path, digests)
        except OSError as error:
            return ReadFile(path, error=f"cannot be read: {error.strerror or error}")
        except UnreadableImage as error:
            return ReadFile(path, error=str(error))

    def of_bytes(self, data: bytes, path: pathlib.Path, digests: bool = False) -> ReadFile:
        """The ReadFile of an image file in memory. `path`: what it is called."""
        try:
            with self._turn(data):
                pixels, damage = self.pixels(data)
                found, digest = self.cut(pixels), _digest(pixels) if digests else b""
                size = (pixels.shape[0], pixels.shape[1])
                turned = decode.orientation(data)
                return ReadFile(path, found, digest, "", size, turned, damage)
        except UnreadableImage as error:
            return ReadFile(path, error=str(error))

    def _turn(self, data: bytes) -> contextlib.AbstractContextManager:
        """A context to decode this file in: for a large image a shared lock, so that only one of
        them is in memory at a time.
        """
        try:
            with Image.open(io.BytesIO(data)) as image:
                large = image.size[0] * image.size[1] > _LARGE_IMAGE
        # Why it cannot be read is reported when it is decoded.
        except Exception:
            large = False
        return self._large if large else contextlib.nullcontext()


def _digest(pixels: np.ndarray) -> bytes:
    """A hash of uint8 `[H, W, C]`; that of grey if colour is grey everywhere."""
    if pixels.shape[2] == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., :1]
    digest = hashlib.blake2b(str(pixels.shape).encode(), digest_size=16)
    digest.update(pixels.tobytes())
    return digest.digest()


def _in_order(
    function: Callable[[pathlib.Path], ReadFile], paths: Iterable[pathlib.Path]
) -> Iterator[ReadFile]:
    """Yields `function(path)` for every path, in order, computed ahead by a few threads."""
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        pending: list[concurrent.futures.Future[ReadFile]] = []
        for path in paths:
            pending.append(pool.submit(function, path))
            while len(pending) >= _READ_AHEAD or _bytes_waiting(pending) > _BYTES_AHEAD:
                yield pending.pop(0).result()
        while pending:
            yield pending.pop(0).result()


def _bytes_waiting(pending: list["concurrent.futures.Future[ReadFile]"]) -> int:
    done = (future for future in pending if future.done() and not future.exception())
    return sum(future.result().tiles.nbytes for future in done)
