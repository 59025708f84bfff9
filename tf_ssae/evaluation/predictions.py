"""A trained detector on a set of images: its networks' outputs for each tile, all scores of each
image, the metrics of each score.
"""

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from tf_ssae.calibration import Calibration
from tf_ssae.data.split import Subset
from tf_ssae.evaluation.maps import of_outputs
from tf_ssae.evaluation.metrics import score_metrics
from tf_ssae.ops.batched import joined

if TYPE_CHECKING:
    from tf_ssae.detectors.base import Detector


@dataclasses.dataclass(frozen=True)
class TileOutputs:
    """The outputs of a detector's networks for N tiles, each by itself. They do not depend on
    anything fitted after training.

    Attributes:
        scores: `{score name: float32 [N]}`, the scores that are not made of others.
        rotation_correct: bool `[N, 4]`, whether the classifier named each of the four rotations;
            None for a detector without one.
        map_peaks: float32 `[N]`, the largest value of each error map, unscaled; None if they were
            not asked for.
    """

    scores: dict[str, np.ndarray]
    rotation_correct: np.ndarray | None = None
    map_peaks: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """A detector's scores of M images of N tiles. An image scores as its most anomalous tile.

    Attributes:
        subset: the images.
        scores: `{score name: float32 [M]}`.
        tile_scores: `{score name: float32 [N]}`.
        rotation_correct: bool `[N, 4]`, whether the classifier named each of the four rotations of
            each tile; None for a detector without one.
    """

    subset: Subset
    scores: dict[str, np.ndarray]
    tile_scores: dict[str, np.ndarray]
    rotation_correct: np.ndarray | None

    def metrics(self, calibration: Calibration) -> dict[str, Any]:
        """A dict of JSON values.

        `share` of anomalies; `scores` (see `score_metrics`), unless all images are of one kind;
        `decision`: the score that decides, its threshold, and the shares of normal and of anomalous
        images above it; `rotation_accuracy`.
        """
        is_anomaly, is_anomalous_tile = self.subset.is_anomaly, self.subset.tile_is_anomaly
        share = float(np.mean(is_anomaly))
        result: dict[str, Any] = {"share": share, "test_images": len(is_anomaly)}
        if 0 < share < 1:
            result["scores"] = {
                name: score_metrics(is_anomaly, values) for name, values in self.scores.items()
            }
        above = calibration.is_anomaly(self.scores)
        decision: dict[str, Any] = {
            "score": calibration.deciding_score,
            "threshold": calibration.threshold,
        }
        for rate, chosen in (("false_alarm_rate", ~is_anomaly), ("detection_rate", is_anomaly)):
            if chosen.any():
                decision[rate] = float(above[chosen].mean())
        result["decision"] = decision
        if self.rotation_correct is not None:
            result["rotation_accuracy"] = {
                group: float(self.rotation_correct[chosen].mean())
                for group, chosen in (
                    ("normal", ~is_anomalous_tile),
                    ("anomalous", is_anomalous_tile),
                )
                if chosen.any()
            }
        return result


def ask(
    detector: "Detector", batches: Iterable[tf.Tensor], with_map_peaks: bool = False
) -> TileOutputs:
    """The outputs of a detector's networks for batches of tiles `[B, S, S, C]`, in one pass.

    `with_map_peaks`: find the `map_peaks` too; for a detector that reconstructs.
    """

    def summed_up(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        if "rotation_probabilities" in outputs:
            named = outputs.pop("rotation_probabilities").argmax(axis=2)
            outputs["rotation_correct"] = named == np.arange(named.shape[1])
        if with_map_peaks:
            outputs["map_peaks"] = of_outputs(outputs).max(axis=(1, 2))
        for name in ("reconstruction", "squared_error", "location"):
            outputs.pop(name, None)
        return outputs

    found = joined(map(summed_up, map(detector.answers, batches)))
    correct, peaks = found.pop("rotation_correct", None), found.pop("map_peaks", None)
    return TileOutputs(found, correct, peaks)


def evaluate(detector: "Detector", outputs: TileOutputs, subset: Subset) -> Evaluation:
    """The Evaluation of a detector with fitted normalisation on the images of `subset`.

    `outputs`: of its networks for the tiles of `subset`.
    """
    every = detector.combine({name: tf.constant(v) for name, v in outputs.scores.items()})
    of_tiles = {name: every[name].numpy() for name in detector.score_names}
    of_images = {name: subset.worst(values) for name, values in of_tiles.items()}
    return Evaluation(subset, of_images, of_tiles, outputs.rotation_correct)
