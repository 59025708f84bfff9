"""OURS: the self-supervised auto-encoder, chapter III."""

from typing import Any

import keras
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors.base import Outputs, accuracy
from tf_ssae.detectors.combined import CombinedDetector
from tf_ssae.detectors.registry import register
from tf_ssae.networks.classifier import classifier
from tf_ssae.networks.decoder import decoder
from tf_ssae.networks.encoder import encoder
from tf_ssae.ops import scores
from tf_ssae.ops.losses import RECONSTRUCTION_LOSSES, rotation_cross_entropy
from tf_ssae.ops.rotations import rotate_stack


@register("ssae")
class SSAE(CombinedDetector):
    """One encoder E1 for two tasks: with decoder D it reconstructs, beside E2 it feeds rotation
    classifier C.
    """

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
        self.decoder = decoder(size, config.latent_depth, channels, config.output_activation, seed)
        self.classifier = classifier(config.latent_depth + config.side_latent_depth, seed)

    def losses_of(self, batch: tuple[tf.Tensor, ...], training: bool) -> Outputs:
        images, rotated, d = batch
        x, x_rotated = self.preprocess(images), self.preprocess(rotated)
        count = x.shape[0]

        # E1 sees every image once a step, in one batch: its BatchNorm then has one set of
        # statistics, and D is trained on what it will get at test time.
        if self.config.rotations == "all":
            z1_rotated = self.encoder(x_rotated, training=training)
            z1 = z1_rotated[:count]
        else:
            z1_both = self.encoder(tf.concat([x, x_rotated], axis=0), training=training)
            z1, z1_rotated = z1_both[:count], z1_both[count:]

        # Eq. 3.7
        reconstruction = self.only_inside(images, self.decoder(z1), x)
        l_rec = tf.reduce_mean(
            RECONSTRUCTION_LOSSES[self.config.reconstruction_reduction](x, reconstruction)
        )
        # Eq. 3.8
        z2 = self.side_encoder(x_rotated, training=training)
        logits = self.classify(z1_rotated, z2, training=training)
        l_cls = tf.reduce_mean(rotation_cross_entropy(d, logits))
        # Eq. 3.10
        loss = self.config.w_cls * l_cls + self.config.w_rec * l_rec
        return {
            "loss": loss,
            "l_rec": l_rec,
            "l_cls": l_cls,
            "rotation_accuracy": accuracy(d, logits),
        }

    def classify(self, z1: tf.Tensor, z2: tf.Tensor, training: bool) -> tf.Tensor:
        """`C([z_E1 : z_E2])`: `[B, 1, 1, a_1]` and `[B, 1, 1, a_2] -> [B, 4]`, logits."""
        return self.classifier(
            tf.squeeze(tf.concat([z1, z2], axis=-1), axis=[1, 2]), training=training
        )

    def networks(self, images: tf.Tensor) -> Outputs:
        x = self.preprocess(images)
        x_rotated = rotate_stack(x)
        z1 = self.encoder(x_rotated, training=False)
        z2 = self.side_encoder(x_rotated, training=False)
        reconstruction = self.only_inside(images, self.decoder(z1[: tf.shape(x)[0]]), x)
        probabilities = scores.rotation_probabilities(self.classify(z1, z2, training=False))
        return {
            "a_rec": scores.a_rec(x, reconstruction),
            "a_cls": scores.a_cls(probabilities),
            "reconstruction": reconstruction,
            "rotation_probabilities": probabilities,
        }
