"""A trained detector on a set of images: what it says of each, the scores of every picture, the
metrics of every score.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from tf_ssae.evaluation.maps import error_maps
from tf_ssae.evaluation.metrics import score_metrics
from tf_ssae.ops.batched import batched
from tf_ssae.ops.parts import largest

# Below it, `a_cls` is taken for noise. A quarter is chance; a part that looks the same after half a
# turn gives a half.
USABLE_ROTATION_ACCURACY = 0.4


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a detector's networks say of N images, each by itself: nothing in it depends on what is
    fitted after training.

    Attributes:
        primary: `{score name: float32 [N]}`, the scores that need no others.
        rotation_correct: bool `[N, 4]`, whether the classifier named each of the four rotations;
            None for a detector without one.
        map_peaks: float32 `[N]`, the largest value of each error map, unscaled; None if they were
            not asked for.
    """

    primary: dict
    rotation_correct: np.ndarray | None
    map_peaks: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a detector made of a set of M pictures. A picture cut into parts scores as its most
    anomalous part.

    Attributes:
        is_anomaly: bool `[M]`.
        scores: `{score name: float32 [M]}`.
        rotation_correct: bool `[N, 4]`, whether the classifier named each of the four rotations of
            each part; None for a detector without one.
        part_is_anomaly: bool `[N]`.
        part_scores: `{score name: float32 [N]}`.
    """

    is_anomaly: np.ndarray
    scores: dict
    rotation_correct: np.ndarray | None
    part_is_anomaly: np.ndarray
    part_scores: dict

    def metrics(self, detector):
        """A dict of JSON values.

        `share` of anomalies; `scores` (see `score_metrics`), unless all pictures are of one kind;
        `decision`: the score that decides, its threshold, and the shares of normal and of anomalous
        pictures above it; `rotation_accuracy`.
        """
        result = {"share": float(np.mean(self.is_anomaly)), "test_images": len(self.is_anomaly)}
        if 0 < result["share"] < 1:
            result["scores"] = {
                name: score_metrics(self.is_anomaly, values) for name, values in self.scores.items()
            }
        name = detector.decision_score
        threshold = float(detector.thresholds[int(detector.decision_index)])
        above = self.scores[name] > threshold
        result["decision"] = {"score": name, "threshold": threshold}
        for group, chosen in (
            ("false_alarm_rate", ~self.is_anomaly),
            ("detection_rate", self.is_anomaly),
        ):
            if chosen.any():
                result["decision"][group] = float(above[chosen].mean())
        if self.rotation_correct is not None:
            result["rotation_accuracy"] = {
                group: float(self.rotation_correct[chosen].mean())
                for group, chosen in (
                    ("normal", ~self.part_is_anomaly),
                    ("anomalous", self.part_is_anomaly),
                )
                if chosen.any()
            }
        return result


def ask(detector, batches, with_map_peaks=False):
    """The Answers of a detector on image batches `[B, S, S, C]`: the one pass through its networks.

    `with_map_peaks`: of a detector that reconstructs, look for the `map_peaks` too.
    """

    def networks(images):
        outputs = dict(detector.primary(images))
        rebuilt = outputs.pop("reconstruction", None)
        if with_map_peaks:
            outputs["squared_error"] = tf.square(detector.preprocess(images) - rebuilt)
        return outputs

    found = {}
    for outputs in batched(networks, batches, detector.config.jit_compile):
        if "rotation_probabilities" in outputs:
            named = outputs.pop("rotation_probabilities").argmax(axis=2)
            outputs["rotation_correct"] = named == np.arange(named.shape[1])
        if with_map_peaks:
            outputs["map_peaks"] = error_maps(outputs.pop("squared_error")).max(axis=(1, 2))
        for name, values in outputs.items():
            found.setdefault(name, []).append(values)
    found = {name: np.concatenate(values) for name, values in found.items()}
    correct, peaks = found.pop("rotation_correct", None), found.pop("map_peaks", None)
    return Answers(found, correct, peaks)


def evaluate(detector, answers, is_anomaly, pictures):
    """The Evaluation of a detector, its normalisation fitted, on a set of N images.

    Args:
        answers: the Answers of the detector on them.
        is_anomaly: bool `[N]`, the truth.
        pictures: int `[N]`, the picture of which each image is a part, the parts of one side by
            side.
    """
    scores = detector.all_scores(
        {name: tf.constant(values) for name, values in answers.primary.items()}
    )
    scores = {name: scores[name].numpy() for name in detector.score_names}
    is_anomaly = np.asarray(is_anomaly)
    return Evaluation(
        largest(is_anomaly, pictures),
        {name: largest(values, pictures) for name, values in scores.items()},
        answers.rotation_correct,
        is_anomaly,
        scores,
    )


def choose_decision(detector, held_out):
    """The score that decides, and a sentence that says why. No anomaly has a say in it.

    Args:
        held_out: the Evaluation of held-out normal images, or of the training images where none
            were held out.
    """
    wanted, names = detector.config.decision, detector.score_names
    if held_out.rotation_correct is None:
        return names[0], f"{names[0]} decides, the detector's only score."
    accuracy = float(held_out.rotation_correct.mean())
    usable = accuracy >= USABLE_ROTATION_ACCURACY
    chosen = (
        wanted
        if wanted != "auto"
        else names[0]
        if len(names) == 1
        else "a_ws"
        if usable
        else "a_rec"
    )
    images = "held-out normal images" if detector.config.calibration_share else "training images"
    verdict = (
        "so rotation is a usable task"
        if usable
        else "so they look too much the same from four sides, and a_cls is noise"
    )
    how = "decides" if wanted == "auto" else "decides, as set"
    return (
        chosen,
        (
            f"{chosen} {how}: the rotation of {images} is told in {accuracy:.0%} of cases (25% by"
            f" chance), {verdict}."
        ),
    )


def table(metrics):
    """The metrics of a run as text for a terminal."""
    columns = ("average_precision", "auroc", "pr_auc_trapezoid", "average_precision_at_0.1")
    lines = []
    if "scores" in metrics:
        width = max(8, *(len(name) + 1 for name in metrics["scores"]))
        lines.append(f"{'score':{width}}" + "".join(f"{name:>26}" for name in columns))
        for name, values in metrics["scores"].items():
            lines.append(
                f"{name:{width}}" + "".join(f"{values[column]:26.4f}" for column in columns)
            )
        lines.append(
            f"{metrics['test_images']} test images, {metrics['share']:.3f} of them anomalies "
            "(the average precision of a useless score)."
        )
    if "pixels" in metrics:
        pixels = metrics["pixels"]
        lines.append(
            f"Error maps against the masks: pixel AUROC {pixels['pixel_auroc']:.4f}, AUPRO"
            f" {pixels['aupro']:.4f}."
        )
    decision = metrics["decision"]
    rates = []
    if "false_alarm_rate" in decision:
        rates.append(f"{decision['false_alarm_rate']:.1%} of the normal test images")
    if "detection_rate" in decision:
        rates.append(f"{decision['detection_rate']:.1%} of the anomalous ones")
    lines.append(
        f"Above the threshold of {decision['score']}, {decision['threshold']:.4g}:"
        f" {' and '.join(rates)}."
    )
    if "rotation_accuracy" in metrics:
        accuracy = metrics["rotation_accuracy"]
        groups = ", ".join(f"{value:.3f} on {group}" for group, value in accuracy.items())
        lines.append(f"Rotation accuracy: {groups} test images (0.25 by chance).")
    if "health" in metrics:
        lines.append(
            f"Reconstructions differ {metrics['health']['reconstruction_spread']:.2f} times as much"
            " as the images do."
        )
        lines += [f"WARNING: {warning}" for warning in metrics["health"]["warnings"]]
    return "\n".join(lines)
