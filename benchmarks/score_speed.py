"""Scoring speed in images per second, all four scores: ours, beside a plain keras.Model.predict,
PyTorch and OpenVINO.

    python benchmarks/score_speed.py --dataset=mnist

Takes the flags of `train_speed.py`, has its ratios and its limit: what the matrix product's speed
would allow. OpenVINO takes part if it is installed; it runs what `tf-ssae export` writes for it.
"""

import functools
import importlib.util
import tempfile

import train_speed
import turns
from absl import app, flags
from speeds import PRECISIONS, matrix_products, report
from train_speed import (
    IMAGE_SHAPES,
    flops_per_image,
    make_detector,
    pytorch_alternatives,
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


def ours(precision):
    """The batches one by one, as `tf_ssae.scoring` takes them, from arrays to arrays."""
    import numpy as np
    import tensorflow as tf

    detector = make_detector(settings(precision=precision))
    detector.finish_training()
    batches = np.split(images(), _BATCHES)
    score = tf.function(lambda batch: detector(batch))
    return lambda: [[values.numpy() for values in score(batch).values()] for batch in batches]


def predict(jit_compile, batch_size):
    """One call for all images. (It keeps them and their scores in memory.)"""
    detector, batch = make_detector(settings(jit_compile=jit_compile), plain=True), images()
    return lambda: detector.predict(batch, batch_size=batch_size, verbose=0)


def pytorch(memory_format, precision, compiled):
    import torch
    from pytorch_twin import SSAE

    channels, memory_format = IMAGE_SHAPES[flags.FLAGS.dataset][-1], getattr(torch, memory_format)
    model = SSAE(settings(), channels, precision).to(memory_format=memory_format).eval()
    scores = torch.compile(model.scores) if compiled else model.scores
    x = torch.rand(_SCORING_BATCH_SIZE.value, channels, 32, 32).contiguous(
        memory_format=memory_format
    )
    return lambda: [
        [values.numpy() for values in scores(x, memory_format)] for _ in range(_BATCHES)
    ]


def openvino_alternatives():
    if importlib.util.find_spec("openvino") is None:
        turns.say("OpenVINO is not installed: left out.")
        return {}
    return {f"OpenVINO, {p}": functools.partial(openvino, p) for p in PRECISIONS}


def openvino(precision):
    """What an export writes for it. Left to itself, OpenVINO takes bfloat16 where it can."""
    import numpy as np
    from openvino import Core, convert_model

    from tf_ssae.export import saved_model

    detector = make_detector(settings())
    detector.finish_training()
    with tempfile.TemporaryDirectory() as folder:
        saved_model.write_tiles(detector, folder)
        hint = {"float32": "f32", "bfloat16": "bf16"}[precision]
        model = Core().compile_model(
            convert_model(folder), "CPU", {"INFERENCE_PRECISION_HINT": hint}
        )
    batches = np.split(images(), _BATCHES)
    return lambda: [[value.copy() for value in model(batch).values()] for batch in batches]


def main(argv):
    del argv
    alternatives = {
        **{f"tf_ssae, {p}": functools.partial(ours, p) for p in PRECISIONS},
        # Keras' defaults: batches of 32, and XLA.
        "predict, plain Keras, float32": lambda: predict(jit_compile=True, batch_size=32),
        "predict, plain Keras, large batch, float32": lambda: predict(
            jit_compile=False, batch_size=_SCORING_BATCH_SIZE.value
        ),
        **matrix_products(),
        **pytorch_alternatives(pytorch),
        **openvino_alternatives(),
    }
    seconds = turns.run(alternatives, calls=1)

    config, batch_size = settings(), _SCORING_BATCH_SIZE.value
    title = (
        f"Scoring, {config.detector}, {config.dataset} (a = {config.latent_depth},"
        f" {config.image_size}x{config.image_size}), {batch_size} images at once"
    )
    flops = flops_per_image(4, 4) if config.detector == "ssae" else None
    report(title, seconds, _BATCHES * batch_size, flops)


if __name__ == "__main__":
    app.run(main)
