"""How the time of a training step and of scoring grows with the batch, the images' size, the latent
depth and the data.

    python benchmarks/growth.py

One setting at a time is changed from the preset of MNIST, `ssae`; everything is timed in turns (see
`turns.py`).
"""

import json

import turns
from absl import app, flags

from tf_ssae.detectors.registry import preset

_BATCH_SIZES = (16, 32, 64, 128, 256)
_IMAGE_SIZES = (32, 64, 128)
_LATENT_DEPTHS = (16, 64, 200)
_IMAGES = (1_000, 100_000)
_SCORED = 256
# For --help, which lists the flags of the program's own file.
flags.adopt_module_key_flags(turns)


def training_step(**settings):
    from train_speed import keras_step

    return keras_step(preset("mnist", **settings))


def scoring(**settings):
    """One batch, from an array to arrays."""
    import numpy as np
    import tensorflow as tf
    from train_speed import IMAGE_SHAPES, make_detector

    detector = make_detector(preset("mnist", **settings))
    images = np.random.default_rng(0).integers(0, 256, (_SCORED, *IMAGE_SHAPES["mnist"]), np.uint8)
    score = tf.function(detector)
    return lambda: [values.numpy() for values in score(images).values()]


def step_of_many_images(count):
    """A step as train.py takes it, through the pipeline, out of so many images in memory."""
    import numpy as np
    import tensorflow as tf
    from train_speed import IMAGE_SHAPES, make_detector

    from tf_ssae.data import pipeline

    config = preset("mnist", epochs=1000)
    images = np.random.default_rng(0).integers(0, 256, (count, *IMAGE_SHAPES["mnist"]), np.uint8)
    batches = pipeline.with_rotations(
        pipeline.training_batches(images, np.arange(count), config), config
    )
    batches, step = (
        iter(batches.prefetch(tf.data.AUTOTUNE)),
        tf.function(make_detector(config).train_step),
    )
    return lambda: step(next(batches))["loss"].numpy()


def main(argv):
    del argv
    default = preset("mnist")
    # What is timed: the title of a group, the value that sets a row apart, the images of a call,
    # and how to prepare it.
    rows = [
        *(
            ("training step, batch", size, size, _with(training_step, batch_size=size))
            for size in _BATCH_SIZES
        ),
        *(
            ("training step, size", size, default.batch_size, _with(training_step, image_size=size))
            for size in _IMAGE_SIZES
        ),
        *(
            ("training step, a", a, default.batch_size, _with(training_step, latent_depth=a))
            for a in _LATENT_DEPTHS
        ),
        *(
            (
                "training step out of images",
                n,
                default.batch_size,
                lambda n=n: step_of_many_images(n),
            )
            for n in _IMAGES
        ),
        *(
            (f"scoring {_SCORED}, size", size, _SCORED, _with(scoring, image_size=size))
            for size in _IMAGE_SIZES
        ),
        *(
            (f"scoring {_SCORED}, a", a, _SCORED, _with(scoring, latent_depth=a))
            for a in _LATENT_DEPTHS
        ),
    ]
    seconds = turns.run({f"{group} {value}": make for group, value, _, make in rows}, calls=1)

    import numpy as np

    print(f"{'':36}{'ms a call':>12}{'10% to 90%':>16}{'images/s':>12}")
    for group, value, images, _ in rows:
        name = f"{group} {value}"
        low, median, high = np.quantile(seconds[name], [0.1, 0.5, 0.9]) * 1e3
        print(
            f"{f'{group} {value:,}':36}{median:12.0f}{f'{low:.0f} to {high:.0f}':>16}"
            f"{images / median * 1e3:12.0f}"
        )
    print(
        json.dumps(
            {name: round(float(np.median(values)) * 1e3, 2) for name, values in seconds.items()}
        )
    )


def _with(make, **settings):
    return lambda: make(**settings)


if __name__ == "__main__":
    app.run(main)
