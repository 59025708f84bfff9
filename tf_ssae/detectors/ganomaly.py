"""GANomaly: an auto-encoder trained against a discriminator, with a second encoder (Akcay et al.
2018, arXiv:1805.06725).
"""

from typing import Any

import keras
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors.adversarial import AdversarialDetector, from_tanh_range
from tf_ssae.detectors.base import Outputs
from tf_ssae.detectors.registry import register
from tf_ssae.networks.ganomaly import decoder, discriminator, encoder, reinitialise
from tf_ssae.ops import scores
from tf_ssae.ops.losses import binary_cross_entropy, mean_absolute_error, mean_squared_error

_W_ADV, _W_CON, _W_ENC = 1.0, 50.0, 1.0

# A discriminator with a loss below this gives no gradient: it is restarted.
_HOPELESS = 1e-5


@register("ganomaly")
class GANomaly(AdversarialDetector):
    """G = (G_E, G_D) maps x to z and to x^, second encoder E maps x^ to z^; an x is anomalous if z
    and z^ differ.
    """

    score_names = ("a_ganomaly",)
    reports = ("l_adv", "l_con", "l_enc", "l_d", "restarted")
    computes_in_bfloat16 = True
    # The paper's constants, made for tens of thousands of images; where there are hundreds, more
    # epochs.
    presets = {
        "": dict(learning_rate=2e-4, batch_size=64, latent_depth=100, epochs=15),
        "folder": dict(epochs=60),
    }

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        super().__init__(config, image_shape, **kwargs)
        size, channels, depth, self.seed = (
            config.image_size,
            image_shape[-1],
            config.latent_depth,
            keras.random.SeedGenerator(config.seed),
        )
        self.encoder = encoder(size, channels, depth, self.seed, name="encoder")
        self.decoder = decoder(size, depth, channels, self.seed)
        self.second_encoder = encoder(size, channels, depth, self.seed, name="second_encoder")
        self.discriminator = discriminator(size, channels, self.seed)

    def train_step(self, images: tf.Tensor) -> Outputs:
        """One step of G and E on 1 * MSE(f(x), f(x^)) + 50 * L1(x, x^) + 1 * MSE(z, z^), f the
        features of D; and one of D on the mean of its cross-entropies on x, which is real, and on
        x^, which is not.

        `images`: `[B, S, S, C]`. It reports, beside the losses, `restarted`: whether D was
        restarted after this step.
        """
        x = self.to_tanh_range(images)

        # D sees x and x^ once: both steps start from the same pass, and G's step does not touch D.
        with tf.GradientTape(persistent=True) as tape:
            z = self.encoder(x, training=True)
            reconstruction = self.decoder(z, training=True)
            # A second tensor, so that its three gradients are summed two by two: see
            # `losses.binary_cross_entropy`.
            same = tf.identity(reconstruction)
            z_reconstruction = self.second_encoder(same, training=True)
            logits, f = self.discriminator(x, training=True)
            logits_reconstruction, f_reconstruction = self.discriminator(
                reconstruction, training=True
            )

            l_adv = tf.reduce_mean(mean_squared_error(f, f_reconstruction))
            l_con = tf.reduce_mean(mean_absolute_error(x, same))
            l_enc = tf.reduce_mean(mean_squared_error(z, z_reconstruction))
            loss = _W_ADV * l_adv + _W_CON * l_con + _W_ENC * l_enc

            l_real = tf.reduce_mean(binary_cross_entropy(logits, 1))
            l_fake = tf.reduce_mean(binary_cross_entropy(logits_reconstruction, 0))
            l_d = (l_real + l_fake) / 2.0

        variables, d_variables = self.generator_variables, self.discriminator.trainable_variables
        gradients, d_gradients = tape.gradient(loss, variables), tape.gradient(l_d, d_variables)
        self.generator_optimizer.apply(gradients, variables)
        self.discriminator_optimizer.apply(d_gradients, d_variables)
        hopeless = l_d < _HOPELESS
        tf.cond(hopeless, lambda: reinitialise(self.discriminator), lambda: None)
        return self.report(
            loss=loss,
            l_adv=l_adv,
            l_con=l_con,
            l_enc=l_enc,
            l_d=l_d,
            restarted=tf.cast(hopeless, tf.float32),
        )

    def networks(self, images: tf.Tensor) -> Outputs:
        x = self.to_tanh_range(images)
        z = self.encoder(x, training=False)
        reconstruction = self.decoder(z, training=False)
        z_reconstruction = self.second_encoder(reconstruction, training=False)
        return {
            "a_ganomaly": scores.a_ganomaly(z, z_reconstruction, self.config.latent_error),
            "reconstruction": from_tanh_range(reconstruction),
        }
