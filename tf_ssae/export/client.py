"""Asks a detector served by TF Serving about image files, over REST or gRPC: scores, and which are
anomalies. REST needs no TensorFlow.
"""

import base64
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import requests
import urllib3

from tf_ssae.export.serving_kit import LARGEST_REQUEST

_SIGNATURE = "decide"
_TIMEOUT_SECONDS = 30


class ServerError(RuntimeError):
    """The server answers with an error, which the message holds, or does not answer."""


class Answer(NamedTuple):
    """What a server says of one file.

    Attributes:
        path: of the file.
        scores: `{score name: float}`, sorted by name; NaN if the server could not use the file.
        decision: "normal", "review", "anomaly" or "unreadable".
        error: why the server could not use it; empty if it could.
    """

    path: str
    scores: dict[str, float]
    decision: str
    error: str


def ask(
    paths: Sequence[str], model: str, rest: str | None = None, grpc: str | None = None
) -> Iterator[Answer]:
    """Asks a server about image files, as many per request as the serving kit's servers accept.

    Args:
        paths: of PNG or JPEG files.
        model: its name on the server.
        rest, grpc: the server's address, one of them: see `score_over_rest`, `score_over_grpc`.

    Yields:
        An Answer for each file.

    Raises:
        OSError: a file cannot be read.
        ServerError: as the two functions.
    """
    for start in range(0, len(paths), LARGEST_REQUEST):
        some = paths[start : start + LARGEST_REQUEST]
        files = [pathlib.Path(path).read_bytes() for path in some]
        if rest:
            answer = score_over_rest(rest, model, files)
        else:
            assert grpc is not None
            answer = score_over_grpc(grpc, model, files)
        is_anomaly = answer.pop("is_anomaly")
        answer.pop("p_value", None)
        # Exports of earlier versions know no review, and fail for a broken file.
        plain = ["anomaly" if value else "normal" for value in is_anomaly]
        decisions = answer.pop("decision", plain)
        errors = answer.pop("error", [""] * len(some))
        for i, path in enumerate(some):
            scores = {name: answer[name][i] for name in sorted(answer)}
            yield Answer(path, scores, decisions[i], errors[i])


def score_over_rest(url: str, model: str, files: Sequence[bytes]) -> dict[str, list]:
    """`{score name: [N] floats, "is_anomaly": [N] bools, "decision": [N] texts, "error": [N]
    texts}`, and `"p_value": [N] floats` if images were held out, of N PNG or JPEG files, given as
    bytes. Of a file with an error the numbers are NaN.

    Args:
        url: of the server, such as `http://localhost:8501`.
        model: its name.

    Raises:
        ServerError: the server answers with an error, which the message holds, or does not answer.
    """
    body = {
        "signature_name": _SIGNATURE,
        "inputs": {"image_bytes": [{"b64": base64.b64encode(data).decode()} for data in files]},
    }
    answer = _answer(f"{url.rstrip('/')}/v1/models/{model}:predict", body)
    if not isinstance(answer, dict) or "outputs" not in answer:
        raise ServerError(f"What answers at {url} is not TF Serving: its answer has no outputs.")
    return answer["outputs"]


def _answer(url: str, body: dict[str, Any]) -> Any:
    try:
        response = requests.post(url, json=body, timeout=_TIMEOUT_SECONDS)
        if not response.ok:
            raise ServerError(
                f"The server refused the request ({response.status_code}): {response.text}"
            )
        return response.json()
    except requests.Timeout as error:
        raise ServerError(
            f"The server at {url} did not answer within {_TIMEOUT_SECONDS} seconds."
        ) from error
    except requests.ConnectionError as error:
        (cause, *_) = error.args
        if isinstance(cause, urllib3.exceptions.ProtocolError):
            raise ServerError(
                f"What answers at {url} does not speak HTTP ({error}): is it the gRPC port?"
            ) from error
        raise ServerError(f"No server answers at {url}: {error}") from error
    # The address is not a URL, or the answer is not JSON.
    except (requests.RequestException, ValueError) as error:
        raise ServerError(
            f"{url} is not an address of TF Serving, or what answers there is not TF Serving:"
            f" {error}"
        ) from error


def score_over_grpc(address: str, model: str, files: Sequence[bytes]) -> dict[str, list]:
    """As `score_over_rest`, at an address such as localhost:8500. Needs tensorflow-serving-api."""
    try:
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    except ImportError as error:
        raise ServerError(
            f"gRPC needs tensorflow-serving-api: pip install 'tf_ssae[serving]' ({error})."
        ) from error

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = _SIGNATURE
    request.inputs["image_bytes"].CopyFrom(tf.make_tensor_proto(list(files), dtype=tf.string))
    with grpc.insecure_channel(address) as channel:
        try:
            response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(
                request, timeout=_TIMEOUT_SECONDS
            )
        except grpc.RpcError as error:
            raise ServerError(
                f"The server at {address} refused the request ({error.code().name}):"
                f" {error.details()}"
            ) from error
    answer = {name: tf.make_ndarray(tensor).tolist() for name, tensor in response.outputs.items()}
    for name in {"decision", "error"} & set(answer):
        answer[name] = [value.decode() for value in answer[name]]
    return answer
