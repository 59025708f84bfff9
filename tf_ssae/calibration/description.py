"""What a program needs beside a trained detector's scores to decide about images."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from tf_ssae.calibration.calibration import Calibration
from tf_ssae.config import CROPS
from tf_ssae.ops.batched import at_once
from tf_ssae.ops.region_of_interest import RegionOfInterest

# The side of a tile, in pixels: as networks see it, many times what any detector here takes.
_LARGEST_SIDE = 4096


@dataclasses.dataclass(frozen=True)
class Description:
    """What is stored beside every exported file, as JSON.

    Attributes:
        image_shape: `(S, S, C)` of the tiles that the detector takes.
        crop: how an image is cut into them: see `ops.tiles.cut`.
        calibration: which score decides, above what.
        image_size: T, the side at which the networks see a tile, which may be larger than S; None
            in exports of earlier versions.
        tile_size: the side of the tiles in pixels of the image, or 0: see `ops.tiles.cut`.
        roi: the region of interest, if there is one; in JSON its mask, a PNG file in base64.

    Raises:
        ValueError: on construction, for values that no detector can have.
    """

    image_shape: tuple[int, ...]
    crop: str
    calibration: Calibration
    image_size: int | None = None
    tile_size: int = 0
    roi: RegionOfInterest | None = None

    def __post_init__(self) -> None:
        if not (
            len(self.image_shape) == 3
            and all(type(size) is int and size > 0 for size in self.image_shape)
            and self.image_shape[0] == self.image_shape[1]
            and self.image_shape[2] in (1, 3)
        ):
            raise ValueError(
                f"image_shape={list(self.image_shape)}: expected [S, S, C], C = 1 or 3."
            )
        if not (self.image_size is None or type(self.image_size) is int and self.image_size > 0):
            raise ValueError(f"image_size={self.image_size!r}: expected a number of pixels.")
        seen = self.image_shape[0] if self.image_size is None else self.image_size
        if not self.image_shape[0] <= seen <= _LARGEST_SIDE:
            raise ValueError(
                f"image_size={self.image_size!r}, image_shape={list(self.image_shape)}: expected"
                f" tiles that are at most as large as the networks see them, and those at most"
                f" {_LARGEST_SIDE} pixels a side."
            )
        if not (type(self.tile_size) is int and self.tile_size >= 0):
            raise ValueError(f"tile_size={self.tile_size!r}: expected a number of pixels, or 0.")
        if self.crop not in CROPS:
            raise ValueError(f"crop={self.crop!r}: expected {' or '.join(CROPS)}.")

    @property
    def at_once(self) -> int:
        """How many tiles to score at once: see `ops.batched.at_once`."""
        return at_once(max(self.image_shape[0], self.image_size or 0))

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values that `from_dict` turns back into an equal Description."""
        return {
            "image_shape": list(self.image_shape),
            "crop": self.crop,
            "calibration": self.calibration.to_dict(),
            "image_size": self.image_size,
            "tile_size": self.tile_size,
            "roi": self.roi and self.roi.png,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Takes what it needs of a dict that may hold more. Raises ValueError for what is missing
        or wrong.
        """
        missing = {"image_shape", "crop", "calibration"} - set(values)
        if missing:
            raise ValueError(
                f"it lacks {', '.join(sorted(missing))}; was it exported by another version of "
                "tf_ssae?"
            )
        if not isinstance(values["image_shape"], list):
            raise ValueError(f"image_shape={values['image_shape']!r}: expected [S, S, C].")
        calibration = Calibration.from_dict(values["calibration"])
        shape, size = tuple(values["image_shape"]), values.get("image_size")
        roi = None if values.get("roi") is None else RegionOfInterest(values["roi"])
        return cls(shape, values["crop"], calibration, size, values.get("tile_size", 0), roi)
