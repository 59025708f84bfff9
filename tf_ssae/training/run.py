"""One run from its settings to a finished run folder: load, train, calibrate, evaluate, save."""

import base64
import pathlib
import shutil
import tempfile
from typing import Any

from tf_ssae.config import Config
from tf_ssae.data.images import LabelledImages
from tf_ssae.runs import run_folder, training_images
from tf_ssae.system import scratch
from tf_ssae.system.disk import full_disk_is_an_os_error
from tf_ssae.training import checkpoints, outcome, report, strategies, summary
from tf_ssae.training.begin import begin
from tf_ssae.training.calibrate import calibrate
from tf_ssae.training.fit import Watch, fit
from tf_ssae.training.replicated import follow
from tf_ssae.training.strategies import Strategy


def train(
    config: Config,
    model_dir: str | pathlib.Path,
    data: LabelledImages | None = None,
    watch: Watch | None = None,
    strategy: str | None = None,
) -> dict[str, Any]:
    """Trains a detector and writes its run folder; resumes a run that an earlier process with the
    same settings started.

    The folder holds `config.json`, `model.keras` (see `runs.load`), `metrics.json`, `scores.csv`,
    `history.csv`, `environment.json`, `trained_weights.npz` (see `runs.trained_weights`),
    `training_images.npy` and `held_out_images.npy` (see `runs.training_images`), `report.html`,
    `logs/` (TensorBoard) and, with a region of interest, its mask, `roi.png`.

    Args:
        model_dir: the folder to write. It gets this name when the run is finished; until then
            `.partial` is appended.
        data: images to use in place of those of `config.dataset`.
        watch: a function of the detector, the Split and the folder being written that returns Keras
            callbacks. What they add to an epoch's logs goes to `history.csv`. They must not
            influence the training.
        strategy: "mirrored", to train on all GPUs of this machine; "multi_worker", on those of the
            machines in TF_CONFIG, in each of which this is called; None, on one device. The run is
            the same but for rounding.

    Returns:
        The metrics, as in `metrics.json`; of several machines on the first one, the chief, alone,
        which writes the folder. Elsewhere nothing is written, and the dict is empty.

    Raises:
        ValueError, OSError: before any training, for settings, data or a run folder that cannot
            work; after it, for scores that are all the same or not finite, or a full disk.
        TrainingFailed: a loss became NaN, or the decoder died.
        ConnectionError: another machine is gone. The same call on each resumes.
    """
    devices = strategies.make(strategy) if strategy else None
    if devices:
        strategies.require(config, devices)
    with strategies.together(devices):
        if devices and not devices.is_chief:
            _follow(config, data, devices)
            return {}
        return _lead(config, model_dir, data, watch, devices)


def _lead(
    config: Config,
    model_dir: str | pathlib.Path,
    data: LabelledImages | None,
    watch: Watch | None,
    devices: Strategy | None,
) -> dict[str, Any]:
    folder = run_folder.RunFolder(model_dir, config)
    remedy = "Free some space and run the same command again: it resumes."
    with full_disk_is_an_os_error(folder.partial.parent, remedy):
        folder.open()
        try:
            return _run(config, folder, data, watch, devices)
        finally:
            folder.release()


def _run(
    config: Config,
    folder: run_folder.RunFolder,
    data: LabelledImages | None,
    watch: Watch | None,
    devices: Strategy | None,
) -> dict[str, Any]:
    begun = begin(config, folder, data, devices)
    detector, split = begun.detector, begun.split

    where = f"{'resumed' if folder.resumed else 'new run'} in {folder.partial}"
    if devices:
        where = f"{devices.in_words()}; {where}"
    print(summary.beginning(detector.config, split, where), flush=True)

    health, history = fit(detector, split, begun.steps, folder.partial, watch, devices)

    print("Calibrating, then scoring the test images ...", flush=True)
    detector.calibration = calibrate(detector, split)
    evaluation, metrics = outcome.look(detector, split, history, begun.steps, health)
    if begun.start:
        metrics["warm_start"] = begun.start.moved(detector, split)

    outcome.write_scores(folder.partial / "scores.csv", evaluation)
    page = folder.partial / "report.html"
    report.write(page, folder.path.name, detector, split, evaluation, metrics, history)
    training_images.write(folder.partial, split)
    if detector.roi is not None:
        (folder.partial / run_folder.ROI).write_bytes(base64.b64decode(detector.roi.png))
    detector.save(folder.partial / run_folder.MODEL)
    run_folder.write_json(folder.partial / run_folder.METRICS, metrics)
    folder.finish()
    # Only now: if a process dies before the folder has its name, the next one needs them.
    shutil.rmtree(folder.path / checkpoints.FOLDER)
    (folder.path / begun.cache.name).unlink(missing_ok=True)
    calibration = detector.calibration
    print(f"\n{summary.table(metrics)}\n{calibration.reason}\n{calibration.guarantee_in_words}")
    print(f"\n{summary.in_short(metrics)}")
    print(f"Open {folder.path / page.name} in a browser; all else is in {folder.path}.")
    return metrics


def _follow(config: Config, data: LabelledImages | None, devices: Strategy) -> None:
    """Trains along with the chief; what a run keeps on disk while it lasts is in a temporary
    folder.
    """
    with (
        full_disk_is_an_os_error(tempfile.gettempdir(), "Free some space and run it again."),
        scratch.temporary() as temporary,
    ):
        folder = run_folder.RunFolder(temporary / "run", config)
        folder.open()
        begun = begin(config, folder, data, devices)
        print(f"Training {devices.in_words()}: worker 0 writes the run folder.", flush=True)
        follow(begun.detector, begun.split, begun.steps, devices)
        folder.release()
    print("Trained. Worker 0 calibrates and writes the run folder.")
