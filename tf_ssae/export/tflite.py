"""A detector as a `.tflite` file for the edge: float32, float16 or int8, built-in
operators only.
"""

import hashlib
import json
import os
import tempfile

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from tf_ssae.ops.parts import largest

KINDS = ("float32", "float16", "int8")

# Kept in float in an int8 file: what turns the networks' outputs into scores. One int8 tensor holds
# 256 values: a sum of squares over a thousand pixels, or a probability close to 1, would lose the
# differences that rank the images, and an anomaly beyond what calibration saw would saturate. fmt:
# off
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
# fmt: on


def convert(detector, kind, representative_images, batch_size=1):
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

    @tf.function(
        input_signature=[
            tf.TensorSpec([batch_size, *detector.image_shape], tf.uint8, name="images")
        ]
    )
    def scores(images):
        return detector.call(images)

    module = tf.Module()
    module.weights = [variable.value for variable in detector.variables]

    def representative_dataset():
        # Whole batches only: given none, the converter would leave the file in float without a
        # word.
        batches = -(-len(representative_images) // batch_size)
        for index in np.resize(np.arange(len(representative_images)), [batches, batch_size]):
            yield {"images": representative_images[index]}

    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: expected one of {', '.join(KINDS)}.")
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=scores)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
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


def _quantized(converter, representative_dataset):
    # The debugger is the converter's public way to keep chosen operators in float.
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(_FLOAT_OPERATORS))
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=representative_dataset, debug_options=options
    )
    return debugger.get_nondebug_quantized_model()


class Scorer:
    """Scores images with a TFLite file, through its signature.

    Attributes:
        batch_size: how many images the file takes at once.
        image_shape: `(S, S, C)` of the images it takes.
    """

    def __init__(self, model, threads=1):
        """`model`: the bytes of the file. `threads`: how many the interpreter may use."""
        self._interpreter = Interpreter(model_content=model, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._run = self._interpreter.get_signature_runner()
        (details,) = self._run.get_input_details().values()
        self.batch_size, *image_shape = (int(size) for size in details["shape"])
        self.image_shape = tuple(image_shape)

    def __call__(self, images):
        """uint8 `[N, S, S, C]` -> `{score name: float32 [N]}`; the last batch is filled up with
        zeros.
        """
        parts = []
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size]
            missing = self.batch_size - len(batch)
            outputs = self._run(images=np.pad(batch, [(0, missing), (0, 0), (0, 0), (0, 0)]))
            parts.append({name: value[: len(batch)] for name, value in outputs.items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def recalibrated(detector, model, split):
    """A copy of a detector with its normalisation and thresholds fitted to what a TFLite file makes
    of the normal images.

    Quantisation shifts the scores; constants from the float scores would move the false-alarm rate.

    Args:
        detector: the detector that `model` was converted from.
        model: the bytes of the file.
        split: the Split that calibrated the detector, its images uint8.
    """
    copy = type(detector).from_config(detector.get_config())
    copy.set_weights(detector.get_weights())
    score = Scorer(model, threads=os.cpu_count())
    copy.fit_normalisation(scores_of(score, split.data.images, split.train))
    scores = scores_of(score, split.data.images, split.for_thresholds)
    scores = copy.all_scores({name: tf.constant(values) for name, values in scores.items()})
    pictures = split.data.pictures(split.for_thresholds)
    scores = {name: largest(scores[name].numpy(), pictures) for name in copy.score_names}
    copy.fit_decision(scores, detector.decision_score)
    return copy


def scores_of(score, images, index, batch_size=256):
    """The scores of the images at `index`, by a function that takes batches of them: `{score name:
    [N]}`.
    """
    parts = [
        score(images[index[start : start + batch_size]])
        for start in range(0, len(index), batch_size)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def description(detector, model, kind, class_names):
    """What a program beside the file must know, as JSON text: `Detector.description`, and the
    file's kind, hash and input.
    """
    scorer, constants = Scorer(model), {}
    if "a_ws" in detector.score_names:
        for name, layer in (
            ("a_rec", detector.normalise_a_rec),
            ("a_cls", detector.normalise_a_cls),
        ):
            constants[name] = {"minimum": float(layer.minimum), "maximum": float(layer.maximum)}
    return json.dumps(
        {
            "kind": kind,
            "sha256": hashlib.sha256(model).hexdigest(),
            "input": {
                "name": "images",
                "dtype": "uint8",
                "shape": [scorer.batch_size, *scorer.image_shape],
            },
            "class_names": list(class_names),
            "normalisation": constants,
            **detector.description(),
        },
        indent=2,
    )
