"""EGBAD: a BiGAN whose encoder finds an image's code (Zenati et al. 2018, arXiv:1802.06222)."""

from typing import Any

import keras
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors.adversarial import AdversarialDetector, from_tanh_range
from tf_ssae.detectors.base import Outputs
from tf_ssae.detectors.registry import register
from tf_ssae.detectors.weight_average import WeightAverage
from tf_ssae.networks.egbad import IMAGE_SIZE, discriminator, encoder, generator
from tf_ssae.ops import scores
from tf_ssae.ops.losses import binary_cross_entropy

_AVERAGE_MOMENTUM = 0.999

# Images `[B, 32, 32, C]` and latents `[B, A]`.
Pairs = tuple[tf.Tensor, tf.Tensor]


@register("egbad")
class EGBAD(AdversarialDetector):
    """D learns to tell pairs (x, E(x)) from pairs (G(z), z); E and G learn to make them alike, and
    so to invert each other.
    """

    score_names = ("a_egbad",)
    reports = ("l_d", "l_g", "l_e")
    computes_in_bfloat16 = True
    # The paper's constants, except the learning rate, which is the thesis' "for all experiments"
    # (section 5.2): with that of the paper and its authors' code, 1e-5, the thesis' 25 epochs
    # undertrain it. They are made for tens of thousands of images: where there are hundreds, steps
    # are larger or more.
    presets = {
        "": dict(learning_rate=1e-4, batch_size=100, latent_depth=200),
        "digits": dict(learning_rate=2e-4, batch_size=32),
        "folder": dict(learning_rate=2e-4, batch_size=32, image_size=32),
    }

    @classmethod
    def check_settings(cls, config: Config) -> None:
        super().check_settings(config)
        if config.image_size != IMAGE_SIZE:
            raise ValueError(f"image_size={config.image_size}: expected {IMAGE_SIZE} for egbad.")

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        super().__init__(config, image_shape, **kwargs)
        channels, self.seed = image_shape[-1], keras.random.SeedGenerator(config.seed)
        self.encoder = encoder(channels, config.latent_depth, self.seed)
        self.generator = generator(config.latent_depth, channels, self.seed)
        self.discriminator = discriminator(channels, config.latent_depth, self.seed)

    def compile_from_settings(self) -> None:
        super().compile_from_settings()
        self.average = WeightAverage(self.trainable_variables, _AVERAGE_MOMENTUM)

    def train_step(self, images: tf.Tensor) -> Outputs:
        """One step of D on -log D(x, E(x)) - log(1 - D(G(z), z)), z from N(0, I); and one of G on
        -log D(G(z), z) and of E on -log(1 - D(x, E(x))).

        `images`: `[B, S, S, C]`.
        """
        x = self.to_tanh_range(images)
        z = keras.random.normal([x.shape[0], self.config.latent_depth], seed=self.seed)

        with tf.GradientTape() as tape:
            encoded, generated = self.encoder(x, training=True), self.generator(z, training=True)
            # D's step does not change E and G, so one pass through them serves both steps.
            with tape.stop_recording():
                l_d = self.discriminator_step((x, encoded), (generated, z))
            l_g = self.loss_of_pairs((generated, z), 1)
            l_e = self.loss_of_pairs((x, encoded), 0)
            # No variable has a gradient from both terms, and Adam treats every variable alone: one
            # step on the sum is the paper's step of G and its step of E.
            loss = l_g + l_e
        variables = self.generator_variables
        self.generator_optimizer.apply(tape.gradient(loss, variables), variables)
        self.average.update(self.trainable_variables, self.generator_optimizer.iterations)
        return self.report(loss=loss, l_d=l_d, l_g=l_g, l_e=l_e)

    def discriminator_step(self, encoded_pairs: Pairs, generated_pairs: Pairs) -> tf.Tensor:
        """Trains D on pairs (x, E(x)) and (G(z), z), `([B, 32, 32, C], [B, A])` each, and returns
        its loss before the step.
        """
        with tf.GradientTape() as tape:
            l_d = self.loss_of_pairs(encoded_pairs, 1) + self.loss_of_pairs(generated_pairs, 0)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(l_d, variables), variables)
        return l_d

    def loss_of_pairs(self, pairs: Pairs, label: int) -> tf.Tensor:
        """The mean cross-entropy of D in training mode, if all of these pairs should be `label`: 1,
        encoded; 0, generated.
        """
        logits, _ = self.discriminator(pairs, training=True)
        return tf.reduce_mean(binary_cross_entropy(logits, label))

    def finish_training(self) -> None:
        """Scores are those of the averaged weights."""
        self.average.assign_to(self.trainable_variables)
        super().finish_training()

    def networks(self, images: tf.Tensor) -> Outputs:
        x = self.to_tanh_range(images)
        z = self.encoder(x, training=False)
        reconstruction = self.generator(z, training=False)
        _, f = self.discriminator([x, z], training=False)
        _, f_reconstruction = self.discriminator([reconstruction, z], training=False)
        return {
            "a_egbad": scores.a_egbad(x, reconstruction, f, f_reconstruction),
            "reconstruction": from_tanh_range(reconstruction),
        }
