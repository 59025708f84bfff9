"""A trained detector in a program of your own: images in, result objects out."""

import dataclasses
import functools
import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np

from tf_ssae.calibration import Calibration, Description
from tf_ssae.data.decode import UnreadableImage, check_size, decode
from tf_ssae.data.reader import ReadFile, TileReader
from tf_ssae.evaluation import whole_map
from tf_ssae.evaluation.regions import Region, regions
from tf_ssae.runs import run_folder
from tf_ssae.scoring import readers
from tf_ssae.scoring.batches import scored
from tf_ssae.scoring.rows import Row, Rows
from tf_ssae.training.recalibrate import Recalibrated, recalibrate
from tf_ssae.training.wish import Wish

# A path, a file's bytes, or pixels: uint8 `[H, W]`, `[H, W, 1]` or `[H, W, 3]`.
Image = str | os.PathLike[str] | bytes | np.ndarray


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a detector says of one image.

    Attributes:
        name: the path, or "image 17" for the 17th of those without one, counted from 0.
        scores: `{score name: float}`, higher = more anomalous; empty if it could not be read.
        decision: "anomaly", "review", "normal" or "unreadable".
        p_value: how often a normal image scores as high, in (0, 1]; None where no image was held
            out.
        why: of an anomaly, which parts of the deciding score are above thresholds of their own.
        error: why it could not be read; empty if it could.
    """

    name: str
    scores: dict[str, float]
    decision: str
    p_value: float | None
    why: str
    error: str
    _image: Image = dataclasses.field(repr=False)
    _model: "Model" = dataclasses.field(repr=False)

    @property
    def is_anomaly(self) -> bool:
        """Whether the decision is "anomaly"."""
        return self.decision == "anomaly"

    @functools.cached_property
    def map(self) -> np.ndarray | None:
        """Where it is anomalous, float32 `[H, W]` at the image's own size, upright: more than 1 is
        found somewhere in as many normal images as raise false alarms. None from a detector without
        maps, from a `.tflite` or `.xml` file, and for an image that could not be read.

        Made when it is asked for: the image is then read again.
        """
        return None if self.error else self._model.map_of(self._image)

    @functools.cached_property
    def regions(self) -> list[Region]:
        """The areas where the map is above 1, the most anomalous one first."""
        return [] if self.map is None else regions(self.map)

    @property
    def boxes(self) -> list[tuple[int, int, int, int]]:
        """`(x, y, width, height)` of every region, in pixels of the image."""
        return [region.box for region in self.regions]


class Model:
    """A trained detector of any stored form, ready for images: see `tf_ssae.load`.

    model = tf_ssae.load("runs/parts-locator-seed-0")
    print(model.predict("part.png").decision)
    """

    def __init__(self, path: pathlib.Path):
        """`path`: see `readers.load`."""
        self._path = path
        self._load()

    def _load(self) -> None:
        self._reader = readers.load(self._path)
        self._tiles = TileReader.of(self.description)
        self._rows = Rows(self.calibration)

    @property
    def description(self) -> Description:
        """What images it takes."""
        return self._reader.description

    @property
    def calibration(self) -> Calibration:
        """Which score decides, above what threshold, and what that guarantees."""
        return self.description.calibration

    @overload
    def predict(self, images: Image) -> Prediction: ...  # type: ignore[overload-overlap]
    @overload
    def predict(self, images: Iterable[Image]) -> list[Prediction]: ...
    def predict(self, images: Image | Iterable[Image]) -> Prediction | list[Prediction]:
        """The Prediction of one image, or a list of those of several, scored together.

        Args:
            images: a path, the bytes of an image file, or pixels, uint8 `[H, W]`, `[H, W, 1]` or
                `[H, W, 3]`; or an iterable of such, of any sizes, such as an array `[N, H, W, C]`.

        A file that cannot be read does not raise: its decision is "unreadable", and `error` says
        why, as in the table of `tf-ssae score`.

        Raises:
            ValueError: for an array that is no image, saying what was expected.
        """
        if _is_one(images):
            return next(self.stream([images]))  # type: ignore[list-item]
        kept: list[Image] = list(images)  # type: ignore[arg-type]
        rows = scored(self._reader, self._read(kept), self._rows)
        return [self._prediction(row, image) for row, image in zip(rows, kept)]

    def stream(self, images: Iterable[Image]) -> Iterator[Prediction]:
        """Yields the Prediction of each image before it takes the next: for a camera, say. Many
        images that are there already are faster with `predict`.
        """
        for number, image in enumerate(images):
            (row,) = scored(self._reader, self._read([image], number), self._rows)
            yield self._prediction(row, image)

    def calibrate(self, images: str | os.PathLike[str], **wish: Any) -> Recalibrated:
        """Calibrates the run again, on a folder of normal images that never trained it: see
        `training.recalibrate`. The new calibration is stored in the run's folder, and decides from
        now on, here too.

        `wish`: of `training.wish.Wish`, such as `target_fpr=0.01` or `threshold=3.5`.

        Raises:
            ValueError: this model is an export, which keeps the calibration it was exported with;
                or what `recalibrate` raises.
        """
        if not (self._path / run_folder.CONFIG).is_file():
            raise ValueError(
                f"{self._path} is an export: calibrate the run that it came from, and export again."
            )
        done = recalibrate(self._path, images, Wish(**wish))
        self._load()
        return done

    def map_of(self, image: Image) -> np.ndarray | None:
        """The map of one image: see `Prediction.map`. Raises UnreadableImage, a ValueError."""
        pixels = _pixels(image)
        outputs = self._reader.explain(self._tiles.cut(pixels))
        if "location" not in outputs and "squared_error" not in outputs:
            return None
        return whole_map.of_outputs(outputs, self.description, pixels.shape[:2])

    def _read(self, images: list[Image], first: int = 0) -> Iterator[ReadFile]:
        """A ReadFile of every image; runs of paths are read ahead."""
        if all(isinstance(image, (str, os.PathLike)) for image in images):
            yield from self._tiles.read(pathlib.Path(image) for image in images)  # type: ignore[arg-type]
            return
        for number, image in enumerate(images, first):
            if isinstance(image, np.ndarray):
                pixels = _pixels(image)
                path, size = pathlib.Path(f"image {number}"), (pixels.shape[0], pixels.shape[1])
                yield ReadFile(path, self._tiles.cut(pixels), size=size)
            elif isinstance(image, bytes):
                yield self._tiles.of_bytes(image, pathlib.Path(f"image {number}"))
            else:
                yield from self._tiles.read([pathlib.Path(image)])

    def _prediction(self, row: Row, image: Image) -> Prediction:
        readable = row["decision"] != "unreadable"
        return Prediction(
            name=row["path"],
            scores={name: row[name] for name in self._rows.scores} if readable else {},
            decision=row["decision"],
            p_value=row["p_value"],
            why=row["why"],
            error=row["error"],
            _image=image,
            _model=self,
        )


def load(path: str | os.PathLike[str]) -> Model:
    """The Model of a run's folder, an exported version or a file: see `readers.load`."""
    return Model(pathlib.Path(path))


def _is_one(images: object) -> bool:
    if isinstance(images, np.ndarray):
        # A grey image may lack its channel, a batch may not.
        return images.ndim < 4
    return isinstance(images, (str, bytes, os.PathLike))


def _pixels(image: Image) -> np.ndarray:
    """uint8 `[H, W, 1 or 3]`."""
    if isinstance(image, np.ndarray):
        pixels = image[..., np.newaxis] if image.ndim == 2 else image
        if image.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3):
            raise ValueError(
                f"An array of {image.dtype} {list(image.shape)}; expected an image, uint8 [H, W],"
                " [H, W, 1] or [H, W, 3]."
            )
        try:
            check_size(pixels.shape[1], pixels.shape[0])
        except UnreadableImage as error:
            raise ValueError(f"An image of {error}.") from None
        return pixels
    return decode(image if isinstance(image, bytes) else pathlib.Path(image).read_bytes())
