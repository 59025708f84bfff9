"""Image files to tiles, read ahead by a few threads."""

import concurrent.futures
import contextlib
import dataclasses
import functools
import hashlib
import io
import pathlib
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from tf_ssae.data.decode import UnreadableImage, decode, with_channels
from tf_ssae.ops import tiles

_LARGE_IMAGE = 16_000_000  # pixels; larger images are read one at a time
_READ_AHEAD = 64
_THREADS = 4


@dataclasses.dataclass(frozen=True)
class ReadFile:
    """A file that was read, or why it could not be.

    Attributes:
        path: as it was given.
        tiles: uint8 `[T, S, S, C]`; T is 0 if the file is unreadable.
        digest: a hash of the image's pixels, if it was asked for: equal for equal images,
            whatever their files.
        error: why it is unreadable, without the file's name; empty if it is readable.
    """

    path: pathlib.Path
    tiles: np.ndarray = dataclasses.field(default_factory=lambda: np.empty([0, 0, 0, 0], np.uint8))
    digest: bytes = b""
    error: str = ""


class TileReader:
    """Reads image files as tiles, in an amount of memory that does not grow with their number."""

    def __init__(self, image_shape: tuple[int, ...], crop: str):
        """`image_shape`: `(S, S, C)` of the tiles. `crop`: see `ops.tiles.cut`."""
        self._size, _, self._channels = image_shape
        self._large = threading.Lock()
        spec = tf.TensorSpec([1, None, None, self._channels], tf.uint8)
        self._cut = tf.function(
            lambda images: tiles.cut(images, self._size, crop)[0], input_signature=[spec]
        )

    def cut(self, image: np.ndarray) -> np.ndarray:
        """uint8 `[H, W, 1 or 3] -> [T, S, S, C]`."""
        image = with_channels(image, self._channels)
        if image.shape[:2] == (self._size, self._size):
            return image[np.newaxis]
        return self._cut(image[np.newaxis]).numpy()

    def read(self, paths: Iterable[pathlib.Path], digests: bool = False) -> Iterator[ReadFile]:
        """Yields a ReadFile for every path, in order; with `digests`, of its pixels too."""
        yield from _in_order(functools.partial(self._read, digests=digests), paths)

    def _read(self, path: pathlib.Path, digests: bool) -> ReadFile:
        try:
            data = pathlib.Path(path).read_bytes()
        except OSError as error:
            return ReadFile(path, error=f"cannot be read: {error.strerror}")
        return self.of_bytes(data, path, digests)

    def of_bytes(self, data: bytes, path: pathlib.Path, digests: bool = False) -> ReadFile:
        """The ReadFile of an image file in memory. `path`: what it is called."""
        try:
            with self._turn(data):
                pixels = decode(data)
                return ReadFile(path, self.cut(pixels), _digest(pixels) if digests else b"")
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


def _in_order(function: Callable[[Any], Any], items: Iterable) -> Iterator:
    """Yields `function(item)` for every item, in order, computed ahead by a few threads."""
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        pending = []
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= _READ_AHEAD:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()
