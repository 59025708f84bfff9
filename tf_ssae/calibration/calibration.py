"""What is fitted to held-out normal images once a detector is trained, and all that follows."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tf_ssae.calibration import conformal
from tf_ssae.calibration.guarantee import Guarantee

Scores = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """Which score decides, above what, and what the held-out normal images scored.

    It travels inside `model.keras` and beside every export, so that whatever scores decides alike.

    Attributes:
        deciding_score: the name of the score that decides.
        parts: the names of the scores that it is made of; its own if it stands alone.
        reason: why it decides, as a sentence.
        target_fpr: the share of normal images that may score above a threshold.
        held_out: whether the images never trained. False: they are the training images, and the
            threshold guarantees nothing.
        images: n, how many there are.
        scores: `{score name: float [min(n, conformal.KEPT)]}`, of these images, ascending.
        thresholds: `{score name: float}`; a higher score is an anomaly.
        map_scale: what an error map is divided by: as large a value in an image is as rare as a
            false alarm. None for a detector without maps.
        rotation_accuracy: on these images, 0..1; None for a detector that classifies no rotations.

    Raises:
        ValueError: on construction, for values that no calibration has, naming them.
    """

    deciding_score: str
    parts: tuple[str, ...]
    reason: str
    target_fpr: float
    held_out: bool
    images: int
    scores: Scores
    thresholds: Mapping[str, float]
    map_scale: float | None
    rotation_accuracy: float | None

    def __post_init__(self) -> None:
        names = set(self.thresholds)
        if set(self.scores) != names or not {self.deciding_score, *self.parts} <= names:
            raise ValueError(
                f"thresholds of {', '.join(sorted(names)) or 'no score'}, held-out scores of "
                f"{', '.join(sorted(self.scores)) or 'none'}, and {self.deciding_score!r} (made of "
                f"{', '.join(self.parts)}) decides; expected all of the same scores."
            )
        for name, values in self.scores.items():
            if not (
                np.ndim(values) == 1
                and 0 < len(values) <= min(self.images, conformal.KEPT)
                and np.isfinite(values).all()
                and (np.diff(values) >= 0).all()
            ):
                raise ValueError(
                    f"scores of {name}: expected those of {self.images} images, at most "
                    f"{conformal.KEPT}, finite and ascending."
                )
        for name, threshold in self.thresholds.items():
            if not math.isfinite(threshold):
                raise ValueError(f"threshold of {name} = {threshold}: expected a finite number.")
        if not 0 < self.target_fpr < 1:
            raise ValueError(f"target_fpr={self.target_fpr}: expected between 0 and 1.")
        if self.map_scale is not None and not (
            math.isfinite(self.map_scale) and self.map_scale > 0
        ):
            raise ValueError(f"map_scale={self.map_scale}: expected a finite number above 0.")

    def __eq__(self, other: object) -> bool:
        # Not the dataclass's own, which would ask an array of scores for a truth value.
        return isinstance(other, Calibration) and self.to_dict() == other.to_dict()

    @classmethod
    def fit(
        cls,
        scores: Scores,
        target_fpr: float,
        map_peaks: np.ndarray | None = None,
        **given: Any,
    ) -> "Calibration":
        """Fits thresholds and the scale of the maps.

        Args:
            scores: `{score name: float [n]}`, of normal images, held out where possible.
            map_peaks: `[n]`, the largest value of each image's error map; None without maps.
            given: `deciding_score`, `parts`, `reason`, `held_out` and `rotation_accuracy`.
        """
        images = len(next(iter(scores.values())))
        scale = None
        if map_peaks is not None:
            # One scale for all images: a map stretched to its own maximum makes every normal image
            # look as if it had a defect.
            scale = conformal.threshold(map_peaks, target_fpr)
        return cls(
            target_fpr=target_fpr,
            images=images,
            scores={name: conformal.kept(values) for name, values in scores.items()},
            thresholds={n: conformal.threshold(v, target_fpr) for n, v in scores.items()},
            map_scale=scale,
            **given,
        )

    @property
    def threshold(self) -> float:
        """Of the score that decides."""
        return self.thresholds[self.deciding_score]

    def is_anomaly(self, scores: Scores) -> np.ndarray:
        """The decision: `{score name: [N]} -> bool [N]`."""
        return scores[self.deciding_score] > self.threshold

    def fired(self, scores: Scores) -> dict[str, np.ndarray]:
        """Which parts of the deciding score are above thresholds of their own: bool `[N]` each."""
        return {name: scores[name] > self.thresholds[name] for name in self.parts}

    def p_values(self, scores: Scores) -> np.ndarray | None:
        """How often a normal image's deciding score is at least as high: `{score name: [N]} -> [N]`
        in (0, 1]; None where no image was held out.
        """
        if not self.held_out:
            return None
        name = self.deciding_score
        return conformal.p_values(scores[name], self.scores[name], self.images)

    def drift(self, scores: Scores) -> tuple[float, float]:
        """How far new images below the threshold score from the held-out ones: see
        `conformal.drift`.
        """
        name = self.deciding_score
        return conformal.drift(scores[name], self.scores[name], self.images, self.threshold)

    @property
    def guarantee(self) -> Guarantee | None:
        """What the threshold guarantees; None where no image was held out."""
        return Guarantee.of(self.images, self.target_fpr) if self.held_out else None

    @property
    def guarantee_holds(self) -> bool:
        """Whether images were held out, and enough of them for `target_fpr`."""
        return self.guarantee is not None and self.guarantee.holds

    @property
    def guarantee_in_words(self) -> str:
        """What the threshold guarantees about false alarms, as a sentence."""
        if self.guarantee is None:
            return (
                "No image was held out in training: the threshold, set on the training images, "
                "guarantees nothing."
            )
        return str(self.guarantee)

    def to_dict(self) -> dict[str, Any]:
        """A dict of JSON values that `from_dict` turns back into an equal Calibration."""
        values = dataclasses.asdict(self)
        scores = {name: np.asarray(values).tolist() for name, values in self.scores.items()}
        return {**values, "parts": list(self.parts), "scores": scores}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        """Raises ValueError for what is no calibration, saying what is wrong with it."""
        fields = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(values, Mapping) or set(values) != fields:
            found = ", ".join(sorted(values)) if isinstance(values, Mapping) else repr(values)
            raise ValueError(f"A calibration holds {', '.join(sorted(fields))}; found {found}.")
        try:
            scores = {n: np.array(v, np.float64) for n, v in values["scores"].items()}
            thresholds = {name: float(value) for name, value in values["thresholds"].items()}
            rest = {"parts": tuple(values["parts"]), "scores": scores, "thresholds": thresholds}
            return cls(**{**values, **rest})
        except (TypeError, AttributeError) as error:
            raise ValueError(f"A calibration with values of a wrong type: {error}") from error
