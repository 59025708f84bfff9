"""`tf-ssae train`: a finished run's folder from flags."""

import functools
import pathlib
from collections.abc import Sequence
from typing import Any

from absl import flags

from tf_ssae.cli import calibrate, cluster, plugins, quiet, settings
from tf_ssae.cli.verb import Failed, UsageError, Verb
from tf_ssae.data import find, there
from tf_ssae.runs import run_folder
from tf_ssae.training import workers

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

flags.DEFINE_string(
    "products",
    None,
    "Folder of folders of images, one a product, in place of --data_dir: trains each as a run of"
    " its own, in --model_dir (default: runs/NAME), with one index.html and index.csv.",
    flag_values=_FLAGS,
)

cluster.define(_FLAGS, "the runs of --products")

flags.DEFINE_string(
    "strategy",
    None,
    "Train on several devices at once, each on a share of every batch: mirrored, all GPUs of this"
    " machine; multi_worker, those of several machines, by TF_CONFIG, with this command on each."
    " Default: one device.",
    flag_values=_FLAGS,
)

STOPPED = "Stopped. Run the same command to resume from the last finished epoch."


def train(
    chosen: dict[str, Any],
    model_dir: str | None,
    plugin: Sequence[str] = (),
    strategy: str | None = None,
) -> pathlib.Path:
    """Trains with the presets, overridden by what was chosen. Returns the folder of the run, which
    of several machines the first one writes.
    """
    if strategy:
        workers.require(strategy)
    plugins.load(plugin)
    named = settings.named(chosen, plugin)
    folder = pathlib.Path(model_dir or run_folder.default_model_dir(named))
    run_folder.require_new(folder, chosen)
    if named.init_from:
        run_folder.require_finished(named.init_from)
    there.require(named)
    quiet.import_tensorflow()
    from tf_ssae.detectors.health import TrainingFailed
    from tf_ssae.detectors.registry import preset
    from tf_ssae.training import run as training

    made = preset(named.dataset, **{n: v for n, v in chosen.items() if n != "dataset"})
    try:
        training.train(made, folder, strategy=strategy)
    except TrainingFailed as error:
        raise Failed(
            f"{error} To train with other settings, pass another --model_dir or remove"
            f" {folder}.partial."
        ) from error
    return folder


def _run(arguments: list[str]) -> None:
    if _FLAGS.products is not None:
        _train_products()
        return
    if _FLAGS.cluster is not None:
        raise UsageError("--cluster trains many runs: it goes with --products.")
    other = _FLAGS.calibration_dir
    if other is not None:
        find.require(other)
    folder = train(settings.given(_FLAGS), _FLAGS.model_dir, _FLAGS.plugin, _FLAGS.strategy)
    if other is not None and workers.writes(_FLAGS.strategy):
        from tf_ssae.training.recalibrate import recalibrate

        print(calibrate.said(recalibrate(folder, other)))


def _train_products() -> None:
    chosen = settings.given(_FLAGS)
    clash: list[str] = [name for name in ("data_dir", "anomaly") if name in chosen]
    clash += ["calibration_dir"] * (_FLAGS.calibration_dir is not None)
    clash += ["strategy"] * (_FLAGS.strategy is not None)
    if clash or chosen.pop("dataset", "folder") != "folder":
        named = " and ".join(f"--{name}" for name in clash) or "--dataset"
        raise UsageError(f"--products trains on its own folders: leave out {named}.")
    folder = pathlib.Path(_FLAGS.products)
    where = pathlib.Path(_FLAGS.model_dir or pathlib.Path("runs") / folder.resolve().name)
    if _FLAGS.cluster is not None:
        cluster.require_ray()
    quiet.import_tensorflow()
    from tf_ssae.training import products

    how = products.in_turn
    if _FLAGS.cluster is not None:
        from tf_ssae.cluster.products import on_cluster

        how = functools.partial(on_cluster, address=_FLAGS.cluster, cpus=_FLAGS.cpus)
    trained = products.train_each(folder, where, chosen, _FLAGS.plugin, how)
    failed = [product.name for product in trained if product.failed]
    print(f"\n{len(trained) - len(failed)} of {len(trained)} products: {where / 'index.html'}")
    if failed:
        raise Failed(f"Not trained: {', '.join(failed)}. The same command tries them again.")


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
