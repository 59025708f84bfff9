"""Labelled images, in memory or in a file mapped to it, checked on construction."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tf_ssae.ops.tiles import first_tiles


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """Images with the class of each.

    Attributes:
        images: `[N, S, S, C]`, uint8, or float32 in [0, 1]; 1 (grey) or 3 (colour) channels.
        labels: int `[N]`, indices into `class_names`.
        class_names: one name per class.
        official_test: bool `[N]`, true for the images of the source's own test split; None where it
            has none.
        source: int `[N]`, ascending: where `images` are tiles, which image each was cut from; None
            where each is an image by itself.
        names: one name per image; None where they have none.
        left_out: `(name, reason)` of what the source could not use.
        held_out: bool `[N]`, true for normal images that the source itself keeps for the threshold;
            None where it keeps none.
        masks: `{name of an image: names of the files that mark its defects}`.
        notes: sentences about how the source was read.
        repaired: `(name, what was wrong)` of damaged files, which are as their decoder repaired
            them.

    Raises:
        ValueError: on construction, for another shape or dtype, for pixels that are NaN or out of
            range, and for labels that name no class; and for a source, names or a test split that
            do not fit the images.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    official_test: np.ndarray | None = None
    source: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    held_out: np.ndarray | None = None
    masks: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    repaired: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        check_images(self.images)
        if not isinstance(self.labels, np.ndarray) or not np.issubdtype(
            self.labels.dtype, np.integer
        ):
            found = (
                f"an array of {self.labels.dtype}"
                if isinstance(self.labels, np.ndarray)
                else type(self.labels).__name__
            )
            raise ValueError(
                f"Labels are {found}; expected a numpy array of integers, indices into class_names."
            )
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(
                f"Labels of shape {self.labels.shape} for {len(self.images)} images; expected one"
                " per image."
            )
        if len(self.labels) and not (
            0 <= self.labels.min() and self.labels.max() < len(self.class_names)
        ):
            raise ValueError(
                f"Labels run from {self.labels.min()} to {self.labels.max()}; expected 0 to"
                f" {len(self.class_names) - 1}."
            )
        if self.source is not None and (
            self.source.shape != self.labels.shape
            or not np.isin(np.diff(self.source, prepend=-1), (0, 1)).all()
        ):
            raise ValueError(
                "source: expected the image that each tile was cut from: 0, 1, 2, ..., ascending"
                " and without a gap."
            )
        if self.official_test is not None and self.official_test.shape != self.labels.shape:
            raise ValueError(
                f"official_test of shape {self.official_test.shape} for {len(self.images)} images;"
                " expected one per image."
            )
        if self.held_out is not None and self.held_out.shape != self.labels.shape:
            raise ValueError(
                f"held_out of shape {self.held_out.shape} for {len(self.images)} images; expected"
                " one per image."
            )
        if self.names is not None and len(self.names) != len(self.first_tiles):
            raise ValueError(
                f"{len(self.names)} names for {len(self.first_tiles)} images; expected one per"
                " image."
            )

    @property
    def first_tiles(self) -> np.ndarray:
        """int `[M]`: the first tile of each image, in the order of images."""
        return first_tiles(self.source_of(np.arange(len(self.labels))))

    def source_of(self, index: np.ndarray) -> np.ndarray:
        """Which image each tile of `index` was cut from: int, of its shape."""
        return index if self.source is None else self.source[index]

    @property
    def image_shape(self) -> tuple[int, ...]:
        """`(S, S, C)`."""
        return self.images.shape[1:]


def check_images(images: np.ndarray) -> None:
    """Raises ValueError unless `images` is what `LabelledImages.images` may hold."""
    if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] not in (1, 3):
        raise ValueError(
            f"Images of shape {list(images.shape)}; expected [N, S, S, C]: square, with C = 1"
            " (grey) or 3 (colour) last."
        )
    if images.dtype == np.uint8:
        return
    if images.dtype != np.float32:
        raise ValueError(
            f"Images of dtype {images.dtype}; expected uint8 (0 to 255) or float32 (0 to 1)."
        )
    # A thousand at a time: a mask of all pixels would take as much memory as the images.
    for start in range(0, len(images), 1000):
        chunk = images[start : start + 1000]
        bad = ~((chunk >= 0) & (chunk <= 1)).all(axis=(1, 2, 3))
        if bad.any():
            first = start + int(np.argmax(bad))
            found = (
                "NaN pixels"
                if np.isnan(images[first]).any()
                else (f"pixels from {images[first].min()} to {images[first].max()}")
            )
            raise ValueError(f"Image {first} has {found}; expected float32 images in 0 to 1.")
