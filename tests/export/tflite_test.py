"""What the `.tflite` files hold beside the scores, which scoring/run_test and conformance_test
compare.
"""

import hashlib
import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from conftest import run_python

from tf_ssae import runs
from tf_ssae.data.protocols import split
from tf_ssae.export import doctor, tflite
from tf_ssae.scoring.tflite import TFLiteModel


@pytest.mark.parametrize("kind", tflite.KINDS)
def test_signature_is_uint8_images_to_named_scores(exported, kind):
    runner = Interpreter(str(exported / "tflite" / f"{kind}.tflite")).get_signature_runner()
    (images,) = runner.get_input_details().items()
    assert (
        images[0] == "images"
        and images[1]["dtype"] == np.uint8
        and images[1]["shape"].tolist() == [1, 8, 8, 1]
    )
    outputs = runner.get_output_details()
    assert set(outputs) == {"a_rec", "a_cls", "a_ws", "a_max"}
    assert all(
        output["dtype"] == np.float32 and output["shape"].tolist() == [1]
        for output in outputs.values()
    )


@pytest.mark.parametrize("kind", tflite.KINDS)
def test_description_holds_what_a_program_needs(exported, kind):
    path = exported / "tflite" / f"{kind}.tflite"
    description = json.loads(path.with_suffix(".json").read_text())
    assert description["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert description["input"] == {"name": "images", "dtype": "uint8", "shape": [1, 8, 8, 1]}
    assert description["class_names"] == list("0123456789") and description["kind"] == kind
    assert description["image_shape"] == [8, 8, 1] and description["crop"] == "tiles"
    assert description["calibration"]["deciding_score"] == "a_ws"
    # The four scores agree with its constants.
    scores = TFLiteModel(path.read_bytes())(
        np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), np.uint8)
    )
    scaled = {}
    for name, constants in description["normalisation"].items():
        scaled[name] = (
            0.5
            * (scores[name] - constants["minimum"])
            / (constants["maximum"] - constants["minimum"])
        )
    np.testing.assert_allclose(scores["a_ws"], scaled["a_rec"] + scaled["a_cls"], rtol=1e-3)
    np.testing.assert_allclose(scores["a_max"], np.maximum(*scaled.values()), rtol=1e-3)


def test_int8_has_the_thresholds_of_its_own_scores(exported, digits_run, digit_images):
    config = runs.load(digits_run[0]).config
    held_out = split(digit_images, config).calibration.images
    folder = exported / "tflite"
    scores = TFLiteModel((folder / "int8.tflite").read_bytes())(held_out)
    int8, float32 = (
        json.loads((folder / f"{kind}.json").read_text())["calibration"]
        for kind in ("int8", "float32")
    )
    kept = json.loads((folder / "int8.held_out.json").read_text())
    # Beside what is fitted to its scores, it is calibrated as the detector is.
    thresholds = int8.pop("thresholds")
    assert thresholds != float32.pop("thresholds")
    assert int8 == float32 and "scores" not in int8
    for name, values in scores.items():
        # 1% of 126 is one image: the threshold is the largest score.
        assert thresholds[name] == pytest.approx(values.max(), rel=1e-4), name
        np.testing.assert_allclose(kept[name], np.sort(values), rtol=1e-4, atol=1e-5)


def test_int8_does_not_saturate_on_what_calibration_never_saw(exported, digit_images):
    """Noise must score far beyond the normal images: one int8 tensor of squared errors would stop
    at their maximum.
    """
    model = (exported / "tflite" / "int8.tflite").read_bytes()
    normal = TFLiteModel(model)(digit_images.images[:50])["a_rec"]
    noise = TFLiteModel(model)(
        np.random.default_rng(0).integers(0, 2, (5, 8, 8, 1), np.uint8) * 255
    )["a_rec"]
    assert noise.min() > normal.max()


def test_an_operator_that_is_not_built_in_fails_the_conversion(quick_run):
    import tensorflow as tf

    detector = runs.load(quick_run)
    plain = detector.networks

    def with_foreign_operator(images):
        outputs = plain(images)
        a_rec = tf.tile(outputs["a_rec"][:, None, None], [1, 2, 2])
        return {**outputs, "a_rec": tf.linalg.diag_part(a_rec)[:, 0]}

    detector.networks = with_foreign_operator
    with pytest.raises(ValueError, match="float32: .*MatrixDiagPart"):
        tflite.convert(detector, "float32", None)


def test_int8_is_int8_whatever_the_batch_size(quick_run, digit_images):
    """More images per batch than there are to calibrate on: the converter would silently leave the
    file in float.
    """
    detector = runs.load(quick_run)
    model = tflite.convert(detector, "int8", digit_images.images[:5], batch_size=8)
    assert len(model) < 0.35 * len(tflite.convert(detector, "float32", None, batch_size=8))


def test_doctor_counts_operators_and_bytes(exported):
    folder = exported / "tflite"
    found = {kind: doctor.examine(folder / f"{kind}.tflite") for kind in tflite.KINDS}
    for kind, result in found.items():
        assert (
            result["flex"] == [] and result["bytes"] == (folder / f"{kind}.tflite").stat().st_size
        )
        assert result["operators"]["CONV_2D"] >= 7 and result["operators"]["SOFTMAX"] == 1
        # At least the input of the widest layer, four rotations of 16x16 pixels of 32 channels, and
        # not everything.
        assert 4 * 16 * 16 * 32 < result["arena_bytes"]
    assert found["int8"]["arena_bytes"] < found["float32"]["arena_bytes"]
    assert found["int8"]["weight_bytes"] < 0.3 * found["float32"]["weight_bytes"]


def test_doctor_finds_flex(tmp_path):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([2, 2], tf.float32)])
    def foreign(x):
        return tf.linalg.diag_part(x)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([foreign.get_concrete_function()])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
    (tmp_path / "foreign.tflite").write_bytes(converter.convert())
    found = doctor.examine(tmp_path / "foreign.tflite")
    assert "FlexMatrixDiagPartV3" in found["flex"]


def test_doctor_from_the_command_line(exported, tmp_path):
    def doctor_says(path):
        return run_python("-m", "tf_ssae.cli.main", "doctor", str(path))

    done = doctor_says(exported / "tflite" / "int8.tflite")
    assert done.returncode == 0 and done.stderr == ""
    for part in (
        "CONV_2D x",
        "needs Flex: no",
        "memory for activations:",
        "one invocation on one core here:",
    ):
        assert part in done.stdout
    broken = tmp_path / "broken.tflite"
    broken.write_bytes((exported / "tflite" / "int8.tflite").read_bytes()[:3000])
    done = doctor_says(broken)
    assert (
        done.returncode == 1
        and "damaged TFLite file" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_doctor_refuses_what_is_not_a_tflite_file(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"\x89PNG, a cat")
    with pytest.raises(ValueError, match="cat.png is not a TFLite file"):
        doctor.examine(tmp_path / "cat.png")
