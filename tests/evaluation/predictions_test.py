"""What networks give for tiles, what an image scores, and the metrics of a decision."""

import types

import numpy as np
import pytest

from tf_ssae.calibration import Calibration
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Subset
from tf_ssae.evaluation.predictions import Evaluation, ask, evaluate


def subset(labels, source=None):
    labels = np.array(labels)
    images = np.zeros([len(labels), 8, 8, 1], np.uint8)
    data = LabelledImages(images, labels, ("good", "bad"), source=source)
    return Subset(data, np.arange(len(labels)), np.array([False, True]))


def calibration(threshold):
    return Calibration(
        deciding_score="a",
        parts=("a",),
        reason="because",
        target_fpr=0.5,
        held_out=True,
        images=1,
        scores={"a": np.array([threshold])},
        thresholds={"a": threshold},
        map_scale=None,
        rotation_accuracy=None,
    )


def test_outputs_by_hand():
    """Two batches of made-up outputs, the last one short; an image of two tiles, of which one is
    anomalous.
    """

    def answers(images):
        # Rotated by 0 or 180 degrees, the classifier is right; else it says 0 degrees.
        named = np.eye(4, dtype=np.float32)[[0, 0, 2, 0]]
        return {
            "a": images.mean(axis=(1, 2, 3)),
            "reconstruction": 0 * images,
            "squared_error": np.square(images),
            "rotation_probabilities": np.stack([named] * len(images)),
        }

    fake = types.SimpleNamespace(
        score_names=("a", "b"),
        answers=answers,
        combine=lambda outputs: {**outputs, "b": 10 * outputs["a"]},
    )
    images = np.ones([3, 8, 8, 1]) * np.reshape([0.3, 0.1, 0.4], [3, 1, 1, 1])
    outputs = ask(fake, [images[:2], images[2:]], with_map_peaks=True)
    np.testing.assert_allclose(outputs.map_peaks, [0.09, 0.01, 0.16], rtol=1e-5)
    assert outputs.rotation_correct.tolist() == [[True, False, True, False]] * 3
    assert set(outputs.scores) == {"a"} and ask(fake, [images]).map_peaks is None
    found = evaluate(fake, outputs, subset([0, 1, 1], source=np.array([0, 1, 1])))
    np.testing.assert_allclose(found.scores["b"], [3, 4], rtol=1e-5)
    np.testing.assert_allclose(found.tile_scores["a"], [0.3, 0.1, 0.4], rtol=1e-5)


def test_metrics_by_hand():
    scores = {"a": np.array([1.0, 2.0, 3.0, 4.0])}
    correct = np.array([[True, True, False, False]] * 3 + [[True, False, False, False]])
    found = Evaluation(subset([0, 0, 0, 1]), scores, scores, correct).metrics(calibration(2.5))
    assert found["decision"] == {
        "score": "a",
        "threshold": 2.5,
        "false_alarm_rate": pytest.approx(1 / 3),
        "detection_rate": 1.0,
    }
    assert found["rotation_accuracy"] == {"normal": 0.5, "anomalous": 0.25}
    assert found["share"] == 0.25 and found["scores"]["a"]["auroc"] == 1.0


def test_images_of_one_kind_have_a_false_alarm_rate_only():
    scores = {"a": np.array([1.0, 2.0, 3.0, 4.0])}
    metrics = Evaluation(subset([0] * 4), scores, scores, None).metrics(calibration(2.5))
    assert "scores" not in metrics
    assert set(metrics["decision"]) == {"score", "threshold", "false_alarm_rate"}
