"""Training speed in images per second: the step of train.py, beside plain Keras and PyTorch.

    python benchmarks/train_speed.py --dataset=mnist --rotations=sampled

Every alternative takes a step on a batch of random images of one shape (speed does not depend on
what they show), in turns (see `turns.py`). The limit is the speed of this machine's own matrix
product: the images per second it would allow if the networks' multiplications were all there is.
PyTorch takes part if it is installed (see `pytorch_twin.py`), eager and compiled, in float32 and
with bfloat16 autocast. Ratios are within one precision, then across; there are none if the machine
was disturbed (see `speeds.py`).
"""

import functools
import importlib.util
import math
import shutil

import turns
from absl import app, flags
from speeds import PRECISIONS, matrix_products, report

from tf_ssae.detectors.registry import preset

_DATASET = flags.DEFINE_enum(
    "dataset",
    "mnist",
    ["mnist", "fashion_mnist", "cifar10"],
    "Data set whose preset and image shape are taken.",
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


def ours(precision):
    return keras_step(settings(precision=precision))


def keras_step(config, plain=False):
    import tensorflow as tf

    detector = make_detector(config, plain)
    step = tf.function(detector.train_step, jit_compile=config.jit_compile)
    batch = random_batch(config)
    if not detector.trained_on_rotations:
        batch = batch[0]
    return lambda: step(batch)["loss"].numpy()


def pytorch_alternatives(make):
    """`{name: make}` of PyTorch's forms, none of them where it is not installed; says what is left
    out.

    `make`: a function of a memory format, a precision and whether to compile.
    """
    if not (_DETECTOR.value == "ssae" and _IMAGE_SIZE.value == 32):
        return {}
    if importlib.util.find_spec("torch") is None:
        turns.say("PyTorch is not installed: left out.")
        return {}
    forms = [
        ("PyTorch, NCHW", "contiguous_format", False),
        ("PyTorch, channels_last", "channels_last", False),
    ]
    if shutil.which("c++") or shutil.which("g++"):
        forms.append(("PyTorch, channels_last, compiled", "channels_last", True))
    else:
        turns.say("torch.compile needs a C++ compiler, and there is none: left out.")
    return {
        f"{name}, {precision}": functools.partial(make, memory_format, precision, compiled)
        for name, memory_format, compiled in forms
        for precision in PRECISIONS
        # As someone would who wants it fast.
        if precision == "float32" or memory_format == "channels_last"
    }


def pytorch_step(memory_format, precision, compiled):
    import torch
    from pytorch_twin import SSAE

    config = settings()
    channels = IMAGE_SHAPES[_DATASET.value][-1]
    memory_format = getattr(torch, memory_format)
    model = SSAE(config, channels, precision).to(memory_format=memory_format)
    if compiled:
        model.losses = torch.compile(model.losses)
    rotated = config.batch_size * (4 if config.rotations == "all" else 1)
    x, x_rotated = (
        torch.rand(count, channels, 32, 32).contiguous(memory_format=memory_format)
        for count in (config.batch_size, rotated)
    )
    d = torch.arange(rotated) % 4
    return lambda: model.train_step(x, x_rotated, d)


def multiply_adds(network):
    """Multiply-adds per image or feature vector in the layers with a kernel of a Keras model."""
    import keras

    total = 0
    for layer in network.layers:
        if hasattr(layer, "kernel"):
            # Every weight is used once at each position: of the output, or of a transposed
            # convolution's input.
            side = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
            total += math.prod(layer.kernel.shape) * math.prod(side.shape[1:-1])
    return total


def flops_per_image(rotations_of_e1, rotations_of_e2):
    """FLOPs of a forward pass of ssae: two for each multiply-add."""
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


def main(argv):
    del argv
    name = _DETECTOR.value
    alternatives = {
        **{
            f"tf_ssae ({name}), {precision}": functools.partial(ours, precision)
            for precision in PRECISIONS
        },
        "Keras' own layers, XLA, float32": lambda: keras_step(
            settings(jit_compile=True), plain=True
        ),
        "Keras' own layers, float32": lambda: keras_step(settings(), plain=True),
        **matrix_products(),
        **pytorch_alternatives(pytorch_step),
    }
    seconds = turns.run(alternatives, _STEPS)

    config = settings()
    flops = None
    if name == "ssae":
        # A step is three forward passes: forward, and the gradients of inputs and of weights.
        passes = (4, 4) if config.rotations == "all" else (2, 1)
        flops = 3 * flops_per_image(*passes)
    title = (
        f"Training {name}, {_DATASET.value} (a = {config.latent_depth},"
        f" {config.image_size}x{config.image_size}), batch {config.batch_size},"
        f" rotations={config.rotations}"
    )
    report(title, seconds, config.batch_size, flops)


if __name__ == "__main__":
    app.run(main)
