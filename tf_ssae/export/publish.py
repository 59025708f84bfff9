"""From a finished run to files that others load: a SavedModel for TF Serving, `.tflite` files for
the edge.

Every export is proven: the files score the run's own test images, and what differs from the trained
model by more than the tolerance of `parity` is not published.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import tempfile

import numpy as np
import tensorflow as tf

from tf_ssae import data as datasets
from tf_ssae import detectors
from tf_ssae.data import protocols
from tf_ssae.export import parity, saved_model, serving_kit, tflite, timing, warmup
from tf_ssae.ops.parts import largest
from tf_ssae.runs import provenance, run_folder

_REPRESENTATIVE_IMAGES = 300
_WARMUP_IMAGES = 4


class ParityError(RuntimeError):
    """An exported file does not score as the trained model does; the message names the file and the
    output.
    """


def run(
    model_dir,
    export_dir,
    name=None,
    version=None,
    tflite_batch_size=1,
    test_images=2000,
    data_dir=None,
    data=None,
):
    """Exports the detector of a finished run to `export_dir/NAME/VERSION/`, and proves it.

    That folder holds

    * a SavedModel (see `saved_model.write`) with warm-up requests, and `detector.json` (see
      `Detector.description`);
    * `tflite/`: `float32`, `float16` and `int8`, each as `.tflite` and `.json` (see
      `tflite.description`);
    * `parity.json`: how the scores, the size and the speed of each compare with the trained model
      (see `parity`).

    It appears at once, when it is proven, so that a server which watches the folder never sees half
    a model. Beside the models, `models.config`, `batching.config`, `compose.yaml` and `SERVING.md`
    say how to start TF Serving on them.

    Args:
        model_dir: the run's folder.
        export_dir: made if need be.
        name: the model's name for clients; by default that of the run's folder.
        version: an integer; by default the next free one.
        tflite_batch_size: the fixed batch size of the TFLite files.
        test_images: how many of the run's test pictures to compare on.
        data_dir: where the run's data set lies now, if not where it lay in training.
        data: the LabelledImages that the run was given, if it was.

    Returns:
        The report, as in `parity.json`.

    Raises:
        FileNotFoundError, ValueError: `model_dir` is no finished run, its calibration is missing,
            or its images are not those it was trained on.
        FileExistsError: this version exists.
        PermissionError: `export_dir` cannot be written.
        ParityError: a file is out of tolerance. It is not published, but kept in
            `NAME-VERSION.rejected`.
    """
    model_dir, export_dir = pathlib.Path(model_dir), pathlib.Path(export_dir)
    detector = detectors.load(model_dir)
    if not detector.is_calibrated:
        raise ValueError(
            f"The detector in {model_dir} was never calibrated: train it to its end with train.py."
        )
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


def _publish(detector, split, name, target, tflite_batch_size, test_images):
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
        # mkdtemp's folder is for its owner alone, a server runs as another user.
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


def _target(folder, version):
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    if version in taken:
        raise FileExistsError(
            f"{folder / str(version)} exists: leave out --version to take the next free one."
        )
    return folder / str(version or max(taken, default=0) + 1)


def _split(config, model_dir, data_dir, data, cache):
    """The split that the run saw, made again, its images as uint8."""
    if data_dir is not None:
        config = dataclasses.replace(config, data_dir=data_dir)
    split = protocols.split(data or datasets.load(config, cache), config)
    trained_on = json.loads((model_dir / run_folder.ENVIRONMENT).read_text()).get(
        "split_fingerprint"
    )
    if split.fingerprint() != trained_on:
        raise ValueError(
            f"The images of {config.dataset} are not those that {model_dir} was trained and tested"
            " on: another version of the data set, or a run on images of one's own, which only"
            " publish.run(..., data=...) of tf_ssae.export can export."
        )
    if split.data.images.dtype != np.uint8:
        images = np.round(split.data.images * 255).astype(np.uint8)
        split = dataclasses.replace(split, data=dataclasses.replace(split.data, images=images))
    return split


def _write(detector, split, name, folder, tflite_batch_size, test_images):
    """Writes everything into `folder`: `(report, sentences about what is out of tolerance)`."""
    images, image_shape = split.data.images, split.data.image_shape
    index = _first_pictures(split, test_images)
    test, pictures = images[index], split.data.pictures(index)
    representative = images[split.train[: max(_REPRESENTATIVE_IMAGES, tflite_batch_size)]]

    def scores(function):
        found = tflite.scores_of(function, test, np.arange(len(test)))
        return {name: largest(values, pictures) for name, values in found.items()}

    is_anomaly = largest(split.anomalous[split.data.labels[index]], pictures)
    report = parity.Report(name, scores(detector), _thresholds(detector), is_anomaly)

    print("SavedModel ...", flush=True)
    saved_model.write(detector, folder)
    run_folder.write_json(
        folder / saved_model.DESCRIPTION,
        {"class_names": split.data.class_names, **detector.description()},
    )
    warmup.write(folder, name, test[:_WARMUP_IMAGES])
    report.add(
        "saved_model",
        scores(saved_model.load(folder)[0]),
        _thresholds(detector),
        timing.size(folder),
        timing.of_saved_model(folder, image_shape),
    )

    # It has a decoder of its own, and is what clients ask.
    decide = saved_model.load_decide(folder)
    report.require(
        "decide", scores(lambda batch: decide([tf.io.encode_png(image).numpy() for image in batch]))
    )

    edge = folder / "tflite"
    edge.mkdir()
    for kind in tflite.KINDS:
        print(f"TFLite {kind} ...", flush=True)
        calibrated, model = (
            detector,
            tflite.convert(detector, kind, representative, tflite_batch_size),
        )
        if kind == "int8":
            calibrated = tflite.recalibrated(detector, model, split)
            model = tflite.convert(calibrated, kind, representative, tflite_batch_size)
        path = edge / f"{kind}.tflite"
        path.write_bytes(model)
        path.with_suffix(".json").write_text(
            tflite.description(calibrated, model, kind, split.data.class_names) + "\n"
        )
        found = scores(tflite.Scorer(model, os.cpu_count()))
        report.add(kind, found, _thresholds(calibrated), timing.size(path), timing.of_tflite(model))

    run_folder.write_json(folder / "parity.json", {**report.values, **provenance.environment()})
    return report.values, report.violations


def _first_pictures(split, count):
    """The parts of the first so many test pictures."""
    pictures = split.data.pictures(split.test)
    chosen = list(dict.fromkeys(pictures.tolist()))[:count]
    return split.test[np.isin(pictures, chosen)]


def _thresholds(detector):
    return dict(zip(detector.score_names, detector.thresholds.numpy()))
