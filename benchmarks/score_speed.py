"""Scoring speed in images a second, all four scores: ours, beside a plain keras.Model.predict and
PyTorch.

    python benchmarks/score_speed.py --dataset=mnist

Takes the flags of `train_speed.py`, and its limit: what the matrix product's speed would allow.
"""

import train_speed
import turns
from absl import app, flags
from train_speed import (
    IMAGE_SHAPES,
    MATRIX,
    flops_an_image,
    make_detector,
    matrix_product,
    pytorch_is_installed,
    report,
    settings,
)

_SCORING_BATCH_SIZE = flags.DEFINE_integer("scoring_batch_size", 256, "Images scored at once.")
# For --help, which lists the flags of the program's own file.
flags.adopt_module_key_flags(train_speed)
_BATCHES = 4


def images():
    import numpy as np

    shape = IMAGE_SHAPES[flags.FLAGS.dataset]
    return np.random.default_rng(0).integers(
        0, 256, (_BATCHES * _SCORING_BATCH_SIZE.value, *shape), np.uint8
    )


def ours():
    """The batches one by one, as `tf_ssae.scoring` takes them, from arrays to arrays."""
    import numpy as np
    import tensorflow as tf

    detector, batches = make_detector(settings()), np.split(images(), _BATCHES)
    score = tf.function(lambda batch: detector(batch))
    return lambda: [[values.numpy() for values in score(batch).values()] for batch in batches]


def predict(jit_compile, batch_size):
    """One call for all images. (It keeps them and their scores in memory.)"""
    detector, batch = make_detector(settings(jit_compile=jit_compile), plain=True), images()
    return lambda: detector.predict(batch, batch_size=batch_size, verbose=0)


def pytorch(memory_format):
    import torch
    from pytorch_twin import SSAE

    channels, memory_format = IMAGE_SHAPES[flags.FLAGS.dataset][-1], getattr(torch, memory_format)
    model = SSAE(settings(), channels).to(memory_format=memory_format).eval()
    x = torch.rand(_SCORING_BATCH_SIZE.value, channels, 32, 32).contiguous(
        memory_format=memory_format
    )
    return lambda: [
        [values.numpy() for values in model.scores(x, memory_format)] for _ in range(_BATCHES)
    ]


def main(argv):
    del argv
    alternatives = {
        "tf_ssae": ours,
        # Keras' defaults: batches of 32, and XLA.
        "predict, plain Keras": lambda: predict(jit_compile=True, batch_size=32),
        "predict, plain Keras, large batch": lambda: predict(
            jit_compile=False, batch_size=_SCORING_BATCH_SIZE.value
        ),
        "matrix product": matrix_product,
    }
    is_ssae = flags.FLAGS.detector == "ssae"
    if is_ssae and flags.FLAGS.image_size == 32 and pytorch_is_installed():
        alternatives["PyTorch, NCHW"] = lambda: pytorch("contiguous_format")
        alternatives["PyTorch, channels_last"] = lambda: pytorch("channels_last")
    seconds = turns.run(alternatives, calls=1)

    import numpy as np

    gflops = 2 * MATRIX**3 / np.median(seconds.pop("matrix product")) / 1e9
    config, batch_size = settings(), _SCORING_BATCH_SIZE.value
    title = (
        f"Scoring, {config.detector}, {config.dataset} (a = {config.latent_depth},"
        f" {config.image_size}x{config.image_size}), {batch_size} images at once; matrix product"
        f" {gflops:.0f} GFLOP/s"
    )
    report(
        title,
        seconds,
        _BATCHES * batch_size,
        gflops * 1e9 / flops_an_image(4, 4) if is_ssae else None,
    )


if __name__ == "__main__":
    app.run(main)
