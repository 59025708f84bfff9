"""From a finished run to files that others load: a SavedModel for TF Serving, `.tflite` files for the edge.

Every export is proven: the files score the run's own test images, and what differs from the trained model by more than the
tolerance of `parity` is not published.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import tempfile

import numpy as np

from tf_ssae import datasets, run_folder, training
from tf_ssae.datasets import protocols
from tf_ssae.export import parity, saved_model, serving_kit, tflite, warmup

_REPRESENTATIVE_IMAGES = 300


class ParityError(RuntimeError):
    """An exported file does not score as the trained model does; the message names the file and the output."""


def run(model_dir, export_dir, name=None, version=None, tflite_batch_size=1, test_images=2000, data_dir=None, data=None):
    """Exports the detector of a finished run.

    `export_dir` then holds

    * `NAME/VERSION/`, a SavedModel (see `saved_model.write`) with warm-up requests;
    * `NAME.tflite/VERSION/`, with `float32`, `float16` and `int8`, each as `.tflite` and `.json`, and `parity.json`;
    * `models.config`, `batching.config`, `compose.yaml` and `README.md` for TF Serving.

    All of it appears at once, when it is proven: a server that watches the folder never sees half a model.

    Args:
        model_dir: the run's folder.
        export_dir: made if need be.
        name: the model's name for clients; by default that of the run's folder.
        version: an integer; by default the next free one.
        tflite_batch_size: the fixed batch size of the TFLite files.
        test_images: how many of the run's test images to compare on.
        data_dir: where the run's data set lies now, if not where it lay in training.
        data: the LabelledImages that the run was given, if it was.

    Returns:
        The report, as in `parity.json`.

    Raises:
        FileNotFoundError, ValueError: `model_dir` is no finished run, its calibration is missing, or its images are not
            those it was trained on.
        FileExistsError: this version exists.
        PermissionError: `export_dir` cannot be written.
        ParityError: a file is out of tolerance. It is not published, but kept in `NAME-VERSION.rejected`.
    """
    model_dir, export_dir = pathlib.Path(model_dir), pathlib.Path(export_dir)
    detector = training.load_detector(model_dir)
    if not np.isfinite(detector.thresholds.numpy()).all():
        raise ValueError(f"The detector in {model_dir} was never calibrated: train it to its end with train.py.")
    name = name or model_dir.resolve().name
    version = _free_version(export_dir / name, version)
    split = _split(detector.config, model_dir, data_dir, data)

    try:
        export_dir.mkdir(parents=True, exist_ok=True)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=".exporting-", dir=export_dir))
    except OSError as error:
        raise PermissionError(f"Cannot write the export folder {export_dir}: {error}.") from error
    try:
        report, failed = _write(detector, split, name, folder, tflite_batch_size, test_images)
        if failed:
            rejected = export_dir / f"{name}-{version}.rejected"
            shutil.rmtree(rejected, ignore_errors=True)
            os.rename(folder, rejected)
            raise ParityError("Not published, see " + str(rejected) + ":\n" + "\n".join(failed))
        for kind in ("edge", "serving"):
            target = export_dir / (name if kind == "serving" else f"{name}.tflite") / str(version)
            target.parent.mkdir(exist_ok=True)
            os.rename(folder / kind, target)
        serving_kit.write(export_dir, name, split.data.image_shape)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nSavedModel: {export_dir / name / str(version)}\nTFLite: {export_dir / f'{name}.tflite' / str(version)}")
    print(f"How to serve it: {export_dir / 'README.md'}")
    return report


def _free_version(folder, version):
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    if version in taken:
        raise FileExistsError(f"{folder / str(version)} exists: leave out --version to take the next free one.")
    return version or max(taken, default=0) + 1


def _split(config, model_dir, data_dir, data):
    """The split that the run saw, made again."""
    if data_dir is not None:
        config = dataclasses.replace(config, data_dir=data_dir)
    split = protocols.split(data or datasets.load(config), config)
    trained_on = json.loads((model_dir / run_folder.ENVIRONMENT).read_text())["split_fingerprint"]
    if split.fingerprint() != trained_on:
        raise ValueError(
            f"The images of {config.dataset} are not those that {model_dir} was trained and tested on: another version of "
            "the data set, or a run on images of one's own, which only tf_ssae.export.run(..., data=...) can export."
        )
    return split


def _write(detector, split, name, folder, tflite_batch_size, test_images):
    """Writes everything into `folder`: `(report, sentences about what is out of tolerance)`."""
    images, class_names = split.data.images, split.data.class_names
    normals, test = images[split.train], images[split.test[:test_images]]
    is_anomaly = split.test_is_anomaly[:test_images]
    expected = _scores(detector, test)
    thresholds = dict(zip(detector.score_names, detector.thresholds.numpy()))
    report = {
        "model": name,
        "test_images": len(test),
        "share": float(is_anomaly.mean()),
        "threads": os.cpu_count(),
        "files": {},
    }
    failed = []

    def prove(kind, path, found, found_thresholds):
        comparison = parity.compare(expected, found, thresholds, found_thresholds, is_anomaly)
        failed.extend(parity.violations(kind, comparison))
        shape = split.data.image_shape
        report["files"][kind] = {
            "bytes": parity.size_in_bytes(path),
            "one_thread": parity.timing(path, shape, 1),
            "all_threads": parity.timing(path, shape, os.cpu_count()),
            "scores": comparison,
        }

    print("SavedModel ...", flush=True)
    serving = folder / "serving"
    saved_model.write(detector, serving)
    prove("saved_model", serving, parity.saved_model_scores(serving, test), thresholds)
    warmup.write(serving, name, test[:4])

    edge = folder / "edge"
    edge.mkdir()
    for kind in tflite.KINDS:
        print(f"TFLite {kind} ...", flush=True)
        representative = normals[: max(_REPRESENTATIVE_IMAGES, tflite_batch_size)]
        calibrated, model = detector, tflite.convert(detector, kind, representative, tflite_batch_size)
        if kind == "int8":
            calibrated = tflite.recalibrated(detector, model, normals)
            model = tflite.convert(calibrated, kind, representative, tflite_batch_size)
        path = edge / f"{kind}.tflite"
        path.write_bytes(model)
        path.with_suffix(".json").write_text(tflite.description(calibrated, model, kind, class_names))
        found_thresholds = dict(zip(calibrated.score_names, calibrated.thresholds.numpy()))
        prove(kind, path, tflite.Scorer(model, os.cpu_count())(test), found_thresholds)

    run_folder.write_json(edge / "parity.json", report)
    print("\n" + parity.table(report), flush=True)
    return report, failed


def _scores(detector, images):
    """`{score name: [N]}` of uint8 images `[N, S, S, C]`, by the Keras model."""
    parts = [detector(images[start : start + 256]) for start in range(0, len(images), 256)]
    return {name: np.concatenate([part[name] for part in parts]) for name in detector.score_names}
