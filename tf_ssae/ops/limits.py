"""What is accepted as an image: limits, so that no file costs more than a server can give."""

import dataclasses

# Sides in pixels; the aspect ratio says into how many tiles an image is cut.
SMALLEST_SIDE = 8
LARGEST_ASPECT = 16

LARGEST_IMAGE = 100.0  # megapixels; while it is shrunk, each pixel takes about ten bytes
LARGEST_FILE = 650.0  # megabytes: the largest image as it is, in colour of 16 bits
# Standard progressive files have ten; each scan costs as much as decoding all pixels.
MOST_SCANS = 64


@dataclasses.dataclass(frozen=True)
class Limits:
    """The limits that may be set: servers lower them.

    Attributes:
        largest_image: in megapixels, millions of pixels; at most 100.
        largest_file: in megabytes, millions of bytes.
        most_scans: of a JPEG.

    Raises:
        ValueError: on construction, for limits that let nothing through, or an image too large.
    """

    largest_image: float = LARGEST_IMAGE
    largest_file: float = LARGEST_FILE
    most_scans: int = MOST_SCANS

    def __post_init__(self) -> None:
        if not 0 < self.largest_image <= LARGEST_IMAGE:
            raise ValueError(
                f"largest_image={self.largest_image!r}: expected more than 0, and at most"
                f" {LARGEST_IMAGE:g} megapixels."
            )
        if not 0 < self.largest_file < float("inf"):
            raise ValueError(
                f"largest_file={self.largest_file!r}: expected megabytes, more than 0."
            )
        if self.most_scans < 1:
            raise ValueError(f"most_scans={self.most_scans!r}: expected 1 or more.")

    @property
    def pixels(self) -> int:
        """`largest_image` in pixels."""
        return int(self.largest_image * 1_000_000)

    @property
    def bytes(self) -> int:
        """`largest_file` in bytes."""
        return int(self.largest_file * 1_000_000)


DEFAULTS = Limits()
