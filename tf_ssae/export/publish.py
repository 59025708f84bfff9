"""From a finished run to files that other programs load: a SavedModel for TF Serving, `.tflite`
files for small devices.

Every export is proven: the files score the run's own test images, and are not published if they
differ from the trained model by more than the tolerance of `parity`.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
from typing import Any

from tf_ssae import runs
from tf_ssae.data.images import LabelledImages
from tf_ssae.data.split import Split
from tf_ssae.detectors.base import Detector
from tf_ssae.export import models, parity_table, serving_kit
from tf_ssae.export.published import published_at
from tf_ssae.export.same_split import same_split
from tf_ssae.ops.limits import DEFAULTS, Limits
from tf_ssae.runs import calibrations, provenance, run_folder
from tf_ssae.system import scratch
from tf_ssae.system.disk import full_disk_is_an_os_error


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
    openvino: bool = False,
    limits: Limits = DEFAULTS,
) -> dict[str, Any]:
    """Exports the detector of a finished run to `export_dir/NAME/VERSION/`, and proves it.

    That folder holds

    * a SavedModel (see `saved_model.write`) with warm-up requests, and `detector.json` (see
      `calibration.Description`);
    * `tflite/`: `float32`, `float16` and, unless the detector loses too much by it, `int8`, each as
      `.tflite` and `.json` (see `tflite.describe`);
    * with `openvino`, `openvino/float32.xml`, `.bin` and `.json` (see `openvino_ir.write`);
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
        openvino: whether to write an OpenVINO IR; needs the extra `openvino`.
        limits: requests with images beyond them are refused by the SavedModel.

    Returns:
        The report, as in `parity.json`.

    Raises:
        FileNotFoundError, ValueError: `model_dir` is not a finished run, its calibration is
            missing, or its images are not those it was trained on; or OpenVINO is asked for, but
            not installed.
        FileExistsError: this version exists.
        PermissionError: `export_dir` cannot be written.
        OSError: a disk is full; nothing was published.
        ParityError: a file is out of tolerance. It is not published, but kept in
            `NAME-VERSION.rejected`.
    """
    models.check(openvino)
    model_dir, export_dir = pathlib.Path(model_dir), pathlib.Path(export_dir)
    target = published_at(model_dir, export_dir, name, version)
    detector = runs.load(model_dir)
    models.check_limits(limits, detector.image_shape)
    remedy = "Nothing was published: free some space and run the same command again."
    with (
        full_disk_is_an_os_error(f"{export_dir} or {tempfile.gettempdir()}", remedy),
        scratch.temporary() as cache,
    ):
        split = same_split(detector.config, model_dir, data_dir, data, cache / "images")
        photos = pathlib.Path(data_dir or detector.config.data_dir)
        return _publish(
            *(detector, split, target, tflite_batch_size, test_images, openvino, limits, photos),
            own_calibration=calibrations.current(model_dir) == 0,
        )


def _publish(
    detector: Detector,
    split: Split,
    target: pathlib.Path,
    tflite_batch_size: int,
    test_images: int,
    openvino: bool,
    limits: Limits,
    photos: pathlib.Path,
    own_calibration: bool,
) -> dict[str, Any]:
    export_dir, name = target.parent.parent, target.parent.name
    made = [path for path in (export_dir, target.parent) if not path.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        build = contextlib.ExitStack()
        folder = build.enter_context(scratch.building(export_dir, ".exporting-"))
    except OSError as error:
        raise PermissionError(f"Cannot write the export folder {export_dir}: {error}.") from error

    with build:
        try:
            compared = models.write(
                *(detector, split, name, folder, tflite_batch_size, test_images, openvino),
                *(limits, photos, own_calibration),
            )
            report = compared.values
            run_folder.write_json(folder / "parity.json", {**report, **provenance.environment()})
            print("\n" + parity_table.table(report), flush=True)
            if compared.violations:
                rejected = export_dir / f"{name}-{target.name}.rejected"
                shutil.rmtree(rejected, ignore_errors=True)
                os.rename(folder, rejected)
                raise ParityError(
                    "\n".join([f"Not published, but kept in {rejected}:", *compared.violations])
                )
            # Whatever this process's umask: a server runs as another user.
            for path in (*made, folder, *folder.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            os.rename(folder, target)
        finally:
            if not any(target.parent.iterdir()):
                target.parent.rmdir()
    serving_kit.write(export_dir)
    print(
        f"\nSavedModel: {target}\nTFLite: {target / 'tflite'}\nHow to serve it:"
        f" {export_dir / 'SERVING.md'}"
    )
    return report
