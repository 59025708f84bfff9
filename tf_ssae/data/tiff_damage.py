"""What libtiff says of the pixels of a file. It repairs in silence: Pillow, which decodes with it,
switches its warnings off. So the library that Pillow has loaded is asked by hand, through ctypes.
"""

import contextlib
import ctypes
import functools
import os
from collections.abc import Iterator
from typing import Any

from PIL import _imaging

# Where libtiff reads tags, not pixels: of them nothing is wanted but what Pillow has read.
_OF_TAGS = (
    "TIFFReadDirectory",
    "TIFFReadCustomDirectory",
    "TIFFReadEXIFDirectory",
    "TIFFReadDirectoryCheckOrder",
    "TIFFFetch",
    "TIFFVSetField",
    "_TIFFVSetField",
    "MissingRequired",
    "JPEGFixupTags",
)

_LONGEST = 500  # characters of a message

# int (TIFF*, void* user_data, const char* module, const char* format, va_list): of libtiff 4.5. On
# Linux a va_list is passed as a pointer.
_Handler = ctypes.CFUNCTYPE(
    ctypes.c_int,
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p),
)


def damage(data: bytes, largest: int) -> str:
    """What is wrong with the pixels of a TIFF file, decoded whole: the first thing that libtiff
    says of them; empty if it says nothing, or if this Pillow has no libtiff that can be asked.

    `largest`: bytes of memory that libtiff may take at once.
    """
    library = _library()
    if library is None:
        return ""
    said: list[str] = []
    with _opened(library, data, largest, said) as image:
        if image:
            _read(library, image, said)
    return said[0] if said else ""


@contextlib.contextmanager
def _opened(library: Any, data: bytes, largest: int, said: list[str]) -> Iterator[int | None]:
    """The TIFF handle of a file; None if it cannot be opened. Messages are added to `said`."""

    def hear(image: int, user: int, module: bytes | None, text: bytes, values: int) -> int:
        source = (module or b"").decode("latin-1")
        if not source.startswith(_OF_TAGS):
            message = ctypes.create_string_buffer(_LONGEST)
            _vsnprintf()(message, _LONGEST, text, values)
            said.append(message.value.decode("latin-1").rstrip("."))
        return 1  # and nobody else is to hear of it

    heard = _Handler(hear)
    options = library.TIFFOpenOptionsAlloc()
    descriptor = os.memfd_create("tiff", os.MFD_CLOEXEC)
    try:
        library.TIFFOpenOptionsSetMaxSingleMemAlloc(options, largest)
        library.TIFFOpenOptionsSetErrorHandlerExtR(options, heard, None)
        library.TIFFOpenOptionsSetWarningHandlerExtR(options, heard, None)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(descriptor, 0, os.SEEK_SET)
        image = library.TIFFFdOpenExt(descriptor, b"file", b"r", options)
        yield image
        if image:
            library.TIFFCleanup(image)
    finally:
        library.TIFFOpenOptionsFree(options)
        os.close(descriptor)


def _read(library: Any, image: int, said: list[str]) -> None:
    """Decodes strip by strip, or tile by tile, until something is said."""
    tiled = library.TIFFIsTiled(image)
    kind = "Tile" if tiled else "Strip"
    size = getattr(library, f"TIFF{kind}Size")(image)
    count = getattr(library, f"TIFFNumberOf{kind}s")(image)
    if size <= 0:
        return
    buffer = ctypes.create_string_buffer(size)
    decode = getattr(library, f"TIFFReadEncoded{kind}")
    for number in range(count):
        failed = decode(image, number, buffer, size) < 0
        if failed and not said:
            said.append(f"{kind.lower()} {number} cannot be decoded")
        if said:
            return


@functools.cache
def _library() -> Any:
    """The libtiff that Pillow decodes with; None if it cannot be found, or is older than 4.5."""
    # Its symbols are found through the module that was linked with it.
    library = ctypes.CDLL(_imaging.__file__)
    pointer, size = ctypes.c_void_p, ctypes.c_ssize_t
    try:
        for name, result, arguments in (
            ("OpenOptionsAlloc", pointer, []),
            ("OpenOptionsFree", None, [pointer]),
            ("OpenOptionsSetMaxSingleMemAlloc", None, [pointer, size]),
            ("OpenOptionsSetErrorHandlerExtR", None, [pointer, _Handler, pointer]),
            ("OpenOptionsSetWarningHandlerExtR", None, [pointer, _Handler, pointer]),
            ("FdOpenExt", pointer, [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, pointer]),
            ("Cleanup", None, [pointer]),
            ("IsTiled", ctypes.c_int, [pointer]),
            ("StripSize", size, [pointer]),
            ("TileSize", size, [pointer]),
            ("NumberOfStrips", ctypes.c_uint32, [pointer]),
            ("NumberOfTiles", ctypes.c_uint32, [pointer]),
            ("ReadEncodedStrip", size, [pointer, ctypes.c_uint32, pointer, size]),
            ("ReadEncodedTile", size, [pointer, ctypes.c_uint32, pointer, size]),
            ("SetErrorHandler", pointer, [pointer]),
        ):
            function = getattr(library, f"TIFF{name}")
            function.restype, function.argtypes = result, arguments
    except AttributeError:
        return None
    # What it prints itself, when Pillow decodes, names no file.
    library.TIFFSetErrorHandler(None)
    return library


@functools.cache
def _vsnprintf() -> Any:
    function = ctypes.CDLL(None).vsnprintf
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_void_p]
    return function
