"""Training speed of a detector in images a second, for both forms of the rotation loss.

    python benchmarks/train_speed.py --detector=ssae --dataset=mnist

What is timed is the step that `train.py` runs, fed by the pipeline that feeds it there, on random images: speed does not
depend on what they show. Beside it stands the speed of this machine's own matrix product, the limit of any such
computation.
"""

import json
import time

from absl import app, flags

import tf_ssae  # noqa: F401  (before TensorFlow: it decides what TensorFlow prints)

# isort: split
import numpy as np
import tensorflow as tf

from tf_ssae import detectors, pipeline
from tf_ssae.config import preset

_DATASET = flags.DEFINE_enum(
    "dataset", "mnist", ["digits", "mnist", "fashion_mnist", "cifar10"], "Whose preset and image shape."
)
_DETECTOR = flags.DEFINE_enum("detector", "ssae", sorted(detectors.DETECTORS), "Method.")
_STEPS = flags.DEFINE_integer("steps", 40, "Timed steps of each form, after the first two.")

_IMAGE_SHAPES = {"digits": (8, 8, 1), "mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}


def seconds_a_step(config, image_shape, steps):
    """The seconds of every timed step."""
    images = np.random.default_rng(0).integers(0, 256, (1024, *image_shape), np.uint8)
    detector = detectors.make(config, image_shape)
    batches = pipeline.training_batches(tf.constant(images), np.arange(len(images)), config)
    if detector.trained_on_rotations:
        batches = pipeline.with_rotations(batches, config)
    else:
        batches = batches.map(lambda step, x: x)
    step = tf.function(detector.train_step, jit_compile=True)
    seconds = []
    for batch in batches.prefetch(tf.data.AUTOTUNE).take(steps + 2):
        start = time.perf_counter()
        step(batch)["loss"].numpy()
        seconds.append(time.perf_counter() - start)
    return seconds[2:]


def matrix_product_gflops(size=2048):
    """The best of five products of two square matrices, in GFLOP/s."""
    matrix = tf.random.stateless_normal([size, size], seed=[0, 0])
    product = tf.function(lambda a: a @ a, jit_compile=True)
    product(matrix)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        product(matrix).numpy()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def main(argv):
    del argv
    rows = []
    for rotations in ("sampled", "all"):
        # Enough epochs of 1,024 images for every step.
        config = preset(_DATASET.value, detector=_DETECTOR.value, rotations=rotations, epochs=1000)
        seconds = seconds_a_step(config, _IMAGE_SHAPES[_DATASET.value], _STEPS.value)
        speeds = config.batch_size / np.quantile(seconds, [0.9, 0.5, 0.1])
        rows.append({"rotations": rotations, "images_per_second": dict(zip(("p10", "median", "p90"), speeds.round(1)))})
        print(
            f"{_DETECTOR.value}, {_DATASET.value}, batch {config.batch_size}, rotations={rotations}: "
            f"{speeds[1]:.0f} images a second (80% of the steps: {speeds[0]:.0f} to {speeds[2]:.0f})"
        )
    gflops = matrix_product_gflops()
    print(f"Matrix product on this machine: {gflops:.0f} GFLOP/s")
    print(json.dumps({"matrix_product_gflops": round(gflops, 1), "rows": rows}))


if __name__ == "__main__":
    app.run(main)
