"""Exported files against the trained model: the same images, the same scores? And how large, and how fast?"""

import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import tensorflow as tf
from scipy.stats import spearmanr

from tf_ssae.export import tflite
from tf_ssae.metrics import score_metrics

# The largest difference of a score, relative to the largest score; int8 is judged by what it does to the ranking.
RELATIVE_TOLERANCE = {"saved_model": 1e-4, "float32": 1e-4, "float16": 1e-2}
AP_LOSS_TOLERANCE = {"int8": 0.01}

_LATENCY_RUNS = 200
_THROUGHPUT_BATCH = 64
_THROUGHPUT_SECONDS = 2.0


def compare(expected, found, thresholds, found_thresholds, is_anomaly):
    """Two sets of scores over the same N images.

    Args:
        expected, found: `{score name: [N]}`, of the trained model and of the file.
        thresholds, found_thresholds: `{score name: float}`, likewise.
        is_anomaly: bool `[N]`.

    Returns:
        `{score name: dict}`: the largest difference, absolute and relative to the largest expected score; Spearman's
        correlation; AP and AUROC of both; the share of images whose decision differs.
    """
    result = {}
    for name, values in expected.items():
        difference = float(np.abs(found[name] - values).max())
        before, after = score_metrics(is_anomaly, values), score_metrics(is_anomaly, found[name])
        result[name] = {
            "largest_difference": difference,
            "largest_relative_difference": difference / float(np.abs(values).max()),
            "spearman": float(spearmanr(values, found[name]).statistic),
            "average_precision": after["average_precision"],
            "average_precision_of_the_model": before["average_precision"],
            "auroc": after["auroc"],
            "auroc_of_the_model": before["auroc"],
            "decisions_flipped": float(((values > thresholds[name]) != (found[name] > found_thresholds[name])).mean()),
        }
    return result


def violations(kind, comparison):
    """What is out of tolerance in a comparison of a file of this kind: a list of sentences, one a score."""
    sentences = []
    for name, row in comparison.items():
        if kind in RELATIVE_TOLERANCE and row["largest_relative_difference"] > RELATIVE_TOLERANCE[kind]:
            sentences.append(
                f"{kind}, output {name}: scores differ by up to {row['largest_relative_difference']:.2g} of the largest; "
                f"tolerated are {RELATIVE_TOLERANCE[kind]:g}."
            )
        loss = row["average_precision_of_the_model"] - row["average_precision"]
        if kind in AP_LOSS_TOLERANCE and loss > AP_LOSS_TOLERANCE[kind]:
            sentences.append(
                f"{kind}, output {name}: average precision falls by {loss:.4f}; tolerated are {AP_LOSS_TOLERANCE[kind]:g}."
            )
    return sentences


def timing(path, image_shape, threads):
    """Speed of a SavedModel folder or a `.tflite` file, in a process of its own with so many threads.

    Returns:
        A dict: `latency_ms` and `latency_p99_ms` of one image (of one batch, for a TFLite file of fixed batch size), and
        `images_per_second` in batches.
    """
    command = [sys.executable, "-m", "tf_ssae.export.parity", str(path), json.dumps(list(image_shape)), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"Timing {path} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def saved_model_scores(folder, images, batch_size=256):
    """`{score name: [N]}` of images `[N, S, S, C]` from a SavedModel's `serving_default`."""
    run = tf.saved_model.load(str(folder)).signatures["serving_default"]
    parts = [run(images=tf.constant(images[i : i + batch_size])) for i in range(0, len(images), batch_size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def size_in_bytes(path):
    """Of a file, or of all files in a folder."""
    path = pathlib.Path(path)
    return sum(p.stat().st_size for p in ([path] if path.is_file() else path.rglob("*")) if p.is_file())


def table(report):
    """The report as text for a terminal: one row a file and score, then one a file."""
    lines = [
        f"{report['test_images']} test images, {report['share']:.3f} of them anomalies. AP of the model in brackets.",
        f"{'file':12}{'score':8}{'largest difference':>20}{'relative':>10}{'Spearman':>10}{'AP':>17}{'AUROC':>8}{'flipped':>9}",
    ]
    for kind, entry in report["files"].items():
        for name, row in entry["scores"].items():
            both = f"{row['average_precision']:.4f} ({row['average_precision_of_the_model']:.4f})"
            lines.append(
                f"{kind:12}{name:8}{row['largest_difference']:20.2g}{row['largest_relative_difference']:10.1g}"
                f"{row['spearman']:10.5f}{both:>17}{row['auroc']:8.4f}{row['decisions_flipped']:9.2%}"
            )
    cores = report["threads"]
    lines.append(f"\n{'file':12}{'size':>10}{'1 image':>11}{'99th pct':>11}{'images/s, 1 thread':>20}{f'{cores} threads':>12}")
    for kind, entry in report["files"].items():
        one, many = entry["one_thread"], entry["all_threads"]
        lines.append(
            f"{kind:12}{entry['bytes'] / 1e6:7.2f} MB{one['latency_ms']:8.2f} ms{one['latency_p99_ms']:8.2f} ms"
            f"{one['images_per_second']:20.0f}{many['images_per_second']:12.0f}"
        )
    return "\n".join(lines)


def _measure(path, image_shape, threads):
    random = np.random.default_rng(0)
    if pathlib.Path(path).is_dir():
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        loaded = tf.saved_model.load(path)
        signature = loaded.signatures["serving_default"]

        def run(images):
            return {name: value.numpy() for name, value in signature(images=tf.constant(images)).items()}

        one, many = 1, _THROUGHPUT_BATCH
    else:
        run = tflite.Scorer(pathlib.Path(path).read_bytes(), threads)
        one = many = run.batch_size

    def seconds(images):
        start = time.perf_counter()
        run(images)
        return time.perf_counter() - start

    single = random.integers(0, 256, (one, *image_shape), np.uint8)
    batch = random.integers(0, 256, (many, *image_shape), np.uint8)
    for images in (single, single, batch, batch):
        run(images)
    latencies = [seconds(single) for _ in range(_LATENCY_RUNS)]
    spent, runs = 0.0, 0
    while spent < _THROUGHPUT_SECONDS:
        spent, runs = spent + seconds(batch), runs + 1
    return {
        "latency_ms": float(np.median(latencies) * 1e3),
        "latency_p99_ms": float(np.quantile(latencies, 0.99) * 1e3),
        "images_per_second": runs * many / spent,
    }


if __name__ == "__main__":
    path, image_shape, threads = sys.argv[1:]
    print(json.dumps(_measure(path, json.loads(image_shape), int(threads) or os.cpu_count())))
