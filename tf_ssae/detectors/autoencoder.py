"""AE: encoder E1 and decoder D alone; a base model in table 5.1."""

from typing import Any

import keras
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors.base import Detector, Outputs
from tf_ssae.detectors.registry import register
from tf_ssae.networks.decoder import decoder
from tf_ssae.networks.encoder import encoder
from tf_ssae.ops import scores
from tf_ssae.ops.losses import RECONSTRUCTION_LOSSES


@register("autoencoder")
class Autoencoder(Detector):
    """Trained on Eq. 3.7, scored by it."""

    score_names = ("a_rec",)
    reports = ("l_rec",)
    reconstructs = True
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
        self.decoder = decoder(size, config.latent_depth, channels, config.output_activation, seed)

    def losses_of(self, x: tf.Tensor, training: bool) -> Outputs:
        l_rec = self.loss_rec(x, training)
        return {"loss": self.config.w_rec * l_rec, "l_rec": l_rec}

    def loss_rec(self, images: tf.Tensor, training: bool) -> tf.Tensor:
        """Eq. 3.7, averaged over images `[B, S, S, C]`."""
        x = self.preprocess(images)
        rebuilt = self.decoder(self.encoder(x, training=training))
        reconstruction = self.only_inside(images, rebuilt, x)
        return tf.reduce_mean(
            RECONSTRUCTION_LOSSES[self.config.reconstruction_reduction](x, reconstruction)
        )

    def networks(self, images: tf.Tensor) -> Outputs:
        x = self.preprocess(images)
        reconstruction = self.only_inside(images, self.decoder(self.encoder(x, training=False)), x)
        return {"a_rec": scores.a_rec(x, reconstruction), "reconstruction": reconstruction}
