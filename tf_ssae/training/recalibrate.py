"""Calibrates a finished run again, on other normal images: in seconds, without those that trained
it.
"""

import dataclasses
import os
import pathlib
import tempfile
from typing import Any

import numpy as np

from tf_ssae import runs
from tf_ssae.calibration import Calibration, conformal, operating_points
from tf_ssae.calibration.share import Share
from tf_ssae.data.reader import TileReader, repaired_in_words
from tf_ssae.evaluation import predictions
from tf_ssae.runs import calibrations, training_images
from tf_ssae.system import scratch
from tf_ssae.system.disk import full_disk_is_an_os_error
from tf_ssae.training.calibrate import ask, of_outputs
from tf_ssae.training.gathered import Gathered
from tf_ssae.training.wish import Wish


@dataclasses.dataclass(frozen=True)
class Recalibrated:
    """A new calibration of a run, and how it came about.

    Attributes:
        version: the calibration as it is stored.
        before: what decided until now.
        left_out: `(name, reason)` of the files that were not used.
        points: the table of operating points; empty without known defects.
        repaired: a sentence that names damaged files which were used; else empty.
        drift: a sentence, if the images do not score as those of `before` did; else empty.
    """

    version: calibrations.Version
    before: Calibration
    left_out: list[tuple[str, str]]
    points: list[operating_points.OperatingPoint]
    repaired: str
    drift: str


_AS_THE_RUN = Wish()


def recalibrate(
    run: str | os.PathLike[str],
    images: str | os.PathLike[str],
    wish: Wish = _AS_THE_RUN,
    accept_damaged: bool = False,
) -> Recalibrated:
    """Fits the deciding score, thresholds, the guarantee and the scale of maps to the images of a
    folder, stores them as the run's next calibration and makes it the current one. Weights and
    normalisation stay as they are.

    Files that cannot be read, copies of images that trained the run, be it of their bytes or their
    pixels, and second copies of one image are left out.

    Args:
        run: the folder of a finished run.
        images: a folder of normal images, which never trained it.
        accept_damaged: whether damaged files are used as their decoder repairs them, and named.

    Raises:
        FileNotFoundError: there is no such run or folder, or it holds no images.
        ValueError: none of the images can be used, with the reasons; or the run is corrupt.
        OSError: a disk is full; the run is as it was.
    """
    trained = training_images.read(run)
    detector = runs.load(run)
    reader = TileReader.of(detector.description, detector.config.limits, accept_damaged)
    remedy = "Nothing was changed: free some space and run the same command again."
    with (
        full_disk_is_an_os_error(f"{run} or {tempfile.gettempdir()}", remedy),
        scratch.temporary() as cache,
    ):
        goods = Gathered(
            reader, detector, pathlib.Path(images), cache / "goods", trained or set(), set()
        )
        outputs = ask(detector, goods.subset, with_map_peaks=detector.reconstructs)
        fitted = of_outputs(
            detector,
            outputs,
            goods.subset,
            is_held_out=True,
            target_fpr=wish.target_fpr,
            review_fpr=wish.review_fpr,
        )
        normal = predictions.evaluate(detector, outputs, goods.subset).scores
        left_out, repaired, points = goods.left_out, goods.repaired, []
        if trained is None:
            left_out = [
                *left_out,
                ("", "this run, of an earlier version, stored nothing by which copies of its"
                     " training images could be found: make sure that there are none"),
            ]  # fmt: skip
        if wish.known_defects is not None:
            where = pathlib.Path(wish.known_defects)
            bad = Gathered(reader, detector, where, cache / "bad", trained or set(), goods.digests)
            asked = ask(detector, bad.subset)
            defects = predictions.evaluate(detector, asked, bad.subset).scores
            name = fitted.deciding_score
            of_goods, of_defects = normal[name].astype(float), defects[name].astype(float)
            points = operating_points.points(of_goods, of_defects)
            fitted = _chosen(fitted, of_goods, of_defects, wish)
            left_out, repaired = [*left_out, *bad.left_out], [*repaired, *bad.repaired]
        elif wish.threshold is not None:
            fitted = _chosen(fitted, normal[fitted.deciding_score], None, wish)
        facts: dict[str, Any] = {
            "operating_points": [dataclasses.asdict(point) for point in points],
            "left_out": left_out,
            "repaired": repaired,
        }
        before = detector.calibration
        version = calibrations.add(run, str(images), goods.fingerprint, fitted, facts)
    said = repaired_in_words(repaired)
    return Recalibrated(version, before, left_out, points, said, _drift(before, normal))


def _drift(before: Calibration, scores: dict[str, np.ndarray]) -> str:
    """A sentence if normal images do not score as those of the calibration before. Unlike images of
    unknown kind (`conformal.drift`), all of them count, those above the threshold too.
    """
    if not before.held_out or before.deciding_score not in scores:
        return ""
    name, highest = before.deciding_score, float("inf")
    new = np.asarray(scores[name], np.float64)
    statistic, p = conformal.drift(new, before.scores[name], before.images, highest)
    if p >= conformal.DRIFT_SIGNIFICANCE:
        return ""
    above = float(np.mean(before.is_anomaly(scores)))
    return (
        "Drift: these images do not score as those of the calibration before did"
        f" (Kolmogorov-Smirnov statistic {statistic:.3f}, p = {p:.1g}); {above:.1%} of them are"
        " above its threshold."
    )


def _chosen(
    fitted: Calibration, normal: np.ndarray, defects: np.ndarray | None, wish: Wish
) -> Calibration:
    """The Calibration with the threshold that was chosen or set by hand, if any was."""
    if wish.threshold is not None:
        above = Share.among(normal > wish.threshold)
        text = (
            f"The threshold {wish.threshold:.4g} was set by hand and promises nothing: {above} of"
            " the normal images that calibrated are above it."
        )
        return fitted.with_threshold(wish.threshold, text, by_hand=True)
    if wish.choose is None or defects is None:
        return fitted
    threshold = operating_points.choose(
        wish.choose, normal, defects, wish.cost_miss, wish.cost_false_alarm
    )
    point = operating_points.OperatingPoint.at(threshold, normal, defects)
    costs = ""
    if wish.choose == "min_cost":
        costs = f" (a miss costs {wish.cost_miss:g}, a false alarm {wish.cost_false_alarm:g})"
    text = (
        f"The threshold {threshold:.4g} was chosen by {wish.choose}{costs} with {len(defects)}"
        f" known defects, of which it finds {point.detections}; above it are {point.false_alarms}"
        " of the normal images that calibrated. In brackets: 95% intervals; those of what the"
        " choice looked at are optimistic."
    )
    return fitted.with_threshold(threshold, text)
