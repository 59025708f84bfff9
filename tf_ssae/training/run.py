"""One run from its settings to a finished run folder: load, train, calibrate, evaluate, save."""

import base64
import pathlib
import shutil
from typing import Any

from tf_ssae.config import Config
from tf_ssae.data.images import LabelledImages
from tf_ssae.runs import run_folder, training_images
from tf_ssae.system.disk import full_disk_is_an_os_error
from tf_ssae.training import checkpoints, outcome, report, summary
from tf_ssae.training.begin import begin
from tf_ssae.training.calibrate import calibrate
from tf_ssae.training.fit import Watch, fit


def train(
    config: Config,
    model_dir: str | pathlib.Path,
    data: LabelledImages | None = None,
    watch: Watch | None = None,
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

    Returns:
        The metrics, as in `metrics.json`.

    Raises:
        ValueError, OSError: before any training, for settings, data or a run folder that cannot
            work; after it, for scores that are all the same or not finite, or a full disk.
        TrainingFailed: a loss became NaN, or the decoder died.
    """
    folder = run_folder.RunFolder(model_dir, config)
    remedy = "Free some space and run the same command again: it resumes."
    with full_disk_is_an_os_error(folder.partial.parent, remedy):
        folder.open()
        try:
            return _run(config, folder, data, watch)
        finally:
            folder.release()


def _run(
    config: Config,
    folder: run_folder.RunFolder,
    data: LabelledImages | None,
    watch: Watch | None,
) -> dict[str, Any]:
    begun = begin(config, folder, data)
    detector, split = begun.detector, begun.split

    where = f"{'resumed' if folder.resumed else 'new run'} in {folder.partial}"
    print(summary.beginning(detector.config, split, where), flush=True)

    health, history = fit(detector, split, begun.steps, folder.partial, watch)

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
