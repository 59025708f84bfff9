"""Over HTTP, from a process of its own: TF Serving's paths, photos, refusals, and the end."""

import base64
import concurrent.futures
import hashlib
import io
import re
import signal

import numpy as np
import pytest
import requests
import tensorflow as tf
from conftest import run_python
from PIL import Image
from served import png, served
from tensorflow.core.framework import types_pb2

import tf_ssae
from tf_ssae.export import client
from tf_ssae.serve import limits

MODEL = "/v1/models/parts"


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


def predict(server, **request):
    return requests.post(f"{server}{MODEL}:predict", json=request)


@pytest.fixture(scope="module")
def signatures(exported):
    """Those of the SavedModel itself, and the model, which they need."""
    loaded = tf.saved_model.load(str(exported))
    return loaded.signatures, loaded


# TF Serving's paths.


@pytest.mark.parametrize("path", [MODEL, f"{MODEL}/versions/1"])
def test_it_says_that_the_model_is_there(server, path):
    (status,) = requests.get(f"{server}{path}").json()["model_version_status"]
    assert status["version"] == "1" and status["state"] == "AVAILABLE"


@pytest.mark.parametrize("path", ["/v1/models/other", f"{MODEL}/versions/2", f"{MODEL}/versions/x"])
def test_another_model_or_version_is_not_found(server, path):
    for answer in (
        requests.get(f"{server}{path}"),
        requests.get(f"{server}{path}/metadata"),
        requests.post(f"{server}{path}:predict", json={}),
    ):
        assert answer.status_code == 404
        assert "this server has version 1 of parts" in answer.json()["error"]


def test_metadata_are_those_of_the_saved_model(server, signatures):
    answer = requests.get(f"{server}{MODEL}/metadata").json()
    assert answer["model_spec"] == {"name": "parts", "signature_name": "", "version": "1"}
    described = answer["metadata"]["signature_def"]["signature_def"]
    assert set(described) == set(signatures[0])
    for name, function in signatures[0].items():
        inputs, outputs = function.structured_input_signature[1], function.structured_outputs
        for specs, tensors in ((inputs, "inputs"), (outputs, "outputs")):
            found = described[name][tensors]
            assert set(found) == set(specs), name
            for output, spec in specs.items():
                kind = types_pb2.DataType.Name(spec.dtype.as_datatype_enum)
                assert found[output]["dtype"] == kind
                assert len(found[output]["tensor_shape"]["dim"]) == spec.shape.rank


@pytest.mark.parametrize("signature", ["serving_bytes", "decide"])
def test_columns_of_files_are_what_the_saved_model_answers(server, signatures, photos, signature):
    answer = predict(
        server, signature_name=signature, inputs={"image_bytes": [b64(data) for data in photos]}
    )
    assert answer.status_code == 200, answer.text
    same(answer.json()["outputs"], signatures[0][signature](image_bytes=tf.constant(photos)))


@pytest.mark.parametrize("signature", ["serving_default", "decide_images", "explain"])
def test_columns_of_pixels_are_what_the_saved_model_answers(
    server, signatures, digit_images, signature
):
    # Longer than wide: several tiles each.
    images = np.concatenate([digit_images.images[:3], digit_images.images[3:6]], axis=1)
    answer = predict(server, signature_name=signature, inputs={"images": images.tolist()})
    assert answer.status_code == 200, answer.text
    same(answer.json()["outputs"], signatures[0][signature](images=tf.constant(images)))


def same(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        values = tensor.numpy()
        if values.dtype.kind in "Ob":
            texts = [v.decode() if isinstance(v, bytes) else v for v in values.tolist()]
            assert found[name] == texts
        else:
            np.testing.assert_allclose(np.array(found[name]), values, rtol=1e-4, atol=1e-5)


def test_rows_hold_what_columns_hold(server, photos, digit_images):
    by_column = predict(
        server, signature_name="decide", inputs={"image_bytes": [b64(data) for data in photos[:3]]}
    ).json()["outputs"]
    expected = [dict(zip(by_column, row)) for row in zip(*by_column.values())]
    pixels = digit_images.images[:3].tolist()
    for signature, instances in (
        ("decide", [b64(data) for data in photos[:3]]),
        ("decide", [{"image_bytes": b64(data)} for data in photos[:3]]),
        ("decide_images", pixels),
        ("decide_images", [{"images": image} for image in pixels]),
    ):
        rows = predict(server, signature_name=signature, instances=instances).json()["predictions"]
        assert len(rows) == 3
        for row, wanted in zip(rows, expected):
            assert row["decision"] == wanted["decision"]
            assert row["a_ws"] == pytest.approx(wanted["a_ws"], rel=1e-4)
    # TF Serving's default.
    rows = predict(server, instances=pixels).json()["predictions"]
    assert [set(row) for row in rows] == 3 * [set(by_column) & {"a_rec", "a_cls", "a_ws", "a_max"}]


def test_the_client_asks_it(server, photos, tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(3)]
    for path, data in zip(paths, photos):
        path.write_bytes(data)
    answers = list(client.ask([str(path) for path in paths], "parts", rest=server))
    assert [answer.path for answer in answers] == [str(path) for path in paths]
    assert {answer.decision for answer in answers} <= {"normal", "anomaly"}
    found = client.score_over_rest(server, "parts", [photos[0], b"no image"])
    assert found["decision"][1] == "unreadable" and "not a PNG, JPEG" in found["error"][1]


@pytest.mark.parametrize(
    "request_, sentence",
    [
        ([], "The body is a list; expected an object."),
        ({}, 'expected "instances", a list of rows, or "inputs", columns.'),
        ({"instances": [], "inputs": {}}, 'expected "instances"'),
        ({"signature_name": "nope", "inputs": {}}, "this model has serving_default, serving_bytes"),
        ({"instances": {}}, '"instances": expected a list.'),
        ({"instances": []}, "images: the batch is empty"),
        ({"inputs": {"image": [1]}}, "inputs holds image; expected images."),
        ({"inputs": {"images": 3}}, "images: the batch is empty"),
        ({"instances": [{"image": 1}]}, "a row holds image; expected images."),
        ({"instances": [[[0]]]}, "images: int64 [1, 1, 1]; expected whole numbers [N, H, W, 1]"),
        ({"instances": [[[[0.5]]]]}, "images: float64 [1, 1, 1, 1]; expected whole numbers"),
        ({"instances": [8 * [8 * [[256]]]]}, "images: expected values from 0 to 255."),
        ({"instances": [4 * [4 * [[0]]]]}, "images: 4x4 pixels; expected at least 8x8"),
        ({"instances": [[[[0]]], [[[0], [1]]]]}, "images of one size"),
        ({"instances": 65 * [0]}, "65 images; expected at most 64 at a time."),
        ({"signature_name": "decide", "instances": ["a.png"]}, 'image_bytes[0]: expected {"b64"'),
        ({"signature_name": "decide", "instances": [{"b64": "§"}]}, "image_bytes[0]: not base64"),
        ({"signature_name": "explain", "instances": 17 * [8 * [8 * [[0]]]]}, "17 tiles to explain"),
    ],
)  # fmt: skip
def test_a_request_that_is_wrong_is_told_how(server, request_, sentence):
    answer = requests.post(f"{server}{MODEL}:predict", json=request_)
    assert answer.status_code == 400 and sentence in answer.json()["error"], answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_is_refused(server, body):
    answer = requests.post(f"{server}{MODEL}:predict", data=body)
    assert answer.status_code == 400 and "not JSON" in answer.json()["error"]


# Photos.


def test_a_photo_gets_the_row_that_score_writes(server, exported, photos):
    model = tf_ssae.load(exported)
    for data, expected in zip(photos[:12], model.predict(photos[:12])):
        row = requests.post(f"{server}/predict", data=data).json()
        assert row["decision"] == expected.decision
        assert row["p_value"] == pytest.approx(expected.p_value)
        for name, value in expected.scores.items():
            assert row[name] == pytest.approx(value, rel=1e-4)
        assert row["score"] == row[model.calibration.deciding_score]
        if expected.decision != "normal":
            assert [region["box"] for region in row["regions"]] == [list(b) for b in expected.boxes]
        assert "map" not in row


def test_a_page_gets_a_map_to_lay_over_the_upright_photo(server, digit_images):
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned to the right by a viewer.
    lying = digit_images.images[0, :, ..., 0].repeat(2, axis=1)
    data = png(lying, exif=exif)
    row = requests.post(f"{server}/predict?show=true", data=data).json()
    assert (row["width"], row["height"]) == (8, 16)
    kind, _, content = row["map"].partition(",")
    found = Image.open(io.BytesIO(base64.b64decode(content)))
    assert kind == "data:image/png;base64"
    assert found.size == (8, 16) and found.mode == "RGBA"
    assert row["preview"] is None


def test_a_photo_that_browsers_do_not_show_comes_back_as_one_that_they_do(server, digit_images):
    buffer = io.BytesIO()
    Image.fromarray(digit_images.images[0, ..., 0]).save(buffer, "TIFF")
    row = requests.post(f"{server}/predict?show=true", data=buffer.getvalue()).json()
    assert row["preview"].startswith("data:image/jpeg;base64,")


def unreadable():
    """Files, and the sentence of `tf-ssae score` about each."""
    black = np.zeros([40, 40])
    gif = io.BytesIO()
    Image.fromarray(black.astype(np.uint8)).save(gif, "GIF")
    return {
        "empty": (b"", "an empty file"),
        "text": (b"<html>", "not a PNG, JPEG, BMP, WebP or TIFF image"),
        "gif": (gif.getvalue(), "a GIF image; expected PNG, JPEG, BMP, WebP or TIFF"),
        "small": (png(black[:7]), "40x7 pixels; expected at least 8x8"),
        "long": (png(np.zeros([8, 200])), "200x8 pixels: more than 16 times as long as wide"),
        "cut": (png(np.random.default_rng(0).integers(0, 256, [40, 40]))[:-400], "damaged: "),
        "bomb": (png(np.zeros([10_001, 10_000])), "10000x10001 pixels; expected at most largest"),
    }


@pytest.mark.parametrize("kind", unreadable())
def test_a_bad_file_is_refused_in_the_words_of_score(server, exported, photos, kind):
    data, sentence = unreadable()[kind]
    assert tf_ssae.load(exported).predict(data).error.startswith(sentence)
    answer = requests.post(f"{server}/predict", data=data)
    assert answer.status_code == 400 and answer.json()["error"].startswith(sentence)
    # As the SavedModel does, it fails no other.
    answer = predict(server, signature_name="decide", instances=[b64(photos[0]), b64(data)])
    fine, broken = answer.json()["predictions"]
    assert fine["error"] == "" and fine["decision"] != "unreadable" and np.isfinite(fine["a_ws"])
    assert broken["error"].startswith(sentence) and broken["decision"] == "unreadable"
    assert np.isnan(broken["a_ws"]) and not broken["is_anomaly"]


def test_more_bytes_than_are_taken_are_refused(server):
    for path in ("/predict", f"{MODEL}:predict"):
        answer = requests.post(f"{server}{path}", data=bytes(limits.LARGEST_BODY + 1))
        assert answer.status_code == 413 and "More than 32 MB" in answer.json()["error"]


def test_many_at_a_time_get_each_their_own_answer(server, exported, photos):
    expected = tf_ssae.load(exported).predict(photos)

    def ask(i):
        if i % 5 == 4:
            return requests.post(f"{server}/predict", data=photos[i % 40][:60]).status_code
        if i % 2:
            return requests.post(f"{server}/predict", data=photos[i % 40]).json()["score"]
        rows = predict(server, signature_name="decide", instances=[b64(photos[i % 40])]).json()
        return rows["predictions"][0]["a_ws"]

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(ask, range(400)))
    for i, answer in enumerate(answers):
        wanted = 400 if i % 5 == 4 else expected[i % 40].scores["a_ws"]
        assert answer == pytest.approx(wanted, rel=1e-4)


# Who looks after it.


def measured(server):
    """`{name and labels: value}`."""
    lines = requests.get(f"{server}/metrics").text.splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_it_is_healthy_and_counts_what_it_does(server, photos):
    assert requests.get(f"{server}/healthz").json() == {"status": "ok"}
    before = measured(server)
    rows = [requests.post(f"{server}/predict", data=data).json() for data in photos[:9]]
    requests.post(f"{server}/predict", data=b"no image")
    requests.get(f"{server}/nowhere?{'x' * 99}")
    requests.get(f"{server}/v1/models/nobody")
    after = measured(server)

    def grown(name):
        return after[name] - before.get(name, 0)

    assert grown('tf_ssae_requests_total{path="/predict",status="200"}') == 9
    assert grown('tf_ssae_requests_total{path="/predict",status="400"}') == 1
    assert grown('tf_ssae_requests_total{path="/v1/models/{name}",status="404"}') == 1
    assert grown("tf_ssae_unreadable_files_total") == 1
    for decision in ("normal", "anomaly"):
        count = sum(row["decision"] == decision for row in rows)
        assert grown(f'tf_ssae_images_total{{decision="{decision}"}}') == count
    low = sum(row["p_value"] <= 0.1 for row in rows)
    assert grown('tf_ssae_p_value_bucket{le="0.1"}') == low
    assert after['tf_ssae_model_info{model_version="1",name="parts"}'] == 1
    assert not [name for name in after if "nowhere" in name or "nobody" in name]


def test_every_answer_says_what_browsers_may_do_with_it(server, photos):
    page = requests.get(server)
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for answer in (page, requests.get(f"{server}/nowhere"), requests.get(f"{server}/metrics")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert re.findall(r"https?://[\w.]+", page.text) == ["http://www.w3.org"]
    missing = requests.get(f"{server}/nowhere")
    assert missing.status_code == 404 and missing.json() == {"error": "Not Found: GET /nowhere"}
    assert requests.get(f"{server}/predict").status_code == 405


def test_a_run_is_served_as_its_export_is_until_a_signal_ends_it(server, digits_run, photos):
    files = [b64(data) for data in photos]
    exported = predict(server, signature_name="decide", inputs=files).json()["outputs"]
    with served(digits_run[0]) as (process, url):
        answer = requests.post(
            f"{url}/v1/models/digits:predict", json={"signature_name": "decide", "inputs": files}
        ).json()["outputs"]
        assert answer["decision"] == exported["decision"]
        np.testing.assert_allclose(answer["a_ws"], exported["a_ws"], rtol=1e-4, atol=1e-5)
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert out == "" and error == "\nStopped.\n"


def test_ctrl_c_ends_it_with_a_sentence_while_a_client_is_there(exported, photos):
    with served(exported) as (process, url), requests.Session() as session:
        assert session.post(f"{url}/predict", data=photos[0]).ok
        # Half a request.
        unfinished = requests.packages.urllib3.connection_from_url(url)
        connection = unfinished._get_conn()
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b"half")
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == "" and error == "\nStopped.\n"


def test_what_cannot_be_served_is_one_sentence(exported, server, tmp_path):
    port = server.rpartition(":")[2]
    for flags, sentence in (
        ([f"--model_dir={exported}", f"--port={port}"], "Address already in use. Pass another"),
        ([f"--model_dir={exported}", "--host=203.0.113.1"], "Cannot assign requested address"),
        ([f"--model_dir={tmp_path}"], "is not a run folder"),
    ):
        done = run_python("-m", "tf_ssae.cli.main", "serve", *flags)
        assert done.returncode == 1 and done.stderr.startswith("Error: "), done.stderr
        assert sentence in done.stderr and done.stderr.count("\n") == 1
