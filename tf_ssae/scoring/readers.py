"""A trained detector behind one interface, however it is stored: as a run folder, a SavedModel or a
`.tflite` file.
"""

import hashlib
import os
import pathlib
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_ssae import runs
from tf_ssae.calibration import Calibration, Description
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation import maps
from tf_ssae.ops.batched import in_batches, of_any_number, padded
from tf_ssae.scoring import description_file, openvino_ir, places, saved_model
from tf_ssae.scoring.tflite import TFLiteModel

# Tiles to gather before they are scored: at most the first, and as many batches as hold the second.
BATCH_SIZE = 256
_AT_LEAST = 64
_EXPLAINED = 16

_Function = Callable[[np.ndarray], dict[str, np.ndarray]]


class Reader:
    """Scores and explains tiles.

    Attributes:
        description: see `Description`.
    """

    def __init__(
        self,
        description: Description,
        score: _Function,
        explain: _Function | None = None,
        score_and_map: _Function | None = None,
        precision: str = "float32",
    ):
        """Takes the functions behind the methods of the same names: of uint8 `[N, S, S, C]`, N at
        most 16 for `explain`, else `description.at_once`; and what networks compute in.
        """
        self.description, self._precision = description, precision
        self._score, self._explain, self._score_and_map = score, explain, score_and_map

    @property
    def calibration(self) -> Calibration:
        return self.description.calibration

    @property
    def warnings(self) -> list[str]:
        """Sentences for whoever reads the scores."""
        fitted = self.calibration.precision
        if fitted == self._precision:
            return []
        return [
            f"The threshold was set with networks that computed in {fitted}; these compute in"
            f" {self._precision}, and score a little otherwise."
        ]

    @property
    def black(self) -> np.ndarray:
        """A black tile, uint8 `[1, S, S, C]`: for the first call of the functions below, which
        compiles them.
        """
        return np.zeros([1, *self.description.image_shape], np.uint8)

    def score(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 `[N, S, S, C] -> {score name: float32 [N]}`."""
        return in_batches(self._score, tiles, self.description.at_once)

    @property
    def gathered(self) -> int:
        """How many tiles to gather before they are scored: whole batches, and no more than that of
        large tiles, whose maps are in memory at a time.
        """
        batch = self.description.at_once
        return min(BATCH_SIZE, batch * max(1, _AT_LEAST // batch))

    @property
    def has_maps(self) -> bool:
        """Whether `score_and_map` gives maps: not from a `.tflite` or OpenVINO file, or a detector
        that has none.
        """
        return self._score_and_map is not None and self.calibration.map_scale is not None

    def score_and_map(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """As `score`, with what the maps of the tiles are made of, if the reader `has_maps`: see
        `maps.of_outputs`.
        """
        if self._score_and_map is None:
            return self.score(tiles)
        return in_batches(self._score_and_map, tiles, self.description.at_once)

    def explain(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        """As `score`, with `reconstruction` and `squared_error`, `[N, T, T, C]`, from a detector
        that reconstructs; and `rotation_probabilities`, `[N, 4]`, of the true rotations, from one
        that classifies them. A `.tflite` file gives the scores alone.
        """
        if self._explain is None:
            return self.score(tiles)
        return in_batches(self._explain, tiles, _EXPLAINED)


def load(path: str | pathlib.Path, threads: int | None = None) -> Reader:
    """The Reader of a run folder, of an exported version (`NAME/VERSION`) or of a `.tflite` or
    OpenVINO `.xml` file with its `.json`.

    `threads`: that a `.tflite` or `.xml` file may use, None: one for each core; all others use
    TensorFlow's.

    Raises:
        FileNotFoundError, ValueError: `path` is none of these, or the detector is not calibrated.
    """
    path = pathlib.Path(path)
    places.require_model(path)
    if path.suffix == ".tflite":
        return _of_tflite(path, threads)
    if path.suffix == ".xml":
        return _of_openvino(path, threads)
    if (path / places.SAVED_MODEL).is_file():
        return _of_saved_model(path)
    return of_detector(runs.load(path))


def of_detector(detector: Detector) -> Reader:
    """The Reader of a calibrated detector in memory."""

    def score_and_map(images: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = detector.combine(detector.networks(images))
        mapped = detector.mapped(images, outputs) if detector.reconstructs else {}
        return {**{name: outputs[name] for name in detector.score_names}, **mapped}

    return Reader(
        detector.description,
        of_any_number(lambda images: detector(images), detector.image_shape),
        of_any_number(detector.explain, detector.image_shape),
        of_any_number(score_and_map, detector.image_shape),
        detector.config.precision,
    )


def _of_saved_model(path: pathlib.Path) -> Reader:
    description = description_file.read(
        path / saved_model.DESCRIPTION, path, saved_model.digest(path), required=False
    )
    try:
        score, explain_all = saved_model.load(path)
    # TensorFlow raises many kinds of exceptions for truncated or missing files.
    except Exception as error:
        raise ValueError(f"The SavedModel in {path} is incomplete or damaged: {error}") from error

    def explain(tiles: np.ndarray) -> dict[str, np.ndarray]:
        # An image of the tile's size has one tile, `[N, 1, ...]`.
        names = description.calibration.thresholds
        outputs = explain_all(tiles)
        return {name: value if name in names else value[:, 0] for name, value in outputs.items()}

    def score_and_map(tiles: np.ndarray) -> dict[str, np.ndarray]:
        outputs = explain(tiles)
        wanted = (*description.calibration.thresholds, maps.made_of(outputs))
        return {name: outputs[name] for name in wanted if name in outputs}

    return Reader(description, score, explain, score_and_map)


def _of_tflite(path: pathlib.Path, threads: int | None) -> Reader:
    content = path.read_bytes()
    description = description_file.read(
        path.with_suffix(".json"), path, hashlib.sha256(content).hexdigest()
    )
    model = TFLiteModel(content, threads or os.cpu_count())
    if model.image_shape != description.image_shape:
        raise ValueError(
            f"{path} takes images of shape {list(model.image_shape)}, but"
            f" {path.with_suffix('.json')} says {list(description.image_shape)}. Copy both from one"
            " export."
        )
    return Reader(description, model)


def _of_openvino(path: pathlib.Path, threads: int | None) -> Reader:
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        raise FileNotFoundError(f"No such file: {weights}.")
    description = description_file.read(path.with_suffix(".json"), path, openvino_ir.digest(path))
    score = openvino_ir.OpenVINOModel(path, threads)
    return Reader(description, padded(score, description.at_once))
