"""Labelled images, in memory or in a file mapped to it, checked on construction."""

import dataclasses

import numpy as np

from tf_ssae.ops.parts import first_parts


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """Images with the class of each.

    Attributes:
        images: `[N, S, S, C]`, uint8, or float32 in [0, 1]; 1 (grey) or 3 (colour) channels.
        labels: int `[N]`, indices into `class_names`.
        class_names: one name a class.
        official_test: bool `[N]`, true for the images of the source's own test split; None where it
            has none.
        source: int `[N]`, ascending: which picture each image was cut from, where `images` are
            square parts of pictures; None where each is a picture by itself.
        names: one name a picture; None where they have none.
        left_out: `(name, reason)` of what the source could not use.

    Raises:
        ValueError: on construction, for another shape or dtype, for pixels that are NaN or out of
            range, and for labels that name no class; and for pictures, or a test split, that do not
            fit the images.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple
    official_test: np.ndarray | None = None
    source: np.ndarray | None = None
    names: tuple | None = None
    left_out: tuple = ()

    def __post_init__(self):
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
                " an image."
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
                "source: expected the picture of each image, 0, 1, 2, ..., in ascending order and"
                " without a gap."
            )
        if self.official_test is not None and self.official_test.shape != self.labels.shape:
            raise ValueError(
                f"official_test of shape {self.official_test.shape} for {len(self.images)} images;"
                " expected one an image."
            )
        if self.names is not None and len(self.names) != len(self.starts):
            raise ValueError(
                f"{len(self.names)} names for {len(self.starts)} pictures; expected one a picture."
            )

    @property
    def starts(self):
        """int `[P]`: the first image of each picture, in the order of pictures."""
        return first_parts(self.pictures(np.arange(len(self.labels))))

    def pictures(self, index):
        """The picture of each image of `index`: int, of its shape."""
        return index if self.source is None else self.source[index]

    @property
    def image_shape(self):
        """`(S, S, C)`."""
        return self.images.shape[1:]


def check_images(images):
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
