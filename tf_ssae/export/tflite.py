"""A detector as a `.tflite` file for small devices: float32, float16 or int8, with built-in
operators only.
"""

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from tf_ssae.calibration import Calibration
from tf_ssae.data.split import Split, Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.evaluation.predictions import TileOutputs, evaluate
from tf_ssae.export import saved_model
from tf_ssae.export.preparation import preparation
from tf_ssae.ops.batched import joined
from tf_ssae.scoring import description_file
from tf_ssae.scoring.tflite import TFLiteModel
from tf_ssae.system import scratch
from tf_ssae.training.calibrate import for_normalisation

KINDS = ("float32", "float16", "int8")

# Kept in float in an int8 file: what turns the networks' outputs into scores. An int8 tensor has
# 256 values: a sum of squares over a thousand pixels, or a probability close to 1, would lose the
# differences that rank the images, and anomalies beyond the calibration images would saturate.
_FLOAT_OPERATORS = (
    "SUB",
    "SQUARED_DIFFERENCE",
    "ABS",
    "SUM",
    "MEAN",
    "SOFTMAX",
    "MUL",
    "DIV",
    "ADD",
    "MAXIMUM",
    "NEG",
    "RESHAPE",
)


def convert(
    detector: Detector, kind: str, representative_images: np.ndarray, batch_size: int = 1
) -> bytes:
    """A detector as the bytes of a TFLite file.

    Its one signature takes `images`, uint8 `[batch_size, S, S, C]` of the size the detector was
    trained on, and returns every score, float32 `[batch_size]`, by name.

    Args:
        kind: "float32", "float16" (weights) or "int8" (weights and activations).
        representative_images: uint8 `[N, S, S, C]`, normal ones; int8 takes the range of every
            activation from them.
        batch_size: fixed in the file.

    Raises:
        ValueError: an operator is not built in, so that the file would need TensorFlow's own
            (Flex).
    """

    def representative_dataset() -> Iterator[dict[str, np.ndarray]]:
        # Whole batches only: without any, the converter silently leaves the file in float.
        batches = -(-len(representative_images) // batch_size)
        for index in np.resize(np.arange(len(representative_images)), [batches, batch_size]):
            yield {"images": representative_images[index]}

    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: expected one of {', '.join(KINDS)}.")
    with scratch.temporary() as folder:
        saved_model.write_tiles(detector, str(folder), batch_size)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if kind != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if kind == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if kind == "int8":
            converter.representative_dataset = representative_dataset
        try:
            return (
                _quantized(converter, representative_dataset)
                if kind == "int8"
                else converter.convert()
            )
        # The converter's own exception has no public name.
        except Exception as error:
            raise ValueError(f"{kind}: the converter refused the model: {error}") from error


def _quantized(converter: tf.lite.TFLiteConverter, representative_dataset: Callable) -> bytes:
    # The debugger is the converter's public way to keep chosen operators in float.
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(_FLOAT_OPERATORS))
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=representative_dataset, debug_options=options
    )
    return debugger.get_nondebug_quantized_model()


def scorer(model: bytes) -> TFLiteModel:
    """What the bytes of a file score, on all cores."""
    return TFLiteModel(model, os.cpu_count())


def recalibrated(detector: Detector, model: bytes, split: Split) -> Detector:
    """A copy of a detector with normalisation and Calibration fitted to a TFLite file's scores.

    Quantisation shifts the scores; constants from the float scores would move the false-alarm rate.

    Args:
        detector: the detector that `model` was converted from.
        model: the bytes of the file.
        split: the Split that calibrated the detector, its images uint8.
    """
    copy = type(detector).from_config(detector.get_config())
    copy.set_weights(detector.get_weights())
    copy.fold()
    score, subset, old = scorer(model), split.for_thresholds, copy.calibration
    at_once = detector.description.at_once
    copy.fit_normalisation(scores_of(score, for_normalisation(detector, split), at_once))
    outputs = TileOutputs(scores_of(score, subset, at_once))
    fitted = Calibration.fit(
        evaluate(copy, outputs, subset).scores,
        old.target_fpr,
        deciding_score=old.deciding_score,
        parts=old.parts,
        reason=old.reason,
        held_out=old.held_out,
        rotation_accuracy=old.rotation_accuracy,
    )
    # A file gives no maps to fit a scale to: the detector's own is kept.
    copy.calibration = dataclasses.replace(fitted, map_scale=old.map_scale)
    return copy


def scores_of(
    score: Callable[[np.ndarray], dict], subset: Subset, batch_size: int
) -> dict[str, np.ndarray]:
    """`{score name: [N]}` of the N tiles of a Subset, by a function of batches of tiles."""
    batches = np.split(subset.index, range(batch_size, len(subset.index), batch_size))
    return joined(score(subset.data.images[batch]) for batch in batches)


def describe(path: pathlib.Path, detector: Detector, kind: str, class_names: Sequence[str]) -> None:
    """Writes, beside the file at `path`, what a program that loads it needs, as `.json`: the
    detector's Description, the file's kind, hash and input, and the `preparation` of images.
    """
    model = path.read_bytes()
    file = TFLiteModel(model)
    description_file.write(
        path.with_suffix(".json"),
        detector.description,
        hashlib.sha256(model).hexdigest(),
        kind=kind,
        input={
            "name": "images",
            "dtype": "uint8",
            "shape": [file.batch_size, *file.image_shape],
        },
        class_names=list(class_names),
        normalisation=detector.normalisation(),
        preparation=preparation(detector.description),
    )
