"""Which score decides, and what the metrics say of a decision."""

import types

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae import detectors
from tf_ssae.detectors.registry import preset
from tf_ssae.evaluation.predictions import Evaluation, ask, choose_decision, evaluate, table


def detector(decision="auto", names=("a_rec", "a_cls", "a_ws", "a_max")):
    config = types.SimpleNamespace(decision=decision, calibration_share=0.1)
    return types.SimpleNamespace(
        config=config,
        score_names=names,
        decision_score=names[0],
        decision_index=0,
        thresholds=np.full(len(names), 2.5),
    )


def evaluation(correct):
    scores = {"a_rec": np.array([1.0, 2.0, 3.0, 4.0])}
    truth = np.array([False, False, False, True])
    return Evaluation(truth, scores, np.array(correct), truth, scores)


USABLE, USELESS = [[True, True, False, False]] * 4, [[True, False, False, False]] * 4


def test_answers_by_hand():
    """Two batches of made-up answers, the last one short; a picture of two parts, of which one is
    an anomaly.
    """

    def primary(images):
        mean = tf.reduce_mean(images, axis=(1, 2, 3))
        # Turned by none or by half, the image is told; turned by a quarter or three, the answer is
        # "none".
        named = tf.one_hot([0, 0, 2, 0], 4)
        return {
            "a_rec": mean,
            "reconstruction": 0 * images,
            "rotation_probabilities": tf.stack([named] * len(images)),
        }

    fake = types.SimpleNamespace(
        config=types.SimpleNamespace(jit_compile=False),
        score_names=("a_rec", "a_ws"),
        primary=primary,
        preprocess=lambda images: images,
        all_scores=lambda primary: {**primary, "a_ws": 10 * primary["a_rec"]},
    )
    images = tf.ones([3, 8, 8, 1]) * tf.reshape([0.3, 0.1, 0.4], [3, 1, 1, 1])
    answers = ask(fake, [images[:2], images[2:]], with_map_peaks=True)
    np.testing.assert_allclose(answers.map_peaks, [0.09, 0.01, 0.16], rtol=1e-5)
    assert answers.rotation_correct.tolist() == [[True, False, True, False]] * 3
    assert set(answers.primary) == {"a_rec"} and ask(fake, [images]).map_peaks is None
    found = evaluate(fake, answers, [False, False, True], np.array([0, 1, 1]))
    np.testing.assert_allclose(found.scores["a_ws"], [3, 4], rtol=1e-5)
    np.testing.assert_allclose(found.part_scores["a_rec"], [0.3, 0.1, 0.4], rtol=1e-5)
    assert found.is_anomaly.tolist() == [False, True] and found.part_is_anomaly.tolist() == [
        False,
        False,
        True,
    ]


def test_rotation_that_is_no_usable_task_leaves_the_decision_to_a_rec():
    assert choose_decision(detector(), evaluation(USABLE))[0] == "a_ws"
    name, reason = choose_decision(detector(), evaluation(USELESS))
    assert name == "a_rec" and "told in 25% of cases" in reason and "a_cls is noise" in reason


def test_a_set_decision_stands():
    name, reason = choose_decision(detector("a_max"), evaluation(USELESS))
    assert name == "a_max" and "as set" in reason and "a_cls is noise" in reason
    assert choose_decision(detector(names=("a_cls",)), evaluation(USELESS))[0] == "a_cls"
    with pytest.raises(ValueError, match="decision='a_ws': autoencoder has only a_rec"):
        registry.make(preset("digits", detector="autoencoder", decision="a_ws"), (8, 8, 1))


def test_decision_by_hand():
    metrics = evaluation(USABLE).metrics(detector())
    assert metrics["decision"] == {
        "score": "a_rec", "threshold": 2.5, "false_alarm_rate": pytest.approx(1 / 3), "detection_rate": 1.0,
    }  # fmt: skip
    assert "33.3% of the normal test images and 100.0% of the anomalous ones" in table(metrics)


def test_images_of_one_kind_have_a_false_alarm_rate_only():
    normal = np.zeros(4, bool)
    scores = {"a_rec": np.array([1.0, 2.0, 3.0, 4.0])}
    metrics = Evaluation(normal, scores, None, normal, scores).metrics(detector())
    assert "scores" not in metrics and set(metrics["decision"]) == {
        "score",
        "threshold",
        "false_alarm_rate",
    }
    assert "50.0% of the normal test images." in table(metrics)
