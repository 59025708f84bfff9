"""`tf-ssae calibrate`: a run's threshold from other good images, without training."""

import pathlib
from typing import TYPE_CHECKING

from absl import flags

from tf_ssae.cli import plugins, quiet, reading
from tf_ssae.cli.verb import UsageError, Verb
from tf_ssae.runs import run_folder
from tf_ssae.training.wish import CHOICES, Wish

if TYPE_CHECKING:
    from tf_ssae.training.recalibrate import Recalibrated

_LISTED = 10

_FLAGS = flags.FlagValues()
flags.DEFINE_string("model_dir", None, "Folder of a finished run.", flag_values=_FLAGS)
flags.DEFINE_string(
    "images",
    None,
    "Folder of good images that never trained the run, such as those of another day.",
    flag_values=_FLAGS,
)
flags.DEFINE_integer(
    "to",
    None,
    "Go back, or forward, to this calibration of the run; 0: that of its training.",
    lower_bound=0,
    flag_values=_FLAGS,
)
flags.DEFINE_float(
    "target_fpr",
    None,
    "Share of normal images that may score above the threshold. Default: that of the run.",
    flag_values=_FLAGS,
)
flags.DEFINE_float(
    "review_fpr",
    None,
    "Share of normal images that may score above the review threshold; between it and the threshold"
    " an image is for a person to look at. Default: that of the run; 0: no such band.",
    flag_values=_FLAGS,
)
flags.DEFINE_float(
    "threshold",
    None,
    "The threshold, by hand. It promises nothing.",
    flag_values=_FLAGS,
)
flags.DEFINE_string(
    "known_defects",
    None,
    "Folder of images with known defects, a few are enough: prints how many of them each threshold"
    " finds, at how many false alarms. They neither train nor test.",
    flag_values=_FLAGS,
)
flags.DEFINE_enum(
    "choose",
    None,
    list(CHOICES),
    "How known defects choose the threshold: the highest that finds them all; the lowest above all"
    " good images; or that of the least cost.",
    flag_values=_FLAGS,
)
flags.DEFINE_float("cost_miss", 1.0, "For min_cost: of a defect missed.", flag_values=_FLAGS)
flags.DEFINE_float("cost_false_alarm", 1.0, "For min_cost: of a false alarm.", flag_values=_FLAGS)
reading.define_accept_damaged(_FLAGS)
plugins.define(_FLAGS)


def _run(arguments: list[str]) -> None:
    if (_FLAGS.images is None) == (_FLAGS.to is None):
        raise UsageError("calibrate needs either --images or --to.")
    plugins.load(_FLAGS.plugin)
    run_folder.require_finished(pathlib.Path(_FLAGS.model_dir))
    if _FLAGS.to is not None:
        # The check of a calibration needs TensorFlow.
        quiet.import_tensorflow()
        from tf_ssae.runs import calibrations

        calibrations.go_to(_FLAGS.model_dir, _FLAGS.to)
        print(f"Calibration {_FLAGS.to} of {_FLAGS.model_dir} decides from now on.")
        return
    for folder in filter(None, (_FLAGS.images, _FLAGS.known_defects)):
        if not pathlib.Path(folder).is_dir():
            raise FileNotFoundError(f"No such folder: {folder}.")
    wish = Wish(
        target_fpr=_FLAGS.target_fpr,
        review_fpr=_FLAGS.review_fpr,
        threshold=_FLAGS.threshold,
        known_defects=_FLAGS.known_defects,
        choose=_FLAGS.choose,
        cost_miss=_FLAGS.cost_miss,
        cost_false_alarm=_FLAGS.cost_false_alarm,
    )
    quiet.import_tensorflow()
    from tf_ssae.training.recalibrate import recalibrate

    print(said(recalibrate(_FLAGS.model_dir, _FLAGS.images, wish, _FLAGS.accept_damaged)))


def said(done: "Recalibrated") -> str:
    """The outcome of a calibration, for a terminal."""
    from tf_ssae.system.text import printable

    calibration, before = done.version.calibration, done.before
    lines = [
        f"Left out: {name}: {reason}." if name else f"WARNING: {reason}."
        for name, reason in done.left_out[:_LISTED]
    ]
    if len(done.left_out) > _LISTED:
        lines.append(f"... and {len(done.left_out) - _LISTED} more.")
    if done.repaired:
        lines.append(f"WARNING: {done.repaired}")
    if done.points:
        lines.append(f"{'threshold':>12}  {'false alarms':34}{'known defects found'}")
        lines += [
            f"{point.threshold:>12.5g}  {str(point.false_alarms):34}{point.detections}"
            for point in done.points
        ]
        lines.append("In brackets: exact 95% intervals (Clopper and Pearson).")
    if done.drift:
        lines.append(f"WARNING: {done.drift} From now on the threshold is that of these images.")
    if before.deciding_score == calibration.deciding_score:
        was = f" (before: {before.threshold:.4g})"
    else:
        was = f" (before: {before.deciding_score} above {before.threshold:.4g})"
    lines += [
        f"{calibration.reason}",
        f"An anomaly is above {calibration.threshold:.4g}{was}. {calibration.guarantee_in_words}",
    ]
    if calibration.review_threshold is not None:
        lines.append(
            f"For review is what is above {calibration.review_threshold:.4g}, expected of"
            f" {calibration.review_fpr:.2%} of normal images."
        )
    lines.append(
        f"Calibration {done.version.number}, from {calibration.images:,} images of"
        f" {done.version.images}, decides from now on; --to=N goes back to an earlier one."
    )
    return printable("\n".join(lines))


VERB = Verb(
    name="calibrate",
    summary="Set a run's threshold from other good images, in seconds, without training",
    example="--model_dir=runs/parts-locator-seed-0 --images=goods_of_today",
    flag_values=_FLAGS,
    first={
        "The run": ("model_dir", "to"),
        "The images": ("images", "known_defects", "accept_damaged"),
        "The threshold": ("target_fpr", "review_fpr", "choose", "threshold"),
    },
    run=_run,
    required=("model_dir",),
)
