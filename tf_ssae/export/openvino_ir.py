"""A detector as an OpenVINO IR, for industrial PCs, whose processors are mostly Intel's."""

import pathlib
from collections.abc import Sequence

from tf_ssae.detectors.base import Detector
from tf_ssae.export import saved_model
from tf_ssae.export.preparation import preparation
from tf_ssae.scoring import description_file
from tf_ssae.scoring.openvino_ir import OpenVINOModel, digest, require
from tf_ssae.system import scratch

__all__ = ["require", "write"]


def write(detector: Detector, path: pathlib.Path, class_names: Sequence[str]) -> OpenVINOModel:
    """Writes `path`, an .xml file, in a folder of its own; beside it the .bin with the weights,
    float32, and a .json as that of `tflite.describe`. Returns what the files score.

    They take `images`, uint8 `[N, S, S, C]` of the size the detector was trained on, and return
    every score, float32 `[N]`, by name.
    """
    import openvino

    path.parent.mkdir()
    with scratch.temporary() as folder:
        saved_model.write_tiles(detector, str(folder))
        openvino.save_model(openvino.convert_model(str(folder)), path, compress_to_fp16=False)
    description_file.write(
        path.with_suffix(".json"),
        detector.description,
        digest(path),
        kind="openvino",
        input={"name": "images", "dtype": "uint8", "shape": [-1, *detector.image_shape]},
        class_names=list(class_names),
        normalisation=detector.normalisation(),
        preparation=preparation(detector.description),
    )
    return OpenVINOModel(path)
