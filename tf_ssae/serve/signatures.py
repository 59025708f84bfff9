"""The signatures of an exported SavedModel (see `export.saved_model`), as TF Serving's REST form
has them: what a request holds, what an answer holds.
"""

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tf_ssae.export.serving_kit import LARGEST_REQUEST
from tf_ssae.serve.engine import Answer, Engine
from tf_ssae.serve.limits import Refused

_FILES, _PIXELS = "image_bytes", "images"
# Each signature's input.
INPUTS = {
    "serving_default": _PIXELS,
    "serving_bytes": _FILES,
    "decide": _FILES,
    "decide_images": _PIXELS,
    "explain": _PIXELS,
}
# A broken image fails no other.
_WITH_ERRORS = ("serving_bytes", "decide", "decide_images")
# What is explained of a tile takes megabytes as JSON.
LARGEST_EXPLAINED = 16  # tiles


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        signature: its name.
        in_rows: whether it came, and is answered, image by image.
        files: of the signatures that take them; else empty.
        images: uint8 `[N, H, W, C]`, of the others.
    """

    signature: str
    in_rows: bool
    files: Sequence[bytes] = ()
    images: np.ndarray | None = None


def asked(body: bytes, channels: int) -> Asked:
    """The request that a body of JSON holds. `channels`: of images.

    Raises:
        Refused: 400, saying what is wrong.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"The body is not JSON: {error}.") from None
    if not isinstance(request, dict):
        raise Refused(400, f"The body is a {type(request).__name__}; expected an object.")
    signature = request.get("signature_name") or "serving_default"
    if not isinstance(signature, str) or signature not in INPUTS:
        raise Refused(
            400, f"signature_name={signature!r:.100}: this model has {', '.join(INPUTS)}."
        )
    name, in_rows = INPUTS[signature], "instances" in request
    if in_rows == ("inputs" in request):
        raise Refused(400, 'expected "instances", a list of rows, or "inputs", columns.')
    values = _row_values(request["instances"], name) if in_rows else request["inputs"]
    if not in_rows and isinstance(values, dict):
        values = _only(values, name, "inputs")
    if not isinstance(values, list) or not values:
        raise Refused(400, f"{name}: the batch is empty; expected at least one image.")
    if len(values) > LARGEST_REQUEST:
        raise Refused(400, f"{len(values)} images; expected at most {LARGEST_REQUEST} at a time.")
    if name == _FILES:
        files = [_file(value, i) for i, value in enumerate(values)]
        return Asked(signature, in_rows, files=files)
    return Asked(signature, in_rows, images=_images(values, channels))


def _row_values(rows: Any, name: str) -> list:
    if not isinstance(rows, list):
        raise Refused(400, '"instances": expected a list.')
    # A single input need not be named.
    named = [isinstance(row, dict) and set(row) != {"b64"} for row in rows]
    return [_only(row, name, "a row") if by_name else row for row, by_name in zip(rows, named)]


def _only(values: dict, name: str, where: str) -> Any:
    if set(values) != {name}:
        raise Refused(
            400, f"{where} holds {', '.join(sorted(values)) or 'nothing'}; expected {name}."
        )
    return values[name]


def _file(value: Any, index: int) -> bytes:
    if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
        raise Refused(400, f'{_FILES}[{index}]: expected {{"b64": "..."}}, a file in base64.')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(400, f"{_FILES}[{index}]: not base64: {error}.") from None


def _images(values: list, channels: int) -> np.ndarray:
    try:
        images = np.array(values)
    except ValueError:
        raise Refused(400, f"{_PIXELS}: expected images of one size in a request.") from None
    if images.ndim != 4 or images.shape[3] != channels or images.dtype.kind not in "iu":
        raise Refused(
            400,
            f"{_PIXELS}: {images.dtype} {list(images.shape)}; expected whole numbers [N, H, W,"
            f" {channels}].",
        )
    if images.size and not 0 <= images.min() <= images.max() <= 255:
        raise Refused(400, f"{_PIXELS}: expected values from 0 to 255.")
    return images.astype(np.uint8)


def outputs(signature: str, answer: Answer, engine: Engine) -> dict[str, list]:
    """`{name: N values}`: what the signature answers about N images."""
    calibration, scores = engine.calibration, answer.scores
    columns = {name: values.tolist() for name, values in scores.items()}
    if signature in _WITH_ERRORS:
        columns["error"] = list(answer.errors)
    if signature.startswith("decide"):
        columns["is_anomaly"] = calibration.is_anomaly(scores).tolist()
        columns["decision"] = [
            "unreadable" if error else decision
            for decision, error in zip(calibration.decisions(scores), answer.errors)
        ]
        p = calibration.p_values(scores)
        if p is not None:
            columns["p_value"] = np.where(answer.fine, p, np.nan).astype(np.float32).tolist()
    if signature == "explain":
        images = np.split(np.arange(len(answer.source)), np.flatnonzero(np.diff(answer.source)) + 1)
        for name in set(engine.explained) - set(scores):
            columns[name] = [answer.outputs[name][tiles].tolist() for tiles in images]
    return columns


def encoded(columns: Mapping[str, list], in_rows: bool) -> bytes:
    """The body of an answer. An output that is the only one is not named."""
    if len(columns) == 1:
        (values,) = columns.values()
        answer: Any = values
    elif in_rows:
        answer = [dict(zip(columns, row)) for row in zip(*columns.values())]
    else:
        answer = columns
    return json.dumps({"predictions" if in_rows else "outputs": answer}).encode()


def metadata(engine: Engine) -> dict[str, Any]:
    """The answer to `/metadata`: every signature with its inputs and outputs."""
    channels = engine.description.image_shape[2]
    tensors = {
        _PIXELS: _tensor("DT_UINT8", [-1, -1, -1, channels]),
        _FILES: _tensor("DT_STRING", [-1]),
    }
    scores = {name: _tensor("DT_FLOAT", [-1]) for name in engine.calibration.thresholds}
    of_files = {**scores, "error": _tensor("DT_STRING", [-1])}
    decided = {
        **of_files,
        "is_anomaly": _tensor("DT_BOOL", [-1]),
        "decision": _tensor("DT_STRING", [-1]),
        **({"p_value": _tensor("DT_FLOAT", [-1])} if engine.calibration.held_out else {}),
    }
    explained = {
        name: _tensor("DT_FLOAT", [-1, -1, *shape]) for name, shape in engine.explained.items()
    }
    answers = {
        "serving_bytes": of_files,
        "decide": decided,
        "decide_images": decided,
        "explain": {**explained, **scores},
    }
    signatures = {
        name: {
            "inputs": {needed: tensors[needed]},
            "outputs": answers.get(name, scores),
            "method_name": "tensorflow/serving/predict",
        }
        for name, needed in INPUTS.items()
    }
    return {
        "model_spec": {
            "name": engine.name,
            "signature_name": "",
            "version": engine.version,
        },
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def _tensor(dtype: str, shape: Sequence[int]) -> dict[str, Any]:
    sides = [{"size": str(side), "name": ""} for side in shape]
    return {"dtype": dtype, "tensor_shape": {"dim": sides, "unknown_rank": False}, "name": ""}
