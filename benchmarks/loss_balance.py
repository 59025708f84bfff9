"""How the two losses share encoder E1, under several settings: the evidence for the presets. No
anomaly is looked at.

    python benchmarks/loss_balance.py --dataset=mnist \
        --settings='reconstruction_reduction=mean,w_rec=100'
        --settings='reconstruction_reduction=sum,w_rec=100'

For each setting it trains on some of the split's normal training images and reports, on others: the
ratio of the gradients' norms on E1's weights, w_rec L_rec over w_cls L_cls (far from 1, one task
hardly shapes the shared encoder); the rotation accuracy; and the share of the pixels' variance that
reconstruction explains.
"""

import json

from absl import app, flags

import tf_ssae  # noqa: F401  (before TensorFlow: it decides what TensorFlow prints)

# isort: split
import numpy as np
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.data import pipeline, protocols, sources
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.ops.batched import joined
from tf_ssae.ops.losses import RECONSTRUCTION_LOSSES, rotation_cross_entropy
from tf_ssae.ops.rotations import rotate_stack, rotation_labels

_DATASET = flags.DEFINE_string("dataset", "mnist", "Data set.")
_ANOMALY = flags.DEFINE_integer("anomaly", 2, "The anomalous class, which is not used.")
_DATA_DIR = flags.DEFINE_string("data_dir", "", "As in train.py.")
_SETTINGS = flags.DEFINE_multi_string(
    "settings", [""], "Comma-separated name=value of Config fields; repeat the flag."
)
_EPOCHS = flags.DEFINE_integer("epochs", 5, "Epochs.")
_TRAIN = flags.DEFINE_integer("train_images", 6000, "Number of normal images to train on.")
_HELD_OUT = 1000


def parse(text):
    """`"w_rec=10,lambda_e=1"` as Config fields."""
    types = {name: type(value) for name, value in Config().to_dict().items()}
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name: types[name](value) for name, value in pairs}


def gradient_norms(detector, images):
    """The norms of the gradients on E1's weights of `w_rec L_rec` and of `w_cls L_cls`, over a
    batch `[B, S, S, C]`.
    """
    config, x = detector.config, detector.preprocess(images)
    x_rotated = rotate_stack(x)
    with tf.GradientTape(persistent=True) as tape:
        z = detector.encoder(x_rotated, training=True)
        loss = RECONSTRUCTION_LOSSES[config.reconstruction_reduction]
        l_rec = config.w_rec * tf.reduce_mean(loss(x, detector.decoder(z[: len(x)])))
        logits = detector.classify(
            z, detector.side_encoder(x_rotated, training=True), training=True
        )
        l_cls = config.w_cls * tf.reduce_mean(
            rotation_cross_entropy(rotation_labels(len(x)), logits)
        )
    weights = detector.encoder.trainable_variables
    return [float(tf.linalg.global_norm(tape.gradient(loss, weights))) for loss in (l_rec, l_cls)]


def balance(config, split):
    """A dict of the three figures, and of the gradients' ratio before training."""
    images, index = split.data.images, split.train.index
    held_out = index[_TRAIN.value : _TRAIN.value + _HELD_OUT]
    batches = list(pipeline.scoring_batches(images, held_out, 64))[:8]
    detector = registry.make(config, split.data.image_shape)

    def ratio():
        norms = np.mean([gradient_norms(detector, batch) for batch in batches], axis=0)
        return float(norms[0] / norms[1])

    before = ratio()
    training = pipeline.with_rotations(
        pipeline.training_batches(images, index[: _TRAIN.value], config), config
    )
    steps = pipeline.steps_per_epoch(_TRAIN.value, config)
    detector.fit(
        training.prefetch(2), epochs=config.epochs, steps_per_epoch=steps, shuffle=False, verbose=0
    )
    after = ratio()
    said = joined(map(detector.answers, pipeline.scoring_batches(images, held_out, 250)))
    answers, errors = said["rotation_probabilities"].argmax(2), said["a_rec"]
    originals = detector.preprocess(tf.constant(images[held_out])).numpy()
    variance = np.square(originals - originals.mean(0)).sum((1, 2, 3))
    return {
        "gradient_ratio_at_start": before,
        "gradient_ratio_at_end": after,
        "rotation_accuracy": float((answers == np.arange(4)).mean()),
        "variance_explained": float(1 - errors.mean() / variance.mean()),
    }


def main(argv):
    del argv
    common = dict(anomaly=_ANOMALY.value, data_dir=_DATA_DIR.value, epochs=_EPOCHS.value)
    config = preset(_DATASET.value, **common)
    split = protocols.split(sources.load(config, None), config)
    for text in _SETTINGS.value:
        result = balance(preset(_DATASET.value, **common, **parse(text)), split)
        print(
            f"{_DATASET.value}, {text or 'preset'}: "
            + json.dumps({k: round(v, 4) for k, v in result.items()}),
            flush=True,
        )


if __name__ == "__main__":
    app.run(main)
