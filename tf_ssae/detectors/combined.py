"""The base class of detectors with two primary scores, and the two overall scores made of them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_ssae.config import Config
from tf_ssae.detectors.base import Detector, Outputs
from tf_ssae.ops import scores

# Below it, `a_cls` is considered noise. Chance is 25%; a part that looks the same after half a turn
# gives 50%.
USABLE_ROTATION_ACCURACY = 0.4


class CombinedDetector(Detector):
    """A detector whose subclass gives `a_rec` and `a_cls`; it combines and normalises them."""

    score_names = ("a_rec", "a_cls", "a_ws", "a_max")
    reports = ("l_rec", "l_cls", "rotation_accuracy")
    classifies_rotations = True
    trained_on_rotations = True
    reconstructs = True
    parts = {"a_ws": ("a_rec", "a_cls"), "a_max": ("a_rec", "a_cls")}

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        super().__init__(config, image_shape, **kwargs)
        self.normalise_a_rec = scores.MinMax(name="normalise_a_rec")
        self.normalise_a_cls = scores.MinMax(name="normalise_a_cls")

    def combine(self, outputs: Outputs) -> Outputs:
        a_rec, a_cls = (
            self.normalise_a_rec(outputs["a_rec"]),
            self.normalise_a_cls(outputs["a_cls"]),
        )
        return {
            **outputs,
            "a_ws": scores.a_ws(a_rec, a_cls, self.config.alpha),
            "a_max": scores.a_max(a_rec, a_cls, self.config.alpha),
        }

    def fit_normalisation(self, scores: Mapping[str, np.ndarray]) -> None:
        """Eq. 3.14. Raises ValueError for a score that is the same for all images."""
        self.normalise_a_rec.fit(scores["a_rec"].min(), scores["a_rec"].max())
        self.normalise_a_cls.fit(scores["a_cls"].min(), scores["a_cls"].max())

    def normalisation(self) -> dict[str, dict[str, float]]:
        return {
            name: {"minimum": float(layer.minimum), "maximum": float(layer.maximum)}
            for name, layer in (("a_rec", self.normalise_a_rec), ("a_cls", self.normalise_a_cls))
        }

    def deciding_score(self, rotation_accuracy: float | None) -> str:
        """The weighted sum; or `a_rec`, if rotation is not a usable task."""
        usable = rotation_accuracy is not None and rotation_accuracy >= USABLE_ROTATION_ACCURACY
        return "a_ws" if usable else "a_rec"
