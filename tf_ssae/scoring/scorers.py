"""A trained detector, however it is stored, behind one face: a run folder, a SavedModel or a
`.tflite` file.
"""

import hashlib
import json
import os
import pathlib

import numpy as np
import tensorflow as tf

from tf_ssae import detectors
from tf_ssae.export import saved_model, tflite
from tf_ssae.runs import run_folder

BATCH_SIZE = 256
_EXPLAINED = 16
# What scoring and its report need of a description.
_DESCRIBED = {
    "image_shape",
    "crop",
    "scores",
    "decision",
    "thresholds",
    "target_fpr",
    "held_out",
    "held_out_scores",
    "held_out_images",
    "map_scale",
}


class Scorer:
    """Scores and explains squares.

    Attributes:
        description: see `Detector.description`.
        image_shape: `(S, S, C)` of the squares it takes.
    """

    def __init__(self, description, score, explain=None):
        """`score` and `explain`: functions of uint8 `[N, S, S, C]`, N at most `BATCH_SIZE` and 16;
        see `score` and `explain` here.
        """
        self.description = description
        self.image_shape = tuple(description["image_shape"])
        self._score, self._explain = score, explain

    @property
    def explains(self):
        """Whether it can `explain`: a `.tflite` file holds the scores alone."""
        return self._explain is not None

    def score(self, squares):
        """uint8 `[N, S, S, C] -> {score name: float32 [N]}`, N at most `BATCH_SIZE`."""
        return self._score(squares)

    def explain(self, squares):
        """As `score`, with `reconstruction` and `squared_error`, `[N, T, T, C]`, from a detector
        that reconstructs; and `rotation_probabilities`, `[N, 4]`, of the true rotations, from one
        that classifies them.
        """
        parts = [
            self._explain(squares[i : i + _EXPLAINED]) for i in range(0, len(squares), _EXPLAINED)
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _padded(function, batch_size):
    """The function, always called with one batch size, for which it is compiled once; the last
    squares are zeros.
    """

    def outputs(squares):
        missing = batch_size - len(squares)
        padded = np.pad(squares, [(0, missing), (0, 0), (0, 0), (0, 0)])
        return {name: np.asarray(value)[: len(squares)] for name, value in function(padded).items()}

    return outputs


def load(path):
    """The Scorer of a run folder, of an exported version (`NAME/VERSION`) or of a `.tflite` file
    with its `.json`.

    Raises:
        FileNotFoundError, ValueError: `path` is none of these, or is not calibrated.
    """
    path = pathlib.Path(path)
    if path.suffix == ".tflite":
        return _of_tflite(path)
    if (path / "saved_model.pb").is_file():
        return _of_saved_model(path)
    if (path / run_folder.CONFIG).is_file():
        return _of_run(path)
    versions = sorted(
        folder.name for folder in path.glob("*") if (folder / "saved_model.pb").is_file()
    )
    hint = f" Its versions: {', '.join(versions)}; name one." if versions else ""
    raise FileNotFoundError(
        f"{path} is no run folder (no {run_folder.CONFIG}), no exported version (no"
        f" saved_model.pb), no .tflite file.{hint}"
    )


def _of_run(path):
    detector = detectors.load(path)
    if not detector.is_calibrated:
        raise ValueError(
            f"The detector in {path} was never calibrated: train it to its end with train.py."
        )
    return of_detector(detector)


def of_detector(detector):
    """The Scorer of a calibrated detector in memory."""
    return Scorer(
        detector.description(),
        _padded(tf.function(lambda images: detector(images)), BATCH_SIZE),
        _padded(tf.function(detector.explain), _EXPLAINED),
    )


def _of_saved_model(path):
    description = _read_description(path / saved_model.DESCRIPTION)
    try:
        score, explain_all = saved_model.load(path)
    # What TensorFlow raises for a truncated or missing file is not one kind of exception.
    except Exception as error:
        raise ValueError(f"{path} holds no whole SavedModel: {error}") from error

    def explain(images):
        # Of an image that is a square already, the one square.
        outputs = explain_all(images)
        return {
            name: value if name in description["scores"] else value[:, 0]
            for name, value in outputs.items()
        }

    return Scorer(description, _padded(score, BATCH_SIZE), _padded(explain, _EXPLAINED))


def _of_tflite(path):
    if not path.is_file():
        raise FileNotFoundError(f"No file {path}.")
    model, beside = path.read_bytes(), path.with_suffix(".json")
    description = _read_description(beside)
    if description.get("sha256") != hashlib.sha256(model).hexdigest():
        raise ValueError(
            f"{beside} does not belong to {path}: its thresholds are another file's. Copy both of"
            " one export."
        )
    return Scorer(description, tflite.Scorer(model, os.cpu_count()))


def _read_description(path):
    try:
        description = json.loads(path.read_text())
        missing = _DESCRIBED - set(description)
        if missing:
            raise ValueError(
                f"it lacks {', '.join(sorted(missing))}; was it exported by another version of"
                " tf_ssae?"
            )
        return description
    except OSError as error:
        raise FileNotFoundError(
            f"{path} is missing: it holds the model's thresholds; export.py writes it there."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} does not describe a model: {error}") from error
