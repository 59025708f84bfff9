"""One self-contained HTML page about a run of training, or about one scoring of new images.

The page needs no script and no network: pictures are data URIs, charts inline SVG whose size does
not depend on how many images were scored.
"""

import dataclasses
import os

import numpy as np

from tf_ssae.report import page
from tf_ssae.system.files import replacing


@dataclasses.dataclass(frozen=True)
class Picture:
    """One image, and what the detector makes of it.

    Attributes:
        name: a file name or an id; any characters.
        note: such as the true class; may be empty.
        scores: `{score name: float}`.
        p_value: how often a normal image scores at least as high, 0..1; None if unknown.
        decision: "anomaly" or "normal".
        image: uint8 `[H, W, C]`, C 1 or 3; 32 to 256 pixels wide, as it goes into the page as it
            is.
        reconstruction: uint8 `[H, W, C]`, or None.
        error_map: float `[H, W]`, of the image's size; 0 = no error, 1 = the scale fitted to
            calibration normals; may exceed 1. Or None.
        rotation_probabilities: `[4]`, the probability given to the true rotation when the image is
            turned by 0, 90, 180 and 270 degrees; or None.
    """

    name: str
    note: str
    scores: dict
    p_value: float | None
    decision: str
    image: np.ndarray
    reconstruction: np.ndarray | None
    error_map: np.ndarray | None
    rotation_probabilities: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Report:
    """What the page tells. M is the number of test images, or of scored ones.

    Attributes:
        title: of the page.
        facts: `((label, text), ...)`, the key facts, shown first.
        warnings: sentences, shown right after.
        decision_score: the name of the score that decides: an image that scores above its threshold
            is an anomaly.
        thresholds: `{score name: float}`, at least of the decision score.
        calibration: `{score name: float [n]}`, the scores of held-out normals, or quantiles of
            them.
        scores: `{score name: float [M]}`, at least the decision score.
        is_anomaly: bool `[M]`, the truth; None if unknown.
        metrics: `{score name: {metric: float}}`, as from `metrics.score_metrics`; None if there are
            none.
        pixel_metrics: `{metric: float}`, or None.
        rotation_accuracy: `{group of images: 0..1}`, or None.
        history: one dict an epoch: `epoch`, and what was measured, as numbers; what is not finite
            is left out.
        pictures: `((section title, one sentence that explains it, (Picture, ...)), ...)`.
        unreadable: `((path, reason), ...)`.
        settings: `{name: value}`.
    """

    title: str
    facts: tuple
    warnings: tuple
    decision_score: str
    thresholds: dict
    calibration: dict
    scores: dict
    is_anomaly: np.ndarray | None
    metrics: dict | None
    pixel_metrics: dict | None
    rotation_accuracy: dict | None
    history: tuple
    pictures: tuple
    unreadable: tuple
    settings: dict


def write(path: str | os.PathLike[str], report: Report) -> None:
    """Writes the page in one piece: a reader finds the old file or the new one, whole.

    Raises:
        ValueError: scores are not finite or not one an image, the decision score or its threshold
            is missing, or an error map is not of its image's size.
        OSError: the file cannot be written.
    """
    _check(report)
    text = page.render(report)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _check(report):
    if report.decision_score not in report.scores or report.decision_score not in report.thresholds:
        raise ValueError(
            f"The score that decides, {report.decision_score!r}, has no scores or no threshold."
        )
    images = len(report.scores[report.decision_score])
    for name, values in report.scores.items():
        if np.shape(values) != (images,):
            raise ValueError(
                f"{name}: scores of shape {list(np.shape(values))}; expected [{images}]."
            )
    if report.is_anomaly is not None and np.shape(report.is_anomaly) != (images,):
        raise ValueError(
            f"is_anomaly: shape {list(np.shape(report.is_anomaly))}; expected [{images}]."
        )
    for values_of in (report.scores, report.calibration):
        for name, values in values_of.items():
            if not np.isfinite(values).all():
                raise ValueError(
                    f"{name}: {np.sum(~np.isfinite(values))} of {np.size(values)} scores are NaN or"
                    " infinite."
                )
