"""`tf-ssae train`: a finished run's folder from flags."""

import pathlib
from collections.abc import Sequence
from typing import Any

from absl import flags

from tf_ssae.cli import calibrate, plugins, quiet, settings
from tf_ssae.cli.verb import Failed, Verb
from tf_ssae.data import find, there
from tf_ssae.runs import run_folder

_FLAGS = flags.FlagValues()
settings.define(_FLAGS)
plugins.define(_FLAGS)
flags.DEFINE_string(
    "model_dir",
    None,
    "Folder to write. Default: runs/DATASET-anomaly-K-DETECTOR-seed-S, or runs/NAME-DETECTOR-seed-S"
    " for a folder of images called NAME.",
    flag_values=_FLAGS,
)

flags.DEFINE_string(
    "calibration_dir",
    None,
    "Folder of good images that do not train, such as those of another day: the finished run is"
    " calibrated on them, as tf-ssae calibrate does. --calibration_share=0 then lets all others"
    " train.",
    flag_values=_FLAGS,
)

STOPPED = "Stopped. Run the same command to resume from the last finished epoch."


def train(
    chosen: dict[str, Any], model_dir: str | None, plugin: Sequence[str] = ()
) -> pathlib.Path:
    """Trains with the presets, overridden by what was chosen. Returns the folder of the run."""
    plugins.load(plugin)
    named = settings.named(chosen, plugin)
    folder = pathlib.Path(model_dir or run_folder.default_model_dir(named))
    run_folder.require_new(folder, chosen)
    there.require(named)
    quiet.import_tensorflow()
    from tf_ssae.detectors.health import TrainingFailed
    from tf_ssae.detectors.registry import preset
    from tf_ssae.training import run as training

    made = preset(named.dataset, **{n: v for n, v in chosen.items() if n != "dataset"})
    try:
        training.train(made, folder)
    except TrainingFailed as error:
        raise Failed(
            f"{error} To train with other settings, pass another --model_dir or remove"
            f" {folder}.partial."
        ) from error
    return folder


def _run(arguments: list[str]) -> None:
    other = _FLAGS.calibration_dir
    if other is not None:
        find.require(other)
    folder = train(settings.given(_FLAGS), _FLAGS.model_dir, _FLAGS.plugin)
    if other is not None:
        from tf_ssae.training.recalibrate import recalibrate

        print(calibrate.said(recalibrate(folder, other)))


VERB = Verb(
    name="train",
    summary="Train a detector on a folder of good images, or on a data set less one class",
    example="--dataset=cifar10 --anomaly=5",
    flag_values=_FLAGS,
    first={
        "The images": ("dataset", "data_dir", "anomaly"),
        "The method": ("detector", "image_size", "epochs"),
        "The threshold": ("calibration_share", "target_fpr"),
        "The run": ("seed", "model_dir"),
    },
    run=_run,
    note=settings.DEFAULTS,
    stopped=STOPPED,
)
