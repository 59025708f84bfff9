"""Rotation: encoders E1 and E2 and classifier C alone; a base model in table 5.1."""

from typing import Any

import keras
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors.base import Detector, Outputs, accuracy
from tf_ssae.detectors.registry import register
from tf_ssae.networks.classifier import classifier
from tf_ssae.networks.encoder import encoder
from tf_ssae.ops import scores
from tf_ssae.ops.losses import rotation_cross_entropy
from tf_ssae.ops.rotations import rotate_stack


@register("rotation")
class Rotation(Detector):
    """Trained on Eq. 3.8, scored by Eq. 3.11."""

    score_names = ("a_cls",)
    reports = ("l_cls", "rotation_accuracy")
    classifies_rotations = True
    trained_on_rotations = True
    computes_in_bfloat16 = True
    trains_in_replicas = True

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        super().__init__(config, image_shape, **kwargs)
        size, channels, seed = (
            config.image_size,
            image_shape[-1],
            keras.random.SeedGenerator(config.seed),
        )
        self.encoder = encoder(size, channels, config.latent_depth, seed, name="encoder")
        self.side_encoder = encoder(
            size, channels, config.side_latent_depth, seed, name="side_encoder"
        )
        self.classifier = classifier(config.latent_depth + config.side_latent_depth, seed)

    def losses_of(self, batch: tuple[tf.Tensor, ...], training: bool) -> Outputs:
        _, x_rotated, d = batch
        l_cls, rotation_accuracy = self.loss_cls(x_rotated, d, training)
        loss = self.config.w_cls * l_cls
        return {"loss": loss, "l_cls": l_cls, "rotation_accuracy": rotation_accuracy}

    def loss_cls(
        self, rotated_images: tf.Tensor, d: tf.Tensor, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Eq. 3.8 and the accuracy over rotated images `[N, S, S, C]` and their rotations `[N]`."""
        logits = self.classify(self.preprocess(rotated_images), training=training)
        return tf.reduce_mean(rotation_cross_entropy(d, logits)), accuracy(d, logits)

    def classify(self, x: tf.Tensor, training: bool) -> tf.Tensor:
        """`C([E1(x) : E2(x)])`: `[B, T, T, C] -> [B, 4]`, logits."""
        z = tf.concat(
            [self.encoder(x, training=training), self.side_encoder(x, training=training)], axis=-1
        )
        return self.classifier(tf.squeeze(z, axis=[1, 2]), training=training)

    def networks(self, images: tf.Tensor) -> Outputs:
        logits = self.classify(rotate_stack(self.preprocess(images)), training=False)
        probabilities = scores.rotation_probabilities(logits)
        return {"a_cls": scores.a_cls(probabilities), "rotation_probabilities": probabilities}
