"""Which ways to make an image square give its rotation away, whatever is in the image?

    python benchmarks/crop_honesty.py

Trains the rotation classifier on images twice as wide as high that look the same from every side
(smoothed noise), made square in four ways, and prints its accuracy on other such images. Accuracy
above chance, 0.25, comes from the way itself.
"""

import tf_ssae  # noqa: F401  (before TensorFlow: it decides what TensorFlow prints)

# isort: split
import numpy as np
import tensorflow as tf
from absl import app
from scipy.ndimage import gaussian_filter

from tf_ssae.data import pipeline
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.ops import tiles
from tf_ssae.ops.batched import joined

_HEIGHT, _WIDTH, _SIZE = 48, 96, 32
_TRAIN, _TEST, _EPOCHS = 1024, 256, 12


def noise(count):
    """uint8 `[count, H, W, 1]`, isotropic."""
    random = np.random.default_rng(0).normal(size=(count, _HEIGHT, _WIDTH))
    smooth = gaussian_filter(random, sigma=(0, 2, 2), mode="wrap")
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)[..., np.newaxis]


def tile(crop):
    return lambda images: tiles.cut(images, _SIZE, crop)[:, 0]


def squeezed(images):
    return tf.cast(tf.image.resize(images, [_SIZE, _SIZE], antialias=True), tf.uint8)


def letterboxed(images):
    return tf.cast(tf.image.resize_with_pad(images, _SIZE, _SIZE, antialias=True), tf.uint8)


WAYS = {
    "tiles": tile("tiles"),
    "centre": tile("centre"),
    "squeezed": squeezed,
    "letterboxed": letterboxed,
}


def accuracy(images):
    """On images that were not trained on."""
    config = preset("digits", detector="rotation", epochs=_EPOCHS, latent_depth=64)
    detector = registry.make(config, images.shape[1:])
    batches = pipeline.with_rotations(
        pipeline.training_batches(images, np.arange(_TRAIN), config), config
    )
    steps = pipeline.steps_per_epoch(_TRAIN, config)
    detector.fit(batches, epochs=_EPOCHS, steps_per_epoch=steps, shuffle=False, verbose=0)
    test = pipeline.scoring_batches(images, np.arange(_TRAIN, len(images)), 64)
    answers = joined(map(detector.answers, test))["rotation_probabilities"].argmax(2)
    return float((answers == np.arange(4)).mean())


def main(argv):
    images = tf.constant(noise(_TRAIN + _TEST))
    for name, way in WAYS.items():
        print(f"{name:12}{accuracy(way(images).numpy()):.3f}", flush=True)


if __name__ == "__main__":
    app.run(main)
