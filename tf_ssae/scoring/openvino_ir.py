"""An OpenVINO IR that scores (see `export.openvino_ir`): an .xml file with its .bin beside it."""

import hashlib
import importlib.util
import os
import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def require() -> None:
    """Raises ValueError if OpenVINO is not installed."""
    if importlib.util.find_spec("openvino") is None:
        raise ValueError("OpenVINO is not installed: pip install 'tf_ssae[openvino]'.")


def digest(path: pathlib.Path) -> str:
    """The SHA-256 of both files, as hexadecimal digits. `path`: of the .xml."""
    files = path.read_bytes() + path.with_suffix(".bin").read_bytes()
    return hashlib.sha256(files).hexdigest()


class OpenVINOModel:
    """Scores images with an IR, on the CPU, in float32: OpenVINO would take bfloat16 by itself
    where the processor has it.
    """

    def __init__(self, path: str | os.PathLike[str], threads: int | None = None):
        """`path`: of the .xml. `threads`: how many it may use; None: all cores."""
        import openvino

        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads or 0}
        self._model = openvino.Core().compile_model(str(path), "CPU", settings)

    def __call__(self, images: "np.ndarray") -> dict[str, "np.ndarray"]:
        """uint8 `[N, S, S, C] -> {score name: float32 [N]}`."""
        return {output.any_name: value for output, value in self._model(images).items()}
