"""What every detector promises. `tests/detectors/conformance_test.py` checks each promise on each
detector.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.calibration import Calibration, Description
from tf_ssae.config import Config
from tf_ssae.detectors import health
from tf_ssae.ops import preprocessing

Outputs = dict[str, tf.Tensor]


class Detector(keras.Model):
    """An anomaly detector: a Keras model from images to anomaly scores.

    Called on images `[B, S, S, C]` (uint8, or float in [0, 1], of the shape it was made for) it
    returns `{score name: [B]}`, higher = more anomalous. What the scores need (preprocessing,
    normalisation) is inside its graph and its weights, so it scores the same wherever it is loaded.

    A method is a subclass that gives `score_names`, `reports`, `train_step` and `networks`, the
    class attributes below where they differ, and, if some of its scores are made of others,
    `combine`, `fit_normalisation` and `parts`. The rest follows.

    Attributes:
        score_names: the names of its scores.
        reports: the names of what `train_step` reports beside `loss`.
        trained_on_rotations: whether `train_step` takes `(x, x_rotated, d)` of
            `pipeline.with_rotations`, or just `x`.
        reconstructs: whether `networks` returns a `reconstruction`.
        parts: of a score that is made of others, the names of those: what may have fired.
        presets: `{data set: {setting: value}}`, "" for all data sets; on top of the data set's own.
        config: the Config it was made with.
        image_shape: `(S, S, C)` of the images it takes.
        calibration: the Calibration fitted after training.
    """

    optimizer: Any  # None once the detector is trained
    score_names: ClassVar[tuple[str, ...]] = ()
    reports: ClassVar[tuple[str, ...]] = ()
    trained_on_rotations: ClassVar[bool] = False
    reconstructs: ClassVar[bool] = False
    parts: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        """Raises ValueError for settings that the detector cannot have, or an `image_shape` that
        `preprocess` cannot take.
        """
        super().__init__(**kwargs)
        self.check_settings(config)
        preprocessing.check_image_shape(image_shape, config.image_size)
        self.config = config
        self.image_shape = tuple(image_shape)
        self._calibration: Calibration | None = None
        self._means = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.reports)}
        # A dozen operators a variable, in one.
        self._apply = tf.function(
            lambda gradients: self.optimizer.apply(gradients, self.trainable_variables),
            jit_compile=True,
        )

    @classmethod
    def check_settings(cls, config: Config) -> None:
        """Raises ValueError for settings that this detector cannot have."""
        if config.decision not in ("auto", *cls.score_names):
            raise ValueError(
                f"decision={config.decision!r}: expected auto, or a score that {config.detector} "
                f"has: {', '.join(cls.score_names)}."
            )

    # What a subclass gives.

    def networks(self, images: tf.Tensor) -> Outputs:
        """What the networks say about images `[B, S, S, C]`, each by itself.

        Returns:
            A dict with the scores that need no others, `[B]`; from detectors that reconstruct,
            `reconstruction`, `[B, T, T, C]`; from those that classify rotations,
            `rotation_probabilities`, `[B, 4, 4]`: the rotation that the image was given, and the
            probability of each answer.
        """
        raise TypeError(f"{type(self).__name__} does not say what its networks make of images.")

    def combine(self, outputs: Outputs) -> Outputs:
        """`networks`' outputs, or just its scores, with the scores made of others added."""
        return outputs

    def fit_normalisation(self, scores: Mapping[str, np.ndarray]) -> None:
        """Fits what `combine` needs to the scores of `networks`, `[N]` each, of the training
        images, and keeps it as weights.

        Raises:
            ValueError: a score is the same for all images.
        """

    def normalisation(self) -> dict[str, dict[str, float]]:
        """The constants of `combine`, JSON values, for programs that repeat it."""
        return {}

    def deciding_score(self, rotation_accuracy: float | None) -> str:
        """The score that decides unless a setting says which.

        `rotation_accuracy`: on normal images, 0..1; None for a detector that classifies none.
        """
        return self.score_names[0]

    def check_epoch(self, reconstructions: np.ndarray) -> None:
        """Raises TrainingFailed if a detector that reconstructs cannot learn any more.

        `reconstructions`: of some training images, `[B, T, T, C]`, after an epoch.
        """
        health.check_alive(reconstructions)

    def check_trained(
        self, reconstructions: np.ndarray, originals: np.ndarray, history: list[dict]
    ) -> dict[str, Any]:
        """How the training of a detector that reconstructs ended. Raises TrainingFailed if its
        scores would mean nothing.

        Args:
            reconstructions, originals: of some training images, `[B, T, T, C]`.
            history: one dict per epoch.

        Returns:
            JSON values, with `warnings`, sentences; empty if there is nothing to say.
        """
        health.check_not_constant(reconstructions, originals)
        return {}

    # What follows.

    def call(self, images: tf.Tensor) -> Outputs:
        outputs = self.combine(self.networks(images))
        return {name: outputs[name] for name in self.score_names}

    def explain(self, images: tf.Tensor) -> Outputs:
        """What the scores of images `[B, S, S, C]` rest on, for a person to see.

        Returns:
            What `networks` returns, and every score; but as `rotation_probabilities`, `[B, 4]`,
            those of the true rotations alone; and from detectors that reconstruct,
            `squared_error`, `[B, T, T, C]`.
        """
        outputs = dict(self.combine(self.networks(images)))
        if "reconstruction" in outputs:
            outputs["squared_error"] = tf.square(
                self.preprocess(images) - outputs["reconstruction"]
            )
        if "rotation_probabilities" in outputs:
            outputs["rotation_probabilities"] = tf.linalg.diag_part(
                outputs["rotation_probabilities"]
            )
        return outputs

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """`[B, S, S, C]`, uint8 or float in [0, 1] `-> [B, T, T, C]` with T = `config.image_size`,
        float32 in [0, 1].

        Raises:
            ValueError: for images of another shape than `image_shape`, or of integers that are not
                uint8.
        """
        dtype = tf.as_dtype(images.dtype)
        if dtype != tf.uint8 and not dtype.is_floating:
            raise ValueError(f"Images of {dtype.name}; expected uint8, or float in [0, 1].")
        if tuple(images.shape[1:]) != self.image_shape:
            raise ValueError(
                f"Images of shape {list(images.shape)}; expected [B,"
                f" {', '.join(map(str, self.image_shape))}]."
            )
        return preprocessing.preprocess(images, self.config.image_size)

    @property
    def is_calibrated(self) -> bool:
        """Whether its Calibration was fitted."""
        return self._calibration is not None

    @property
    def calibration(self) -> Calibration:
        """Raises AttributeError for a detector that was never calibrated."""
        if self._calibration is None:
            raise AttributeError("This detector was never calibrated: its training did not end.")
        return self._calibration

    @calibration.setter
    def calibration(self, calibration: Calibration) -> None:
        self._calibration = calibration

    @property
    def description(self) -> Description:
        """What a program must know beside the scores. Raises what `calibration` does."""
        return Description(self.image_shape, self.config.crop, self.calibration)

    def compile_from_settings(self) -> None:
        """Compiles for training with the optimizer of the settings."""
        optimizer = self.adam(self.trainable_variables)
        self.compile(optimizer=optimizer, jit_compile=self.config.jit_compile)
        self.build(None)

    def adam(self, variables: list[keras.Variable]) -> keras.optimizers.Optimizer:
        """The optimizer of the settings, ready to train these variables."""
        optimizer = keras.optimizers.Adam(self.config.learning_rate, beta_1=self.config.beta_1)
        optimizer.build(variables)
        return optimizer

    def minimise(
        self, tape: tf.GradientTape, loss: tf.Tensor, **reports: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Applies the gradients of `loss` with the one optimizer, and returns what
        `report` does.
        """
        self._apply(tape.gradient(loss, self.trainable_variables))
        return self.report(loss=loss, **reports)

    def report(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Takes the values of a step, `loss` and `reports`, and returns the running means of each
        since the epoch began.
        """
        for name, mean in self._means.items():
            mean.update_state(values[name])
        return {name: mean.result() for name, mean in self._means.items()}

    def finish_training(self) -> None:
        """What is done once after the last epoch, before calibration. Checkpoints hold what was
        before it.
        """
        # Its moments would make a saved detector three times as large.
        self.optimizer = None

    def build(self, input_shape: Any) -> None:
        """All variables exist from construction on."""
        self.built = True

    def get_compile_config(self) -> dict:
        # A saved detector scores, and needs no optimizer for that.
        return {}

    def get_config(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "image_shape": list(self.image_shape),
            "calibration": self.calibration.to_dict() if self.is_calibrated else None,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        detector = cls(Config.from_dict(config["config"]), config["image_shape"])
        if config["calibration"] is not None:
            detector.calibration = Calibration.from_dict(config["calibration"])
        return detector


def accuracy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The share, 0..1, of logits `[N, 4]` whose largest is the label's."""
    return tf.reduce_mean(
        tf.cast(tf.argmax(logits, axis=1, output_type=labels.dtype) == labels, tf.float32)
    )
