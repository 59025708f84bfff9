"""How large an exported file is, and how fast it scores on this machine."""

import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tf_ssae.scoring import saved_model
from tf_ssae.scoring.openvino_ir import OpenVINOModel
from tf_ssae.scoring.tflite import TFLiteModel

_LATENCY_RUNS = 100
_THROUGHPUT_BATCH = 64
_THROUGHPUT_SECONDS = 1.0


def size(path: str | pathlib.Path) -> int:
    """Bytes of a `.tflite` file, of an OpenVINO IR, given as its .xml, or of the SavedModel in a
    folder, without other files there.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        files = [path / "saved_model.pb", *(path / "variables").iterdir()]
    else:
        files = [path, *([path.with_suffix(".bin")] if path.suffix == ".xml" else [])]
    return sum(file.stat().st_size for file in files)


def of_tflite(data: bytes) -> dict[str, Any]:
    """The speed of a TFLite file, given as bytes.

    Returns:
        A dict: `latency_ms` and `latency_p99_ms` of one batch on one thread, median and 99th
        percentile; and `images_per_second`, `{threads: float}`, on one thread and on all cores.
    """
    models = {threads: TFLiteModel(data, threads) for threads in _thread_counts()}
    batch = _noise([models[1].batch_size, *models[1].image_shape])
    return {
        **_latency(models[1], batch),
        "images_per_second": {
            str(threads): _throughput(model, batch) for threads, model in models.items()
        },
    }


def of_openvino(path: pathlib.Path, image_shape: tuple[int, ...]) -> dict[str, Any]:
    """As `of_saved_model`, for an OpenVINO IR."""
    models = {threads: OpenVINOModel(path, threads) for threads in _thread_counts()}
    batch = _noise([_THROUGHPUT_BATCH, *image_shape])
    return {
        **_latency(models[1], batch[:1]),
        "images_per_second": {
            str(threads): _throughput(model, batch) for threads, model in models.items()
        },
    }


def of_saved_model(folder: pathlib.Path, image_shape: tuple[int, ...]) -> dict[str, Any]:
    """As `of_tflite`, for a SavedModel: the latency of one image, and images per second in batches
    of 64.
    """
    measured = {}
    # TensorFlow's number of threads cannot be changed while it runs: one process for each.
    for threads in _thread_counts():
        program = "from tf_ssae.export import timing; timing.print_saved_model()"
        command = [
            sys.executable,
            "-P",
            "-c",
            program,
            str(folder),
            json.dumps(list(image_shape)),
            str(threads),
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise RuntimeError(f"Timing {folder} failed:\n{done.stderr}")
        measured[threads] = json.loads(done.stdout.splitlines()[-1])
    throughput = {
        str(threads): values.pop("images_per_second") for threads, values in measured.items()
    }
    return {**measured[1], "images_per_second": throughput}


def print_saved_model() -> None:
    """Run by the processes of `of_saved_model`."""
    import tensorflow as tf

    folder, image_shape, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3])
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    score, _ = saved_model.load(folder)
    values = _latency(score, _noise([1, *image_shape]))
    values["images_per_second"] = _throughput(score, _noise([_THROUGHPUT_BATCH, *image_shape]))
    print(json.dumps(values))


def _thread_counts() -> list[int]:
    return sorted({1, os.cpu_count() or 1})


def _noise(shape: Sequence[int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _latency(score: Callable, images: np.ndarray) -> dict[str, float]:
    _seconds(score, images)
    seconds = [_seconds(score, images) for _ in range(_LATENCY_RUNS)]
    return {
        "latency_ms": round(1e3 * float(np.median(seconds)), 3),
        "latency_p99_ms": round(1e3 * float(np.quantile(seconds, 0.99)), 3),
    }


def _throughput(score: Callable, images: np.ndarray) -> float:
    _seconds(score, images)
    spent, runs = 0.0, 0
    while spent < _THROUGHPUT_SECONDS:
        spent, runs = spent + _seconds(score, images), runs + 1
    return round(runs * len(images) / spent, 1)


def _seconds(score: Callable, images: np.ndarray) -> float:
    start = time.perf_counter()
    score(images)
    return time.perf_counter() - start
