"""The three sets of images of a run, as views of its images."""

import dataclasses
import hashlib

import numpy as np
import tensorflow as tf

from tf_ssae.data import pipeline
from tf_ssae.data.images import LabelledImages
from tf_ssae.ops.tiles import first_tiles, largest


@dataclasses.dataclass(frozen=True)
class Subset:
    """A view of some of the images of `data`: N tiles of M images, those of one image side by side.

    Where images were not cut, each is its own tile, and N is M.

    Attributes:
        data: the LabelledImages that `index` points into.
        index: int `[N]`.
        anomalous: bool, one per class of `data`.
    """

    data: LabelledImages
    index: np.ndarray
    anomalous: np.ndarray

    def __len__(self) -> int:
        """M, the number of images."""
        return len(first_tiles(self.source))

    @property
    def images(self) -> np.ndarray:
        """The tiles, `[N, S, S, C]`. This is a copy in memory: for small subsets."""
        return self.data.images[self.index]

    @property
    def source(self) -> np.ndarray:
        """int `[N]`: which image of `data` each tile was cut from, in runs."""
        return self.data.source_of(self.index)

    @property
    def bounds(self) -> np.ndarray:
        """int `[M + 1]`: where the tiles of each image begin in `index`, and its end."""
        return np.append(first_tiles(self.source), len(self.index))

    @property
    def tile_labels(self) -> np.ndarray:
        """int `[N]`: the class of each tile, that of its image."""
        return self.data.labels[self.index]

    @property
    def tile_is_anomaly(self) -> np.ndarray:
        """bool `[N]`."""
        return self.anomalous[self.tile_labels]

    @property
    def labels(self) -> np.ndarray:
        """int `[M]`: the class of each image."""
        return self.tile_labels[first_tiles(self.source)]

    @property
    def is_anomaly(self) -> np.ndarray:
        """bool `[M]`."""
        return self.anomalous[self.labels]

    @property
    def ids(self) -> np.ndarray:
        """int `[M]`: each image's number in `data`."""
        return self.source[first_tiles(self.source)]

    @property
    def names(self) -> list[str]:
        """M names: those of `data`, or "image 17"."""
        names = self.data.names
        return [names[i] if names else f"image {i}" for i in self.ids]

    def worst(self, values: np.ndarray) -> np.ndarray:
        """The largest value among each image's tiles: `[N] -> [M]`."""
        return largest(values, self.source)

    def batches(self, batch_size: int) -> tf.data.Dataset:
        """Batches of tiles `[B, S, S, C]`, in order; the last one may be smaller."""
        return pipeline.scoring_batches(self.data.images, self.index, batch_size)

    def first(self, images: int) -> "Subset":
        """The tiles of the first `images` images."""
        return self.of(np.arange(len(self)) < images)

    def first_tiles(self, images: int) -> np.ndarray:
        """The first tile of each of the first `images` images: `[M, S, S, C]`, M at most that."""
        return self.data.images[self.index[first_tiles(self.source)[:images]]]

    def of(self, chosen: np.ndarray) -> "Subset":
        """The tiles of some of the images; `chosen`: bool `[M]`."""
        tiles = np.repeat(chosen, np.diff(self.bounds))
        return dataclasses.replace(self, index=self.index[tiles])


@dataclasses.dataclass(frozen=True)
class Split:
    """The images of a run.

    Attributes:
        train: normal images, in random order.
        calibration: normal images, held out from training; may be empty.
        test: normal images and anomalies, in random order.

    Raises:
        ValueError: on construction, if an image is in two sets, or an anomaly where only normal
            images may be.
    """

    train: Subset
    calibration: Subset
    test: Subset

    def __post_init__(self) -> None:
        subsets = {"training": self.train, "calibration": self.calibration, "test": self.test}
        for first, second in (
            ("training", "calibration"),
            ("training", "test"),
            ("calibration", "test"),
        ):
            both = np.intersect1d(subsets[first].source, subsets[second].source)
            if both.size:
                raise ValueError(
                    f"{both.size} images are in both the {first} and the {second} set."
                )
        for name in ("training", "calibration"):
            if subsets[name].tile_is_anomaly.any():
                raise ValueError(f"The {name} set holds anomalies.")

    @property
    def data(self) -> LabelledImages:
        """The images that all three are views of."""
        return self.train.data

    @property
    def anomalous(self) -> np.ndarray:
        """bool, one per class."""
        return self.train.anomalous

    @property
    def for_thresholds(self) -> Subset:
        """The normal images that thresholds are fitted to: those held out or, if there are none,
        those that train.
        """
        return self.calibration if len(self.calibration) else self.train

    def with_data(self, data: LabelledImages) -> "Split":
        """The same split of other images."""
        subsets = (self.train, self.calibration, self.test)
        return Split(*(dataclasses.replace(subset, data=data) for subset in subsets))

    def fingerprint(self) -> str:
        """A hash of all sets, pixels, labels and order: equal for two runs that saw the same
        images.
        """
        digest = hashlib.sha256()
        for subset in (self.train, self.calibration, self.test):
            digest.update(np.int64(len(subset.index)).tobytes())
            for i in subset.index:
                digest.update(self.data.images[i].tobytes())
                digest.update(np.int64(self.data.labels[i]).tobytes())
        return digest.hexdigest()

    def duplicates(self) -> int:
        """How many test images hold a tile equal, pixel for pixel, to a training tile: real data
        sets hold a few.
        """

        def digest(i: int) -> bytes:
            return hashlib.sha256(self.data.images[i].tobytes()).digest()

        train = {digest(i) for i in self.train.index}
        equal = [i for i in self.test.index if digest(i) in train]
        return len(np.unique(self.data.source_of(np.array(equal, np.int64))))
