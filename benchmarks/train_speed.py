"""Training speed in images a second: the step that train.py runs, beside plain Keras and PyTorch.

    python benchmarks/train_speed.py --dataset=mnist --rotations=sampled

Every alternative takes a step on a batch of random images of one shape (speed does not depend on
what they show), in turns (see `turns.py`). The limit is the speed of this machine's own matrix
product: how many images a second it would allow if the networks' multiplications were all there is.
PyTorch takes part if it is installed (see `pytorch_twin.py`).
"""

import importlib.util
import json
import math
import platform

import turns
from absl import app, flags

from tf_ssae.detectors.registry import preset

_DATASET = flags.DEFINE_enum(
    "dataset", "mnist", ["mnist", "fashion_mnist", "cifar10"], "Whose preset and image shape."
)
_DETECTOR = flags.DEFINE_string("detector", "ssae", "Method.")
_ROTATIONS = flags.DEFINE_enum(
    "rotations", "sampled", ["sampled", "all"], "Form of the rotation loss."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 0, "0: the preset's.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Size of the images that the networks see.")
_LATENT_DEPTH = flags.DEFINE_integer("latent_depth", 0, "0: the preset's.")
# For --help, which lists the flags of the program's own file.
flags.adopt_module_key_flags(turns)

IMAGE_SHAPES = {"mnist": (28, 28, 1), "fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
MATRIX = 2048
_STEPS = 3


def settings(**more):
    given = dict(batch_size=_BATCH_SIZE.value, latent_depth=_LATENT_DEPTH.value)
    given = {name: value for name, value in given.items() if value}
    return preset(
        _DATASET.value,
        detector=_DETECTOR.value,
        rotations=_ROTATIONS.value,
        image_size=_IMAGE_SIZE.value,
        **given,
        **more,
    )


def make_detector(config, plain=False):
    """Ready for training, on images of the data set's shape."""
    from plain_keras import make_plain

    from tf_ssae.detectors import registry

    return (make_plain if plain else registry.make)(config, IMAGE_SHAPES[config.dataset])


def random_batch(config):
    """A batch as `pipeline.with_rotations` makes it."""
    import numpy as np
    import tensorflow as tf

    from tf_ssae.data import pipeline

    images = np.random.default_rng(0).integers(
        0, 256, (config.batch_size, *IMAGE_SHAPES[config.dataset]), np.uint8
    )
    batches = tf.data.Dataset.from_tensors((tf.constant(0, tf.int64), tf.constant(images)))
    return next(iter(pipeline.with_rotations(batches, config)))


def keras_step(config, plain=False):
    import tensorflow as tf

    detector = make_detector(config, plain)
    step = tf.function(detector.train_step, jit_compile=config.jit_compile)
    batch = random_batch(config)
    if not detector.trained_on_rotations:
        batch = batch[0]
    return lambda: step(batch)["loss"].numpy()


def pytorch_step(memory_format):
    import torch
    from pytorch_twin import SSAE

    config = settings()
    channels = IMAGE_SHAPES[_DATASET.value][-1]
    model = SSAE(config, channels).to(memory_format=getattr(torch, memory_format))
    rotated = config.batch_size * (4 if config.rotations == "all" else 1)
    x, x_rotated = (
        torch.rand(count, channels, 32, 32).contiguous(memory_format=getattr(torch, memory_format))
        for count in (config.batch_size, rotated)
    )
    d = torch.arange(rotated) % 4
    return lambda: model.train_step(x, x_rotated, d)


def matrix_product():
    import tensorflow as tf

    matrix = tf.random.stateless_normal([MATRIX, MATRIX], seed=[0, 0])
    product = tf.function(lambda a: tf.reduce_max(a @ a))
    return lambda: product(matrix).numpy()


def multiply_adds(network):
    """Of one image or feature vector through the convolutions and dense layers of a Keras model."""
    import keras

    total = 0
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            # Every weight is used once at each position: of the output, or of a transposed
            # convolution's input.
            side = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
            total += math.prod(layer.kernel.shape) * math.prod(side.shape[1:-1])
    return total


def flops_an_image(rotations_of_e1, rotations_of_e2):
    """Of a forward pass of ssae: two for each multiply-add."""
    detector = make_detector(settings())
    e1, e2, d, c = (
        multiply_adds(network)
        for network in (
            detector.encoder,
            detector.side_encoder,
            detector.decoder,
            detector.classifier,
        )
    )
    return 2 * (rotations_of_e1 * e1 + rotations_of_e2 * (e2 + c) + d)


def pytorch_is_installed():
    return importlib.util.find_spec("torch") is not None


def report(title, seconds, images, limit):
    """Prints a table of the alternatives, and a line of JSON.

    Args:
        seconds: `{name: [rounds]}` of a call.
        images: of a call.
        limit: images a second that the matrix product's speed allows, or None.
    """
    import numpy as np

    speeds = {name: images / values for name, values in seconds.items()}
    fastest_pytorch = max(
        (name for name in speeds if "PyTorch" in name),
        key=lambda name: np.median(speeds[name]),
        default=None,
    )
    print(title)
    print(
        f"{'':34}{'images/s':>10}{'10% to 90%':>16}{'of the limit':>14}{'of the best PyTorch':>21}"
    )
    rows = {}
    for name, values in speeds.items():
        low, median, high = np.quantile(values, [0.1, 0.5, 0.9])
        share, ratio = f"{median / limit:.0%}" if limit else "", ""
        if fastest_pytorch:
            # Of the same rounds: what slowed one of them down slowed the other.
            ratio = f"{np.median(values / speeds[fastest_pytorch]):.2f}"
        print(f"{name:34}{median:10.0f}{f'{low:.0f} to {high:.0f}':>16}{share:>14}{ratio:>21}")
        rows[name] = {
            "images_per_second": round(median, 1),
            "p10": round(low, 1),
            "p90": round(high, 1),
        }
    print(
        json.dumps(
            {
                "title": title,
                "limit": limit and round(limit, 1),
                "machine": platform.machine(),
                "rows": rows,
            }
        )
    )


def main(argv):
    del argv
    name = _DETECTOR.value
    alternatives = {
        f"tf_ssae ({name})": lambda: keras_step(settings()),
        "Keras' own layers, XLA": lambda: keras_step(settings(jit_compile=True), plain=True),
        "Keras' own layers": lambda: keras_step(settings(), plain=True),
        "matrix product": matrix_product,
    }
    if name == "ssae" and _IMAGE_SIZE.value == 32 and pytorch_is_installed():
        alternatives["PyTorch, NCHW"] = lambda: pytorch_step("contiguous_format")
        alternatives["PyTorch, channels_last"] = lambda: pytorch_step("channels_last")
    seconds = turns.run(alternatives, _STEPS)

    import numpy as np

    gflops = 2 * MATRIX**3 / np.median(seconds.pop("matrix product")) / 1e9
    config = settings()
    limit = None
    if name == "ssae":
        # A step is three forward passes: forward, and the gradients of inputs and of weights.
        passes = (4, 4) if config.rotations == "all" else (2, 1)
        limit = gflops * 1e9 / (3 * flops_an_image(*passes))
    title = (
        f"Training {name}, {_DATASET.value} (a = {config.latent_depth},"
        f" {config.image_size}x{config.image_size}), batch {config.batch_size},"
        f" rotations={config.rotations}; matrix product {gflops:.0f} GFLOP/s"
    )
    report(title, seconds, config.batch_size, limit)


if __name__ == "__main__":
    app.run(main)
