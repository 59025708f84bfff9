"""The content of a report, checked on construction."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from tf_ssae.calibration.share import Share
from tf_ssae.evaluation.regions import Region

_Value = TypeVar("_Value")

# Before the name of what was measured on held-out images in an epoch; as Keras has it.
HELD_OUT = "val_"


@dataclasses.dataclass(frozen=True)
class Card:
    """One tile of an image (or an image that is one tile), with the detector's outputs for it.

    Attributes:
        name: the image's file name or id; any characters.
        note: such as the true class; may be empty.
        scores: `{score name: float}`.
        decision: "anomaly", "review" or "normal".
        tile: uint8 `[H, W, C]`, C 1 or 3; 32 to 256 pixels wide, since the page shows it unscaled.
        p_value: the share of normal images expected to score at least as high, 0..1; None if
            unknown.
        reconstruction: uint8 `[H, W, C]`, or None.
        error_map: float `[H, W]`, of the tile's size; 0 = no error, 1 = the scale fitted to
            held-out normal images; may exceed 1. Or None.
        rotation_probabilities: `[4]`, the probability given to the true rotation when the tile is
            turned by 0, 90, 180 and 270 degrees; or None.

    Raises:
        ValueError: on construction, for an error map that is not of the tile's size.
    """

    name: str
    note: str
    scores: Mapping[str, float]
    decision: str
    tile: np.ndarray
    p_value: float | None = None
    reconstruction: np.ndarray | None = None
    error_map: np.ndarray | None = None
    rotation_probabilities: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.error_map is not None and self.error_map.shape != self.tile.shape[:2]:
            raise ValueError(
                f"{self.name}: an error map of {list(self.error_map.shape)} for a tile of"
                f" {list(self.tile.shape[:2])}."
            )


@dataclasses.dataclass(frozen=True)
class Photo:
    """One image as an inspector sees it.

    Attributes:
        name: the image's file name or id; any characters.
        score: the deciding one.
        kind: the true class; empty if unknown.
        is_false: whether the decision about it is known to be wrong.
        p_value: the share of normal images expected to score at least as high, 0..1; None if
            unknown.
        fired: which parts of the deciding score are above thresholds of their own, in words; may be
            empty.
        link: URL of the file, relative to the page; may be empty.
        size: `(H, W)` of the image.
        picture: uint8 `[h, w, C]`, C 1 or 3, at most 320 pixels wide and high; None if it is only
            listed.
        anomaly_map: float `[h, w]`, of the picture's size, scaled: normal images rarely exceed 1.
            Or None.
        regions: where the map of the whole image is above 1, in its pixels; None without a map.
    """

    name: str
    score: float
    kind: str = ""
    is_false: bool = False
    p_value: float | None = None
    fired: str = ""
    link: str = ""
    size: tuple[int, int] | None = None
    picture: np.ndarray | None = None
    anomaly_map: np.ndarray | None = None
    regions: Sequence[Region] | None = None

    def with_picture(self, **drawn: Any) -> "Photo":
        """The same with `picture`, `size` and perhaps `anomaly_map` and `regions`."""
        return dataclasses.replace(self, **drawn)


@dataclasses.dataclass(frozen=True)
class Report:
    """The content of the page. M is the number of test images, or of scored ones.

    Attributes:
        title: of the page.
        facts: `((label, text), ...)`, the key facts, shown first.
        warnings: sentences, shown right after.
        decision_score: the name of the score that decides: an image that scores above its threshold
            is an anomaly.
        thresholds: `{score name: float}`, at least of the decision score.
        held_out_scores: `{score name: float [n]}`, the scores of held-out normal images, or
            quantiles of them.
        scores: `{score name: float [M]}`, at least the decision score.
        is_anomaly: bool `[M]`, the truth; None if unknown.
        kinds: the true class of each image, `[M]`; None if unknown.
        found_synthetic: how many synthetic defects are found; None if none were tried.
        drift: a sentence, new images' deciding scores and those of held-out ones that they differ
            from; or None.
        anomalies: every image above the threshold, highest score first; those that are pictured
            come before those that are only listed.
        unlisted: how many more there are.
        misses: anomalies that are not above it, lowest score first.
        made: `((label, text), ...)` of how the page was made, for its foot.
        metrics: `{score name: {metric: float}}`, as from `metrics.score_metrics`; None if there are
            none.
        pixel_metrics: `{metric: float}`, or None.
        rotation_accuracy: `{group of images: 0..1}`, or None.
        reconstructions: `((title, tiles, their reconstructions), ...)`, both float `[n, S, S, C]`
            in [0, 1].
        synthetic_defects: normal tiles, and the same with a synthetic defect in each, both float
            `[n, S, S, C]` in [0, 1]; or None.
        galleries: `((title, one sentence that explains it, (Card, ...)), ...)`.
        history: one dict per epoch: `epoch`, and measured numbers, not all of them in every epoch;
            those that are not finite are left out. `val_NAME` is NAME on held-out images.
        unreadable: `((path, reason), ...)`.
        settings: `{name: value}`.

    Raises:
        ValueError: on construction, if scores are not finite or not one per image, the truth is not
            bool or not one per image, or the decision score or its threshold is missing.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    decision_score: str
    thresholds: Mapping[str, float]
    held_out_scores: Mapping[str, np.ndarray]
    scores: Mapping[str, np.ndarray]
    is_anomaly: np.ndarray | None = None
    kinds: Sequence[str] | None = None
    found_synthetic: Share | None = None
    drift: tuple[str, np.ndarray, np.ndarray] | None = None
    anomalies: Sequence[Photo] = ()
    unlisted: int = 0
    misses: Sequence[Photo] = ()
    made: Sequence[tuple[str, str]] = ()
    metrics: Mapping[str, Mapping[str, float]] | None = None
    pixel_metrics: Mapping[str, float] | None = None
    rotation_accuracy: Mapping[str, float] | None = None
    reconstructions: Sequence[tuple[str, np.ndarray, np.ndarray]] = ()
    synthetic_defects: tuple[np.ndarray, np.ndarray] | None = None
    galleries: Sequence[tuple[str, str, Sequence[Card]]] = ()
    history: Sequence[Mapping[str, float]] = ()
    unreadable: Sequence[tuple[str, str]] = ()
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.decision_score not in self.scores or self.decision_score not in self.thresholds:
            raise ValueError(
                f"The score that decides, {self.decision_score!r}, has no scores or no threshold."
            )
        shape = (len(self.scores[self.decision_score]),)
        for name, values in self.scores.items():
            if np.shape(values) != shape:
                raise ValueError(
                    f"{name}: scores of shape {list(np.shape(values))}; expected {list(shape)}."
                )
        if self.is_anomaly is not None and np.shape(self.is_anomaly) != shape:
            raise ValueError(
                f"is_anomaly: shape {list(np.shape(self.is_anomaly))}; expected {list(shape)}."
            )
        if self.kinds is not None and (len(self.kinds),) != shape:
            raise ValueError(f"kinds: {len(self.kinds)}; expected {shape[0]}.")
        # `~` of the integers 0 and 1 would be -1 and -2.
        if self.is_anomaly is not None and self.is_anomaly.dtype != bool:
            raise ValueError(f"is_anomaly: {self.is_anomaly.dtype}; expected bool.")
        for name, values in [*self.scores.items(), *self.held_out_scores.items()]:
            if not np.isfinite(values).all():
                raise ValueError(
                    f"{name}: {np.sum(~np.isfinite(values))} of {np.size(values)} scores are NaN or"
                    " infinite."
                )

    def decision_first(self, by_score: Mapping[str, _Value]) -> dict[str, _Value]:
        """A dict by score name, the decision score first."""
        return dict(sorted(by_score.items(), key=lambda item: item[0] != self.decision_score))
