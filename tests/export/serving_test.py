"""The serving kit and the client, against servers that speak TF Serving's protocols over the loaded
SavedModel.
"""

import base64
import concurrent.futures
import http.server
import json
import re
import socket
import subprocess
import threading

import numpy as np
import pytest
import tensorflow as tf
from conftest import run_python
from google.protobuf import text_format

from tf_ssae.export import client, serving_kit, warmup

grpc = pytest.importorskip("grpc")
serving = pytest.importorskip("tensorflow_serving.apis")
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2, prediction_service_pb2_grpc  # noqa: E402
from tensorflow_serving.config import model_server_config_pb2  # noqa: E402


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    """TF Serving's gRPC service over loaded SavedModels, `{name: signatures}`."""

    def __init__(self, models):
        self.models = models

    def Predict(self, request, context):
        if request.model_spec.name not in self.models:
            context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: Latest({request.model_spec.name})",
            )
        run = self.models[request.model_spec.name][
            request.model_spec.signature_name or "serving_default"
        ]
        try:
            outputs = run(
                **{
                    name: tf.constant(tf.make_ndarray(value))
                    for name, value in request.inputs.items()
                }
            )
        except tf.errors.InvalidArgumentError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
        response = predict_pb2.PredictResponse()
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response


class RestHandler(http.server.BaseHTTPRequestHandler):
    """TF Serving's documented REST form, https://www.tensorflow.org/tfx/serving/api_rest: columns,
    and {"b64": ...}.
    """

    def do_POST(self):
        model, verb = self.path.removeprefix("/v1/models/").split(":")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert verb == "predict" and set(body) == {"signature_name", "inputs"}
        if model not in self.server.models:
            return self.answer(404, {"error": f"Servable not found for request: Latest({model})"})
        inputs = {
            name: [base64.b64decode(value["b64"], validate=True) for value in values]
            for name, values in body["inputs"].items()
        }
        try:
            run = self.server.models[model][body["signature_name"]]
            outputs = run(
                **{name: tf.constant(values, tf.string) for name, values in inputs.items()}
            )
        except tf.errors.InvalidArgumentError as error:
            return self.answer(400, {"error": error.message})
        values = {name: value.numpy().tolist() for name, value in outputs.items()}
        for name in ("decision", "error"):
            values[name] = [value.decode() for value in values[name]]
        # Not a number is `NaN`, as TF Serving writes it.
        self.answer(200, {"outputs": values})

    def answer(self, status, value):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def models(exported):
    loaded = tf.saved_model.load(str(exported))
    yield {"parts": loaded.signatures}
    # The signatures alone don't keep the variables alive.
    del loaded


@pytest.fixture(scope="module")
def grpc_address(models):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Servicer(models), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None)


@pytest.fixture(scope="module")
def rest_url(models):
    server = http.server.ThreadingHTTPServer(("localhost", 0), RestHandler)
    server.models = models
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


@pytest.fixture
def files(digit_images):
    return [tf.io.encode_png(image).numpy() for image in digit_images.images[:3]]


def test_client_gets_the_models_scores_and_decisions(
    exported, models, grpc_address, rest_url, digit_images, files
):
    expected = models["parts"]["serving_default"](images=tf.constant(digit_images.images[:3]))
    calibration = json.loads((exported / "detector.json").read_text())["calibration"]
    decides = calibration["deciding_score"]
    anomalies = (expected[decides].numpy() > calibration["thresholds"][decides]).tolist()
    for found in (
        client.score_over_rest(rest_url, "parts", files),
        client.score_over_grpc(grpc_address, "parts", files),
    ):
        asked = {*calibration["thresholds"], "is_anomaly", "decision", "error", "p_value"}
        assert set(found) == asked and found["is_anomaly"] == anomalies
        assert found["decision"] == ["anomaly" if value else "normal" for value in anomalies]
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5)


def test_client_passes_on_what_the_server_says(grpc_address, rest_url, files, monkeypatch):
    for score, address in (
        (client.score_over_rest, rest_url),
        (client.score_over_grpc, grpc_address),
    ):
        for name in ("cats", "my parts"):
            with pytest.raises(RuntimeError, match="Servable not found"):
                score(address, name, files)
    with pytest.raises(RuntimeError, match="No server answers at http://localhost:1/"):
        client.score_over_rest("http://localhost:1", "parts", files)
    for url in ("myserver", "http://localhost:85O1", "ftp://localhost"):
        with pytest.raises(RuntimeError, match="is not an address of TF Serving"):
            client.score_over_rest(url, "parts", files)
    with pytest.raises(RuntimeError, match="does not speak HTTP .*is it the gRPC port"):
        client.score_over_rest(f"http://{grpc_address}", "parts", files)
    with socket.create_server(("localhost", 0)) as silent:
        monkeypatch.setattr(client, "_TIMEOUT_SECONDS", 0.2)
        with pytest.raises(
            RuntimeError,
            match="The server at http://localhost:.* did not answer within 0.2 seconds",
        ):
            client.score_over_rest(f"http://localhost:{silent.getsockname()[1]}", "parts", files)
    with pytest.raises(RuntimeError, match="localhost:1 refused the request .UNAVAILABLE"):
        client.score_over_grpc("localhost:1", "parts", files)


def test_client_says_why_a_file_could_not_be_used(grpc_address, rest_url, tmp_path, files):
    (tmp_path / "a cat.png").write_bytes(b"a cat")
    (tmp_path / "part.png").write_bytes(files[0])
    paths = [str(tmp_path / name) for name in ("a cat.png", "part.png")]
    for where in (dict(rest=rest_url), dict(grpc=grpc_address)):
        cat, part = client.ask(paths, "parts", **where)
        assert (cat.decision, cat.error) == ("unreadable", "neither PNG nor JPEG")
        assert np.isnan(list(cat.scores.values())).all() and part.error == ""
        assert part.decision != "unreadable" and np.isfinite(list(part.scores.values())).all()
    done = run_python(
        "-m", "tf_ssae.cli.main", "ask", "--model=parts", f"--rest={rest_url}", *paths
    )
    assert done.returncode == 0 and done.stderr == ""
    row = done.stdout.splitlines()[1].split("\t")
    assert row[-2:] == ["unreadable", "neither PNG nor JPEG"] and row[1] == "nan"


def test_exports_of_earlier_versions_are_asked_too(monkeypatch, tmp_path):
    (tmp_path / "part.png").write_bytes(b"")
    answer = {"a": [0.5], "is_anomaly": [True]}
    monkeypatch.setattr(client, "score_over_rest", lambda *_: answer)
    (found,) = client.ask([str(tmp_path / "part.png")], "parts", rest="http://localhost")
    assert found[1:] == ({"a": 0.5}, "anomaly", "")


def test_client_from_the_command_line(rest_url, files, tmp_path):
    (tmp_path / "part 1.png").write_bytes(files[0])
    command = ["-m", "tf_ssae.cli.main", "ask", "--model=parts"]
    done = run_python(*command, f"--rest={rest_url}", str(tmp_path / "part 1.png"))
    assert done.returncode == 0, done.stderr
    header, row = done.stdout.splitlines()
    assert header.split("\t") == ["file", "a_cls", "a_max", "a_rec", "a_ws", "decision", "error"]
    path, *scores, decision, error = row.split("\t")
    assert decision in ("anomaly", "normal") and error == done.stderr == ""
    assert path.endswith("part 1.png") and np.isfinite([float(score) for score in scores]).all()
    # More than the kit's servers take at once.
    done = run_python(
        *command,
        f"--rest={rest_url}",
        *[str(tmp_path / "part 1.png")] * (serving_kit.LARGEST_REQUEST + 1),
    )
    first, *rows = done.stdout.splitlines()
    assert first == header and len(rows) == serving_kit.LARGEST_REQUEST + 1
    for again in rows:
        # Rounded otherwise in a batch of another size.
        same_path, *same_scores, same_decision, _ = again.split("\t")
        assert (same_path, same_decision) == (path, decision)
        np.testing.assert_allclose(
            [float(score) for score in same_scores],
            [float(score) for score in scores],
            rtol=1e-4,
            atol=1e-5,
        )
    done = run_python(*command, f"--rest={rest_url}", str(tmp_path / "no.png"))
    assert done.returncode == 1 and "no.png" in done.stderr and "Traceback" not in done.stderr


def test_warmup_records_run_through_the_model(exported, models):
    path = exported / warmup.FILE
    seen = set()
    for record in tf.data.TFRecordDataset(str(path)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "parts"
        inputs = {
            name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()
        }
        outputs = models["parts"][request.model_spec.signature_name](**inputs)
        count = next(iter(inputs.values())).shape[0]
        for value in outputs.values():
            assert value.shape[0] == count
            assert value.dtype == tf.string or np.isfinite(np.asarray(value, float)).all()
        assert "error" not in outputs or not outputs["error"].numpy().any()
        seen.add((request.model_spec.signature_name, count))
    assert seen == {
        (name, count)
        for name in ("serving_default", "serving_bytes", "decide", "decide_images", "explain")
        for count in (1, 4)
    }


def test_models_config_is_what_the_server_reads(digits_export):
    config = text_format.Parse(
        (digits_export[0] / "models.config").read_text(),
        model_server_config_pb2.ModelServerConfig(),
    ).model_config_list.config
    assert [(model.name, model.base_path) for model in config] == [("parts", "/models/parts")]


def test_models_config_lists_every_model(tmp_path):
    for folder in ("parts/1", "parts/2", "bolts/1", "parts-3.rejected/1"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("parts/2", "bolts/1"):
        (tmp_path / folder / "saved_model.pb").touch()
    serving_kit.write(tmp_path)
    config = text_format.Parse(
        (tmp_path / "models.config").read_text(), model_server_config_pb2.ModelServerConfig()
    )
    assert [model.name for model in config.model_config_list.config] == ["bolts", "parts"]
    assert "--model=bolts" in (tmp_path / "SERVING.md").read_text()


def test_the_request_of_the_kit_holds_a_photo_of_any_size(tmp_path):
    (tmp_path / "parts" / "1").mkdir(parents=True)
    (tmp_path / "parts" / "1" / "saved_model.pb").touch()
    serving_kit.write(tmp_path)
    guide = (tmp_path / "SERVING.md").read_text()
    command = guide[guide.index("    (printf") : guide.index("It answers")]
    # What curl would send; an argument of a command cannot be so long.
    (tmp_path / "part1.png").write_bytes(bytes(range(256)) * 2000)
    sent = subprocess.run(
        ["sh", "-c", re.sub(r"curl .* -d @-", "cat", command)],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    body = json.loads(sent.stdout)
    assert body["signature_name"] == "decide"
    (file,) = body["inputs"]["image_bytes"]
    assert base64.b64decode(file["b64"]) == bytes(range(256)) * 2000


def test_the_server_answers_this_machine_alone(tmp_path):
    (tmp_path / "parts" / "1").mkdir(parents=True)
    (tmp_path / "parts" / "1" / "saved_model.pb").touch()
    serving_kit.write(tmp_path)
    compose = (tmp_path / "compose.yaml").read_text()
    assert re.findall(r'- "(.*?:)\d+:\d+"', compose) == ["127.0.0.1:", "127.0.0.1:"]
    assert re.search(r"image: tensorflow/serving:\d+\.\d+\.\d+$", compose, re.M)


def test_the_kit_does_not_overwrite_other_peoples_files(tmp_path, capsys):
    (tmp_path / "parts" / "1").mkdir(parents=True)
    (tmp_path / "parts" / "1" / "saved_model.pb").touch()
    (tmp_path / "compose.yaml").write_text("services: {mine: {}}")
    for _ in range(2):
        serving_kit.write(tmp_path)
        assert (tmp_path / "compose.yaml").read_text() == "services: {mine: {}}"
        assert "compose.yaml" in capsys.readouterr().out
    assert "parts" in (tmp_path / "models.config").read_text()
