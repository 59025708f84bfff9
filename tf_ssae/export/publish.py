"""From a finished run to files that other programs load: a SavedModel for TF Serving, `.tflite`
files for small devices.

Every export is proven: the files score the run's own test images, and are not published if they
differ from the trained model by more than the tolerance of `parity`.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tf_ssae import runs
from tf_ssae.config import Config
from tf_ssae.data import protocols, sources
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split
from tf_ssae.detectors.base import Detector
from tf_ssae.export import parity, saved_model, serving_kit, tflite, timing, warmup
from tf_ssae.runs import provenance, run_folder
from tf_ssae.scoring import readers
from tf_ssae.scoring import saved_model as exported
from tf_ssae.scoring.tflite import TFLiteModel

_REPRESENTATIVE_IMAGES = 300
_WARMUP_IMAGES = 4


class ParityError(RuntimeError):
    """An exported file does not score as the trained model does; the message names the file and the
    output.
    """


def export(
    model_dir: str | pathlib.Path,
    export_dir: str | pathlib.Path,
    name: str | None = None,
    version: int | None = None,
    tflite_batch_size: int = 1,
    test_images: int = 2000,
    data_dir: str | None = None,
    data: LabelledImages | None = None,
) -> dict[str, Any]:
    """Exports the detector of a finished run to `export_dir/NAME/VERSION/`, and proves it.

    That folder holds

    * a SavedModel (see `saved_model.write`) with warm-up requests, and `detector.json` (see
      `calibration.Description`);
    * `tflite/`: `float32`, `float16` and `int8`, each as `.tflite` and `.json` (see
      `tflite.description`);
    * `parity.json`: how the scores, the size and the speed of each compare with the trained model
      (see `parity`).

    It appears in one piece, when it is proven, so that a server which watches the folder never sees
    half a model. Beside the models, `models.config`, `batching.config`, `compose.yaml` and
    `SERVING.md` are for starting TF Serving with them.

    Args:
        model_dir: the run's folder.
        export_dir: made if need be.
        name: the model's name for clients; by default that of the run's folder.
        version: an integer; by default the next free one.
        tflite_batch_size: the fixed batch size of the TFLite files.
        test_images: how many of the run's test images to compare on.
        data_dir: where the run's data set is now, if not where it was in training.
        data: the LabelledImages that the run was trained on, if it was given any.

    Returns:
        The report, as in `parity.json`.

    Raises:
        FileNotFoundError, ValueError: `model_dir` is not a finished run, its calibration is
            missing, or its images are not those it was trained on.
        FileExistsError: this version exists.
        PermissionError: `export_dir` cannot be written.
        ParityError: a file is out of tolerance. It is not published, but kept in
            `NAME-VERSION.rejected`.
    """
    model_dir, export_dir = pathlib.Path(model_dir), pathlib.Path(export_dir)
    detector = runs.load(model_dir)
    name = name or model_dir.resolve().name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise ValueError(
            f"name={name!r}: expected letters, digits, '.', '_' and '-', as it becomes part of a"
            " URL: pass --name."
        )
    target = _target(export_dir / name, version)
    with tempfile.TemporaryDirectory() as cache:
        split = _split(detector.config, model_dir, data_dir, data, pathlib.Path(cache) / "images")
        return _publish(detector, split, name, target, tflite_batch_size, test_images)


def _publish(
    detector: Detector,
    split: Split,
    name: str,
    target: pathlib.Path,
    tflite_batch_size: int,
    test_images: int,
) -> dict[str, Any]:
    export_dir = target.parent.parent
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=".exporting-", dir=export_dir))
    except OSError as error:
        raise PermissionError(f"Cannot write the export folder {export_dir}: {error}.") from error

    try:
        report, violations = _write(detector, split, name, folder, tflite_batch_size, test_images)
        print("\n" + parity.table(report), flush=True)
        if violations:
            rejected = export_dir / f"{name}-{target.name}.rejected"
            shutil.rmtree(rejected, ignore_errors=True)
            os.rename(folder, rejected)
            raise ParityError("\n".join([f"Not published, but kept in {rejected}:", *violations]))
        # mkdtemp's folder is for its owner alone, but a server runs as another user.
        folder.chmod(0o755)
        os.rename(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if not any(target.parent.iterdir()):
            target.parent.rmdir()
    serving_kit.write(export_dir)
    print(
        f"\nSavedModel: {target}\nTFLite: {target / 'tflite'}\nHow to serve it:"
        f" {export_dir / 'SERVING.md'}"
    )
    return report


def _target(folder: pathlib.Path, version: int | None) -> pathlib.Path:
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    if version in taken:
        raise FileExistsError(
            f"{folder / str(version)} exists: leave out --version to take the next free one."
        )
    return folder / str(version or max(taken, default=0) + 1)


def _split(
    config: Config,
    model_dir: pathlib.Path,
    data_dir: str | None,
    data: LabelledImages | None,
    cache: pathlib.Path,
) -> Split:
    """The split of the run, made again, with its images as uint8."""
    if data_dir is not None:
        config = dataclasses.replace(config, data_dir=data_dir)
    split = protocols.split(data or sources.load(config, cache), config)
    trained_on = json.loads((model_dir / run_folder.ENVIRONMENT).read_text())
    if split.fingerprint() != trained_on.get("split_fingerprint"):
        raise ValueError(
            f"The images of {config.dataset} are not those that {model_dir} was trained and tested"
            " on: is it another version of the data set? A run on arrays of your own is exported in"
            " Python, with tf_ssae.export.publish.export(..., data=...)."
        )
    if split.data.images.dtype != np.uint8:
        images = np.round(split.data.images * 255).astype(np.uint8)
        split = split.with_data(dataclasses.replace(split.data, images=images))
    return split


def _write(
    detector: Detector,
    split: Split,
    name: str,
    folder: pathlib.Path,
    tflite_batch_size: int,
    test_images: int,
) -> tuple[dict[str, Any], list[str]]:
    """Writes everything into `folder`. Returns the report, and what is out of tolerance."""
    data, test = split.data, split.test.first(test_images)
    few = split.train.index[: max(_REPRESENTATIVE_IMAGES, tflite_batch_size)]
    representative, thresholds = data.images[few], detector.calibration.thresholds

    def scores(function: Callable) -> dict[str, np.ndarray]:
        found = tflite.scores_of(function, test)
        return {name: test.worst(values) for name, values in found.items()}

    compared = parity.Parity(name, scores(detector), thresholds, test.is_anomaly)

    print("SavedModel ...", flush=True)
    saved_model.write(detector, folder)
    described = {"class_names": data.class_names, **detector.description.to_dict()}
    run_folder.write_json(folder / readers.DESCRIPTION, described)
    warmup.write(folder, name, data.images[test.index[:_WARMUP_IMAGES]])
    speed = timing.of_saved_model(folder, data.image_shape)
    found = scores(exported.load(folder)[0])
    compared.add("saved_model", found, thresholds, timing.size(folder), speed)

    # It has an image decoder of its own, and is the signature that clients ask.
    decide = exported.load_decide(folder)
    png = tf.io.encode_png
    compared.require("decide", scores(lambda tiles: decide([png(tile).numpy() for tile in tiles])))

    edge = folder / "tflite"
    edge.mkdir()
    for kind in tflite.KINDS:
        if kind == "int8" and not detector.survives_int8:
            print(f"TFLite int8: left out, {detector.config.detector} loses too much in it.")
            continue
        print(f"TFLite {kind} ...", flush=True)
        calibrated = detector
        model = tflite.convert(detector, kind, representative, tflite_batch_size)
        if kind == "int8":
            calibrated = tflite.recalibrated(detector, model, split)
            model = tflite.convert(calibrated, kind, representative, tflite_batch_size)
        path = edge / f"{kind}.tflite"
        path.write_bytes(model)
        described = tflite.description(calibrated, model, kind, data.class_names)
        run_folder.write_json(path.with_suffix(".json"), described)
        found = scores(TFLiteModel(model, os.cpu_count()))
        own = calibrated.calibration.thresholds
        compared.add(kind, found, own, timing.size(path), timing.of_tflite(model))

    run_folder.write_json(folder / "parity.json", {**compared.values, **provenance.environment()})
    return compared.values, compared.violations
