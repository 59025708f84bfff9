"""What `detectors.base.Detector` promises of its exports, checked on every detector of the package
and on the user's own of CONTRIBUTING.md.
"""

import numpy as np
import own_detector  # noqa: F401  (it registers itself)
import pytest
from conftest import give_back_memory, once, shared_folder
from trained_detector import Stored, Trained

from tf_ssae.detectors import registry
from tf_ssae.export import openvino_ir, saved_model, tflite
from tf_ssae.scoring import saved_model as exported
from tf_ssae.scoring.tflite import TFLiteModel


@pytest.fixture(scope="module", params=registry.names())
def stored(request, digit_images, tmp_path_factory):
    folder = shared_folder(tmp_path_factory) / f"trained-{request.param}"
    once(folder, lambda: Trained(request.param, digit_images).store(folder))
    yield Stored(folder)
    give_back_memory()


def test_its_saved_model_scores_the_same(stored, tmp_path):
    saved_model.write(stored.detector, tmp_path)
    loaded = exported.load(tmp_path)[0](stored.images)
    assert set(loaded) == set(stored.scores)
    for name, values in stored.scores.items():
        np.testing.assert_allclose(loaded[name], values, rtol=1e-4, atol=1e-5)


def test_its_openvino_files_score_the_same(stored, tmp_path):
    pytest.importorskip("openvino")
    model = openvino_ir.write(stored.detector, tmp_path / "ir" / "float32.xml", ["normal"])
    for count in (24, 5):
        found = model(stored.images[:count])
        assert set(found) == set(stored.scores)
        for name, values in stored.scores.items():
            tolerance = 1e-4 * np.abs(values).max()
            np.testing.assert_allclose(found[name], values[:count], atol=tolerance)


@pytest.mark.parametrize("kind", tflite.KINDS)
def test_its_tflite_files_score_the_same(stored, kind):
    if kind == "int8" and not stored.detector.survives_int8:
        pytest.skip("no int8 file is exported of it")
    if kind == "float16" and stored.detector.config.detector not in ("ssae", "ganomaly"):
        pytest.skip("how weights are stored has nothing to do with the detector: two stand for all")
    model = tflite.convert(stored.detector, kind, stored.normals)
    found = TFLiteModel(model)(stored.images)
    assert set(found) == set(stored.scores)
    for name, values in stored.scores.items():
        # An int8 file keeps only the ranking, within rounding.
        if kind == "int8":
            assert np.corrcoef(found[name], values)[0, 1] > 0.98, name
        else:
            tolerance = {"float32": 1e-4, "float16": 2e-2}[kind] * np.abs(values).max()
            np.testing.assert_allclose(found[name], values, atol=tolerance, err_msg=name)
