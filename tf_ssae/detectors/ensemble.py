"""A*: AE and Rotation, trained separately and combined only in the scores; table 5.1 compares joint
training with it.
"""

import dataclasses
from typing import Any

import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.detectors.autoencoder import Autoencoder
from tf_ssae.detectors.base import Outputs
from tf_ssae.detectors.combined import CombinedDetector
from tf_ssae.detectors.registry import register
from tf_ssae.detectors.rotation import Rotation


@register("ensemble")
class Ensemble(CombinedDetector):
    """`a_ws` and `a_max` over an Autoencoder and a Rotation that share nothing."""

    computes_in_bfloat16 = True
    trains_in_replicas = True

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        super().__init__(config, image_shape, **kwargs)
        # The ensemble decides; its two detectors do not have all of its scores.
        part = dataclasses.replace(config, decision="auto")
        self.autoencoder = Autoencoder(part, image_shape)
        self.rotation = Rotation(part, image_shape)

    def losses_of(self, batch: tuple[tf.Tensor, ...], training: bool) -> Outputs:
        x, x_rotated, d = batch
        l_rec = self.autoencoder.loss_rec(x, training)
        l_cls, rotation_accuracy = self.rotation.loss_cls(x_rotated, d, training)
        # No variable has a gradient from both terms, and Adam treats every variable alone: a step
        # on the sum is a step of each by itself.
        loss = self.config.w_cls * l_cls + self.config.w_rec * l_rec
        return {
            "loss": loss,
            "l_rec": l_rec,
            "l_cls": l_cls,
            "rotation_accuracy": rotation_accuracy,
        }

    def networks(self, images: tf.Tensor) -> Outputs:
        return {**self.autoencoder.networks(images), **self.rotation.networks(images)}
