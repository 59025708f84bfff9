"""What a program needs beside a trained detector's scores to decide about images."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from tf_ssae.calibration.calibration import Calibration
from tf_ssae.config import CROPS


@dataclasses.dataclass(frozen=True)
class Description:
    """What is stored beside every exported file, as JSON.

    Attributes:
        image_shape: `(S, S, C)` of the tiles that the detector takes.
        crop: how an image is cut into them: see `ops.tiles.cut`.
        calibration: which score decides, above what.

    Raises:
        ValueError: on construction, for values that no detector can have.
    """

    image_shape: tuple[int, ...]
    crop: str
    calibration: Calibration

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
        if self.crop not in CROPS:
            raise ValueError(f"crop={self.crop!r}: expected {' or '.join(CROPS)}.")

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values that `from_dict` turns back into an equal Description."""
        return {
            "image_shape": list(self.image_shape),
            "crop": self.crop,
            "calibration": self.calibration.to_dict(),
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
        return cls(tuple(values["image_shape"]), values["crop"], calibration)
