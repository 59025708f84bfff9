"""Scores image files with a detector served by TF Serving, over REST or gRPC, and tells which are
anomalies.

python -m tf_ssae.export.client --model=NAME --rest=http://localhost:8501 part1.png part2.jpg
"""

import base64
import http.client
import json
import pathlib
import sys
import urllib.error
import urllib.request

from absl import app, flags

from tf_ssae.export.serving_kit import LARGEST_REQUEST

_SIGNATURE = "decide"
_TIMEOUT_SECONDS = 30


def score_over_rest(url, model, files):
    """`{score name: [N] floats, "is_anomaly": [N] bools}` of N PNG or JPEG files, given as bytes.

    Args:
        url: of the server, such as `http://localhost:8501`.
        model: its name.

    Raises:
        RuntimeError: the server answers with an error, which the message holds, or does not answer.
    """
    body = {
        "signature_name": _SIGNATURE,
        "inputs": {"image_bytes": [{"b64": base64.b64encode(data).decode()} for data in files]},
    }
    answer = _answer(f"{url.rstrip('/')}/v1/models/{model}:predict", json.dumps(body).encode())
    if not isinstance(answer, dict) or "outputs" not in answer:
        raise RuntimeError(f"What answers at {url} is no TF Serving: no outputs in its answer.")
    return answer["outputs"]


def _answer(url, body):
    try:
        request = urllib.request.Request(url, body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise RuntimeError(
            f"The server refused the request ({error.code}): {error.read().decode()}"
        ) from error
    except urllib.error.URLError as error:
        raise RuntimeError(f"No server answers at {url}: {error.reason}") from error
    except TimeoutError as error:
        raise RuntimeError(
            f"The server at {url} did not answer within {_TIMEOUT_SECONDS} seconds."
        ) from error
    except (http.client.InvalidURL, ValueError) as error:
        raise RuntimeError(
            f"{url} is no address of TF Serving, or what answers there is none: {error}"
        ) from error
    except http.client.HTTPException as error:
        raise RuntimeError(
            f"What answers at {url} does not speak HTTP ({error!r}): is it the gRPC port?"
        ) from error


def score_over_grpc(address, model, files):
    """As `score_over_rest`, for an address such as `localhost:8500`. Needs
    tensorflow-serving-api.
    """
    try:
        import grpc
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    except ImportError as error:
        raise RuntimeError(
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
            raise RuntimeError(
                f"The server at {address} refused the request ({error.code().name}):"
                f" {error.details()}"
            ) from error
    return {name: tf.make_ndarray(tensor).tolist() for name, tensor in response.outputs.items()}


def main(argv):
    paths = argv[1:]
    if not paths or bool(_REST.value) == bool(_GRPC.value):
        raise app.UsageError("Give image files, and either --rest or --grpc.")
    try:
        for start in range(0, len(paths), LARGEST_REQUEST):
            part = paths[start : start + LARGEST_REQUEST]
            files = [pathlib.Path(path).read_bytes() for path in part]
            scores = (
                score_over_rest(_REST.value, _MODEL.value, files)
                if _REST.value
                else score_over_grpc(_GRPC.value, _MODEL.value, files)
            )
            decisions = [
                "anomaly" if is_anomaly else "normal" for is_anomaly in scores.pop("is_anomaly")
            ]
            names = sorted(scores)
            if not start:
                print("\t".join(["file", *names, "decision"]))
            for i, (path, decision) in enumerate(zip(part, decisions)):
                print(
                    "\t".join([path, *(f"{scores[name][i]:.6g}" for name in names), decision]),
                    flush=True,
                )
    except (OSError, RuntimeError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    _MODEL = flags.DEFINE_string("model", None, "Name of the model.", required=True)
    _REST = flags.DEFINE_string(
        "rest", None, "URL of the server's REST interface, such as http://localhost:8501."
    )
    _GRPC = flags.DEFINE_string(
        "grpc", None, "Address of the server's gRPC interface, such as localhost:8500."
    )
    app.run(main)
