"""What the GANs share: two optimizers, images in [-1, 1], and a collapse that is not an error."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors import health
from tf_ssae.detectors.base import Detector


class AdversarialDetector(Detector):
    """A detector trained against a `discriminator`. Subclasses make that network and the others."""

    reconstructs = True

    @classmethod
    def check_settings(cls, config: Config) -> None:
        super().check_settings(config)
        if config.roi:
            raise ValueError(
                f"roi={config.roi!r}: {config.detector} generates whole images, and cannot leave"
                " out a part of them. Take another detector."
            )

    @property
    def generator_variables(self) -> list[keras.Variable]:
        """The variables that are trained against the discriminator: those of all other networks."""
        discriminator = {id(variable) for variable in self.discriminator.trainable_variables}
        return [
            variable for variable in self.trainable_variables if id(variable) not in discriminator
        ]

    def compile_from_settings(self) -> None:
        self.discriminator_optimizer = self.adam(self.discriminator.trainable_variables)
        self.generator_optimizer = self.adam(self.generator_variables)
        self.compile(optimizer=None, jit_compile=self.config.jit_compile)
        self.build(None)

    def finish_training(self) -> None:
        super().finish_training()
        del self.discriminator_optimizer, self.generator_optimizer

    def check_epoch(self, reconstructions: np.ndarray) -> None:
        """Raises nothing: a collapse is a result to be shown, not an error."""

    def check_trained(
        self, reconstructions: np.ndarray, originals: np.ndarray, history: list[dict]
    ) -> dict[str, Any]:
        return health.of_gan(reconstructions, originals, history)

    def to_tanh_range(self, images: tf.Tensor) -> tf.Tensor:
        """`preprocess` to `[B, T, T, C]` in [-1, 1], the range of the generators' tanh."""
        return 2.0 * self.preprocess(images) - 1.0


def from_tanh_range(x: tf.Tensor) -> tf.Tensor:
    """[-1, 1] to [0, 1], the range of `preprocess(images)`."""
    return (x + 1.0) / 2.0
