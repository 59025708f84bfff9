"""After training: fits normalisation, then a Calibration to held-out normal images."""

import numpy as np

from tf_ssae.calibration import Calibration
from tf_ssae.config import THESIS_DATASETS
from tf_ssae.data.split import Split, Subset
from tf_ssae.detectors.base import Detector
from tf_ssae.detectors.combined import USABLE_ROTATION_ACCURACY
from tf_ssae.evaluation import predictions
from tf_ssae.ops.batched import at_once


def calibrate(detector: Detector, split: Split) -> Calibration:
    """Fits the detector's normalisation, and returns its Calibration.

    Normalisation is fitted to the images of `for_normalisation`, all else to those held out or, if
    there are none, to the training images.
    """
    detector.fit_features(split.train.batches(at_once(detector.config.image_size)))
    return calibrate_scores(detector, split)


def calibrate_scores(detector: Detector, split: Split) -> Calibration:
    """As `calibrate`, where the features that scores need are fitted already."""
    held_out = split.for_thresholds
    outputs = ask(detector, held_out, with_map_peaks=detector.reconstructs)
    normal = for_normalisation(detector, split)
    of_normal = outputs if normal is held_out else ask(detector, normal)
    detector.fit_normalisation(of_normal.scores)
    return of_outputs(detector, outputs, held_out, is_held_out=len(split.calibration) > 0)


def for_normalisation(detector: Detector, split: Split) -> Subset:
    """The images that normalisation is fitted to: those held out, since a network's answers for
    images that it knows by heart say little about others; but on the thesis' data sets those that
    train, as there (Eq. 3.14), unless the detector is `normalised_on_held_out`.
    """
    as_thesis = detector.config.dataset in THESIS_DATASETS and not detector.normalised_on_held_out
    return split.train if as_thesis else split.for_thresholds


def of_outputs(
    detector: Detector,
    outputs: predictions.TileOutputs,
    subset: Subset,
    is_held_out: bool,
    target_fpr: float | None = None,
    review_fpr: float | None = None,
) -> Calibration:
    """The Calibration of a detector with fitted normalisation, from its networks' outputs for the
    normal images of `subset`.

    `target_fpr`, `review_fpr`: in place of those of the detector's settings.
    """
    evaluation = predictions.evaluate(detector, outputs, subset)
    correct, peaks = outputs.rotation_correct, outputs.map_peaks
    accuracy = None if correct is None else float(np.mean(correct))
    deciding, wanted = detector.deciding_score(accuracy), detector.config.decision
    chosen = deciding if wanted == "auto" else wanted
    how = "decides" if wanted == "auto" else "decides, as set by --decision"
    if accuracy is not None and detector.deciding_score(0.0) != detector.deciding_score(1.0):
        images = "held-out normal" if is_held_out else "training"
        reason = f"rotation accuracy on {images} images is {accuracy:.0%} (chance: 25%)"
        if accuracy < USABLE_ROTATION_ACCURACY:
            reason += ", so they look too much the same from four sides for a score of rotation"
        else:
            reason += ", so rotation is a usable task"
    elif len(detector.score_names) == 1:
        reason = "it is the detector's only score"
    else:
        reason = "it is the detector's choice"
    return Calibration.fit(
        evaluation.scores,
        detector.config.target_fpr if target_fpr is None else target_fpr,
        None if peaks is None else subset.worst(peaks),
        detector.config.review_fpr if review_fpr is None else review_fpr,
        deciding_score=chosen,
        parts=detector.parts.get(chosen, (chosen,)),
        reason=f"{chosen} {how}: {reason}.",
        held_out=is_held_out,
        rotation_accuracy=accuracy,
        precision=detector.config.precision,
    )


def ask(
    detector: Detector, subset: Subset, with_map_peaks: bool = False
) -> predictions.TileOutputs:
    """The outputs of the detector's networks for the tiles of a Subset."""
    batches = subset.batches(at_once(detector.config.image_size))
    return predictions.ask(detector, batches, with_map_peaks)
