"""A trained detector on a test set: the score of every image, the metrics of every score."""

import dataclasses

import numpy as np

from tf_ssae.batched import batched
from tf_ssae.metrics import score_metrics


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What a detector made of a test set of N images.

    Attributes:
        is_anomaly: bool `[N]`.
        scores: `{score name: float32 [N]}`.
        rotation_correct: bool `[N, 4]`, whether the classifier named each of the four rotations of the image; None for
            a detector without one.
    """

    is_anomaly: np.ndarray
    scores: dict
    rotation_correct: np.ndarray | None

    def metrics(self):
        """A dict of JSON values: `share` of anomalies, `scores` (see `score_metrics`), and `rotation_accuracy`."""
        result = {
            "share": float(np.mean(self.is_anomaly)),
            "test_images": len(self.is_anomaly),
            "scores": {name: score_metrics(self.is_anomaly, values) for name, values in self.scores.items()},
        }
        if self.rotation_correct is not None:
            result["rotation_accuracy"] = {
                "normal": float(self.rotation_correct[~self.is_anomaly].mean()),
                "anomalous": float(self.rotation_correct[self.is_anomaly].mean()),
            }
        return result


def evaluate(detector, batches, is_anomaly):
    """Scores the image batches `[B, S, S, C]` of a test set, of which `is_anomaly` `[N]` tells the truth."""
    scores, correct = {name: [] for name in detector.score_names}, []
    for explained in batched(detector.explain, batches, detector.config.jit_compile):
        for name in detector.score_names:
            scores[name].append(explained[name])
        if "rotation_probabilities" in explained:
            answers = explained["rotation_probabilities"].argmax(axis=2)
            correct.append(answers == np.arange(answers.shape[1]))
    return Evaluation(
        np.asarray(is_anomaly),
        {name: np.concatenate(values) for name, values in scores.items()},
        np.concatenate(correct) if correct else None,
    )


def table(metrics):
    """The metrics of a run as text for a terminal."""
    columns = ("average_precision", "auroc", "pr_auc_trapezoid", "average_precision_at_0.1")
    lines = [f"{'score':8}" + "".join(f"{name:>26}" for name in columns)]
    for name, values in metrics["scores"].items():
        lines.append(f"{name:8}" + "".join(f"{values[column]:26.4f}" for column in columns))
    lines.append(
        f"{metrics['test_images']} test images, {metrics['share']:.3f} of them anomalies "
        "(the average precision of a useless score)."
    )
    if "rotation_accuracy" in metrics:
        accuracy = metrics["rotation_accuracy"]
        lines.append(
            f"Rotation accuracy: {accuracy['normal']:.3f} on normal, {accuracy['anomalous']:.3f} on anomalous test images "
            "(0.25 by chance)."
        )
    return "\n".join(lines)
