"""What is fitted to held-out normal images after training, and what follows from it: decisions,
p-values, drift, a guarantee.
"""

import dataclasses
import math
import numbers
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from tf_ssae.calibration import conformal
from tf_ssae.calibration.guarantee import Guarantee

Scores = Mapping[str, np.ndarray]

_WORDS = {
    str: "text",
    numbers.Real: "a number",
    numbers.Integral: "a whole number",
    bool: "true or false",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """Which score decides, above what, and what the held-out normal images scored.

    It travels inside `model.keras` and beside every export, so that all of them decide alike.

    Attributes:
        deciding_score: the name of the score that decides.
        parts: the names of the scores that it is made of; its own name if it is not made of others.
        reason: why it decides, as a sentence.
        target_fpr: the share of normal images that may score above a threshold.
        held_out: whether these images were held out from training. False: they are the training
            images, and the threshold guarantees nothing.
        images: n, how many there are.
        scores: `{score name: float [min(n, conformal.KEPT)]}`, of these images, ascending.
        thresholds: `{score name: float}`; a higher score is an anomaly.
        map_scale: the divisor of error maps: a normal image exceeds it somewhere about as often as
            it raises a false alarm. None for a detector without maps.
        rotation_accuracy: on these images, 0..1; None for a detector that classifies no rotations.
        review_threshold: of the deciding score, at most its threshold: what is above it, but no
            anomaly, is for a person to look at. None: there is no such band.
        review_fpr: the share of normal images that may score above the review threshold.
        chosen: how the threshold was chosen, as a sentence, if not from `target_fpr`; else empty.
        by_hand: whether it was set by hand.
        precision: what the networks computed in when these images scored, "float32" or "bfloat16".

    Raises:
        ValueError: on construction, for invalid values, naming them.
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
    review_threshold: float | None = None
    review_fpr: float | None = None
    chosen: str = ""
    by_hand: bool = False
    precision: str = "float32"

    def __post_init__(self) -> None:
        self._check_types()
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
        if not 0 < self.images < 2**53:
            raise ValueError(f"images={self.images}: expected how many there were.")
        if not 0 < self.target_fpr < 1:
            raise ValueError(f"target_fpr={self.target_fpr}: expected between 0 and 1.")
        review = self.review_threshold
        if (review is None) != (self.review_fpr is None) or not (
            review is None or math.isfinite(review) and review <= self.threshold
        ):
            raise ValueError(
                f"review_threshold={review}, review_fpr={self.review_fpr}: expected neither, or a"
                f" threshold of at most {self.threshold} and a share."
            )
        if self.map_scale is not None and not (
            math.isfinite(self.map_scale) and self.map_scale > 0
        ):
            raise ValueError(f"map_scale={self.map_scale}: expected a finite number above 0.")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision={self.precision!r}: expected float32 or bfloat16.")
        if self.rotation_accuracy is not None and not 0 <= self.rotation_accuracy <= 1:
            raise ValueError(f"rotation_accuracy={self.rotation_accuracy}: expected 0 to 1.")

    def _check_types(self) -> None:
        """Raises ValueError for a value of another type than its field's: a stored True is no
        threshold, a text no tuple of names.
        """
        real, text = numbers.Real, str
        for field, values, kind in (
            ("deciding_score", [self.deciding_score], text),
            ("parts", self.parts if isinstance(self.parts, tuple) else [None], text),
            ("reason", [self.reason], text),
            ("target_fpr", [self.target_fpr], real),
            ("held_out", [self.held_out], bool),
            ("images", [self.images], numbers.Integral),
            ("thresholds", [*self.thresholds.values()], real),
            ("map_scale", _given(self.map_scale), real),
            ("rotation_accuracy", _given(self.rotation_accuracy), real),
            ("review_threshold", _given(self.review_threshold), real),
            ("review_fpr", _given(self.review_fpr), real),
            ("chosen", [self.chosen], text),
            ("by_hand", [self.by_hand], bool),
            ("precision", [self.precision], text),
        ):
            for value in values:
                if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
                    raise ValueError(
                        f"{field} = {getattr(self, field)!r:.200}: expected {_WORDS[kind]}."
                    )

    def __eq__(self, other: object) -> bool:
        # A dataclass's own comparison would ask arrays of scores for one truth value.
        return isinstance(other, Calibration) and self.to_dict() == other.to_dict()

    @classmethod
    def fit(
        cls,
        scores: Scores,
        target_fpr: float,
        map_peaks: np.ndarray | None = None,
        review_fpr: float | None = None,
        **given: Any,
    ) -> "Calibration":
        """Fits thresholds and the scale of the maps.

        Args:
            scores: `{score name: float [n]}`, of normal images, held out where possible.
            map_peaks: `[n]`, the largest value of each image's error map; None without maps.
            review_fpr: more than `target_fpr`: the share of normal images that may be above the
                review threshold; None or 0: no review.
            given: `deciding_score`, `parts`, `reason`, `held_out`, `rotation_accuracy` and
                `precision`.
        """
        images = len(next(iter(scores.values())))
        scale = None
        if map_peaks is not None:
            # One scale for all images: a map stretched to its own maximum makes every normal image
            # look as if it had a defect.
            scale = conformal.threshold(map_peaks, target_fpr)
        review: dict[str, Any] = {}
        if review_fpr:
            if not target_fpr < review_fpr < 1:
                raise ValueError(
                    f"review_fpr={review_fpr}: expected more than target_fpr={target_fpr}, less"
                    " than 1."
                )
            values = scores[given["deciding_score"]]
            review = {
                "review_threshold": conformal.threshold(values, review_fpr),
                "review_fpr": review_fpr,
            }
        return cls(
            target_fpr=target_fpr,
            images=images,
            scores={name: conformal.kept(values) for name, values in scores.items()},
            thresholds={n: conformal.threshold(v, target_fpr) for n, v in scores.items()},
            map_scale=scale,
            **review,
            **given,
        )

    @property
    def threshold(self) -> float:
        """The threshold of the score that decides."""
        return self.thresholds[self.deciding_score]

    def is_anomaly(self, scores: Scores) -> np.ndarray:
        """The decision: `{score name: [N]} -> bool [N]`."""
        return scores[self.deciding_score] > self.threshold

    def is_review(self, scores: Scores) -> np.ndarray:
        """Which images are for review, `{score name: [N]} -> bool [N]`: no anomalies, but above the
        review threshold.
        """
        values = scores[self.deciding_score]
        if self.review_threshold is None:
            return values > np.inf
        return (values > self.review_threshold) & (values <= self.threshold)

    def decisions(self, scores: Scores) -> list[str]:
        """ "normal", "review" or "anomaly" for each image, from `{score name: [N]}`."""
        both = zip(self.is_anomaly(scores), self.is_review(scores))
        return [
            "anomaly" if anomaly else "review" if review else "normal" for anomaly, review in both
        ]

    def with_threshold(self, threshold: float, chosen: str, by_hand: bool = False) -> Self:
        """The same, but the deciding score has this threshold. A review threshold that would be
        above it goes.

        `chosen`, `by_hand`: see the attributes.
        """
        review: dict[str, Any] = {}
        if self.review_threshold is not None and self.review_threshold > threshold:
            review = {"review_threshold": None, "review_fpr": None}
        return dataclasses.replace(
            self,
            thresholds={**self.thresholds, self.deciding_score: threshold},
            chosen=chosen,
            by_hand=by_hand,
            **review,
        )

    def fired(self, scores: Scores) -> dict[str, np.ndarray]:
        """Which parts of the deciding score are above thresholds of their own: bool `[N]` each."""
        return {name: scores[name] > self.thresholds[name] for name in self.parts}

    def why(self, scores: Scores) -> list[str]:
        """Of an anomaly, which parts of the deciding score are above thresholds of their own, in
        words: `{score name: [N]} -> N` texts. The other scores have no say.
        """
        fired = self.fired(scores)
        count = len(scores[self.deciding_score])
        return [
            " and ".join(name for name, above in fired.items() if above[i])
            or "together, none of them alone"
            for i in range(count)
        ]

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
        """What the threshold guarantees; None where no image was held out, or it was chosen
        otherwise than from `target_fpr`.
        """
        fitted = self.held_out and not self.chosen
        return Guarantee.of(self.images, self.target_fpr) if fitted else None

    @property
    def guarantee_holds(self) -> bool:
        """Whether images were held out, and enough of them for `target_fpr`; or the threshold was
        chosen otherwise, but not by hand.
        """
        if self.chosen:
            return not self.by_hand
        return self.guarantee is not None and self.guarantee.holds

    @property
    def guarantee_in_words(self) -> str:
        """What the threshold guarantees about false alarms, as a sentence."""
        if self.chosen:
            return self.chosen
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
        """Raises ValueError for values that are not a calibration, saying what is wrong."""
        fields = {field.name for field in dataclasses.fields(cls)}
        # What earlier versions did not write has a default.
        needed = {f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING}
        if not isinstance(values, Mapping) or not needed <= set(values) <= fields:
            found = ", ".join(sorted(values)) if isinstance(values, Mapping) else repr(values)
            raise ValueError(f"A calibration holds {', '.join(sorted(fields))}; found {found}.")
        try:
            scores = {n: _stored_scores(n, v) for n, v in values["scores"].items()}
            parts = tuple(values["parts"]) if isinstance(values["parts"], list) else values["parts"]
            # Of another type, it is refused by name.
            thresholds = {
                name: float(value) if type(value) is int else value
                for name, value in values["thresholds"].items()
            }
            return cls(**{**values, "parts": parts, "scores": scores, "thresholds": thresholds})
        except (TypeError, AttributeError, OverflowError) as error:
            raise ValueError(f"A calibration with values of a wrong type: {error}") from error


def _given(value: float | None) -> list[float]:
    return [] if value is None else [value]


def _stored_scores(name: str, values: Any) -> np.ndarray:
    # numpy would make numbers of texts and of booleans.
    if not isinstance(values, list) or any(type(v) not in (int, float) for v in values):
        raise ValueError(f"scores of {name}: expected a list of numbers.")
    return np.array(values, np.float64)
