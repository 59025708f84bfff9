"""The interface of all detectors. `tests/detectors/conformance_test.py` checks every sentence of it
on every detector.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.calibration import Calibration, Description
from tf_ssae.config import IMAGE_SIZES, Config
from tf_ssae.data import pipeline, roi
from tf_ssae.detectors import health
from tf_ssae.networks.fast.adam import Adam
from tf_ssae.networks.fast.folded import fold
from tf_ssae.networks.precision import compute_in
from tf_ssae.ops import preprocessing, region_of_interest
from tf_ssae.ops.batched import Arrays, of_any_number
from tf_ssae.ops.graph import as_written
from tf_ssae.ops.region_of_interest import RegionOfInterest
from tf_ssae.ops.replicas import rows

Outputs = dict[str, tf.Tensor]


class Detector(keras.Model):
    """An anomaly detector: a Keras model from images to anomaly scores.

    Called on images `[B, S, S, C]` (uint8, or float in [0, 1], of the shape it was made for) it
    returns `{score name: [B]}`, higher = more anomalous. What the scores need (preprocessing,
    normalisation) is inside its graph and its weights, so it scores the same wherever it is loaded.

    A method is a subclass that gives `score_names`, `reports`, `losses_of` or a `train_step` of its
    own, and `networks`, the class attributes below where they differ, and, if some of its scores
    are made of others, `combine`, `fit_normalisation` and `parts`. The base class derives the rest.

    Attributes:
        score_names: the names of its scores.
        reports: the names of what `losses_of` gives, and `train_step` reports, beside `loss`.
        classifies_rotations: whether `networks` returns `rotation_probabilities`.
        trained_on_rotations: whether `train_step` takes `(x, x_rotated, d)` of
            `pipeline.with_rotations`, or just `x`.
        reconstructs: whether `networks` returns a `reconstruction`.
        normalised_on_held_out: whether `fit_normalisation` takes the scores of held-out images on
            the thesis' data sets too, where the thesis takes those of the training images.
        learns_defects: whether it learns from `config.defects`.
        computes_in_bfloat16: whether all of its networks can (see `networks.precision`).
        trains_in_replicas: whether several, each on its `share` of a batch, train as one does on
            the whole: with losses that are means over images, or over all replicas (see
            `ops.replicas`), and no random number but those of `prepare`.
        survives_int8: whether its scores are still useful from an int8 TFLite file.
        parts: `{score name: names}`, for a score made of others the names of those.
        presets: `{data set: {setting: value}}`, "" for all data sets; they override the data set's.
        config: the Config it was made with.
        image_shape: `(S, S, C)` of the images it takes.
        roi: the region of interest, if there is one: what is 0 in every channel of a tile is
            outside of it, and has no influence on any score or map.
        calibration: the Calibration fitted after training.
    """

    optimizer: Any  # None once the detector is trained
    score_names: ClassVar[tuple[str, ...]] = ()
    reports: ClassVar[tuple[str, ...]] = ()
    classifies_rotations: ClassVar[bool] = False
    trained_on_rotations: ClassVar[bool] = False
    reconstructs: ClassVar[bool] = False
    normalised_on_held_out: ClassVar[bool] = False
    learns_defects: ClassVar[bool] = False
    computes_in_bfloat16: ClassVar[bool] = False
    trains_in_replicas: ClassVar[bool] = False
    survives_int8: ClassVar[bool] = True
    parts: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    _beta_2: ClassVar[float] = 0.999  # of Adam

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        """Raises ValueError for settings that the detector cannot have, or an `image_shape` that
        `preprocess` cannot take.
        """
        _require_keras_settings()
        super().__init__(**kwargs)
        self.check_settings(config)
        preprocessing.check_image_shape(image_shape, config.image_size)
        self.config = config
        self.image_shape = tuple(image_shape)
        self.roi: RegionOfInterest | None = None
        self._calibration: Calibration | None = None
        self._means = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.reports)}

    @classmethod
    def check_image_size(cls, config: Config) -> None:
        """Raises ValueError for a size that its networks do not take."""
        if config.image_size not in IMAGE_SIZES:
            raise ValueError(
                f"image_size={config.image_size}: expected one of "
                f"{', '.join(map(str, IMAGE_SIZES))} for {config.detector}."
            )

    @classmethod
    def check_settings(cls, config: Config) -> None:
        """Raises ValueError for settings that this detector cannot have."""
        cls.check_image_size(config)
        if config.defects and not cls.learns_defects:
            raise ValueError(
                f"defects={config.defects!r}: {config.detector} learns from normal images alone."
            )
        if config.precision == "bfloat16" and not cls.computes_in_bfloat16:
            raise ValueError(
                f"precision={config.precision!r}: {config.detector} computes in float32 alone."
            )
        if config.decision not in ("auto", *cls.score_names):
            raise ValueError(
                f"decision={config.decision!r}: expected auto, or a score that {config.detector} "
                f"has: {', '.join(cls.score_names)}."
            )

    @classmethod
    def check_replicas(cls, config: Config, replicas: int) -> None:
        """Raises ValueError for settings that so many replicas cannot train with."""
        if not cls.trains_in_replicas:
            raise ValueError(
                f"detector={config.detector!r}: it is trained on one device alone. Leave out"
                " --strategy, or take another detector."
            )
        if config.jit_compile:
            raise ValueError("jit_compile=True: expected False with --strategy.")
        if config.batch_size % replicas:
            raise ValueError(
                f"batch_size={config.batch_size}: expected a multiple of {replicas}, the number of"
                " devices, which share a batch."
            )

    # What a subclass may give.

    def networks(self, images: tf.Tensor) -> Outputs:
        """The networks' outputs for images `[B, S, S, C]`, each by itself.

        Returns:
            A dict with the scores that are not made of others, `[B]`; from detectors that
            reconstruct, `reconstruction`, `[B, T, T, C]`; from those that classify rotations,
            `rotation_probabilities`, `[B, 4, 4]`: per image, the rotation that it was given and the
            probability of each answer; from those that locate defects, `location`, `[B, T, T]`,
            0..1.
        """
        raise TypeError(f"{type(self).__name__} does not define `networks`.")

    def losses_of(self, batch: Any, training: bool) -> Outputs:
        """The `loss` of a batch of `prepare`, which `train_step` minimises, and the `reports`, `[]`
        each. A detector that gives them is measured on held-out images too while it trains; one
        whose losses mean nothing there, such as a GAN's, has a `train_step` of its own instead.

        `training`: False for held-out images: nothing may then be changed or drawn by chance.
        """
        raise TypeError(f"{type(self).__name__} defines neither `losses_of` nor `train_step`.")

    def train_step(self, batch: Any) -> Outputs:
        """A step of training on a batch of `prepare`; returns what `report` returns."""
        with tf.GradientTape() as tape:
            losses = self.losses_of(batch, training=True)
        return self.minimise(tape, **losses)

    def prepare(self, batches: tf.data.Dataset, steps: int) -> tf.data.Dataset:
        """Makes what `train_step` takes from the `(step, x)` of `pipeline.training_batches`.

        `steps`: the number of steps of the whole training.
        """
        if self.trained_on_rotations:
            return pipeline.with_rotations(batches, self.config)
        return batches.map(as_written(lambda step, x: x))

    def share(self, batch: Any, number: int, replicas: int) -> Any:
        """The share of a batch of `prepare` that one of several replicas trains on; `number`: 0, 1,
        ...
        """
        size = self.config.batch_size
        return tf.nest.map_structure(lambda x: rows(x, number, replicas, size), batch)

    def fit_features(self, batches: tf.data.Dataset) -> None:
        """Fits the model of features that scores need, if any, to batches of training images, after
        training.
        """

    def combine(self, outputs: Outputs) -> Outputs:
        """`networks`' outputs, or just its scores, with the scores made of others added."""
        return outputs

    def fit_normalisation(self, scores: Mapping[str, np.ndarray]) -> None:
        """Fits what `combine` needs to the scores from `networks` of the training images, `[N]`
        each, and keeps it as weights.

        Raises:
            ValueError: a score is the same for all images.
        """

    def normalisation(self) -> dict[str, dict[str, float]]:
        """The constants of `combine`, JSON values, for programs that repeat it."""
        return {}

    def deciding_score(self, rotation_accuracy: float | None) -> str:
        """The score that decides unless --decision names one.

        `rotation_accuracy`: on normal images, 0..1; None if the detector classifies no rotations.
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

    # What the base class derives.

    def call(self, images: tf.Tensor) -> Outputs:
        outputs = self.combine(self.networks(images))
        return {name: outputs[name] for name in self.score_names}

    def explain(self, images: tf.Tensor) -> Outputs:
        """What the scores of images `[B, S, S, C]` are computed from, to be shown to people.

        Returns:
            What `networks` returns, and every score; but `rotation_probabilities` are `[B, 4]`,
            those of the true rotations alone; and from detectors that reconstruct,
            `squared_error`, `[B, T, T, C]`.
        """
        return self.explained(self._with_error(images))

    @functools.cached_property
    def answers(self) -> Callable[[np.ndarray], Arrays]:
        """A function of images `[N, S, S, C]`, any number of them: what `networks` returns, as
        arrays, and `squared_error`. All that asks a trained detector in this process shares it,
        since tracing it takes as long as asking hundreds of images.
        """
        return of_any_number(self._with_error, self.image_shape, self.config.jit_compile)

    def _with_error(self, images: tf.Tensor) -> Outputs:
        outputs = dict(self.networks(images))
        if "reconstruction" in outputs:
            outputs["squared_error"] = tf.square(
                self.preprocess(images) - outputs["reconstruction"]
            )
        return outputs

    def explained(self, outputs: Outputs) -> Outputs:
        """What `explain` returns, of the outputs of `answers`."""
        outputs = dict(self.combine(outputs))
        if "rotation_probabilities" in outputs:
            outputs["rotation_probabilities"] = tf.linalg.diag_part(
                outputs["rotation_probabilities"]
            )
        return outputs

    def mapped(self, images: tf.Tensor, outputs: Outputs) -> Outputs:
        """What the anomaly maps of images `[B, S, S, C]` are made of (see `evaluation.maps`):
        `location`, `[B, T, T]`, or `squared_error`, `[B, T, T, C]`.

        `outputs`: of `networks` for these images.
        """
        if "location" in outputs:
            return {"location": outputs["location"]}
        return {"squared_error": tf.square(self.preprocess(images) - outputs["reconstruction"])}

    def preprocess(self, images: tf.Tensor) -> tf.Tensor:
        """`[B, S, S, C]`, uint8 or float in [0, 1] `-> [B, T, T, C]` with T = `config.image_size`,
        float32 in [0, 1]. What is outside of the region of interest becomes the mean of the inside.

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
        x = preprocessing.preprocess(images, self.config.image_size)
        inside = self.inside(images)
        return x if inside is None else region_of_interest.filled(x, inside)

    def inside(self, images: tf.Tensor) -> tf.Tensor | None:
        """Which pixels of images `[B, S, S, C]` are inside the region of interest, as the networks
        see them: float32 `[B, T, T, 1]`, 1 or 0; None without a region.
        """
        if not self.config.roi:
            return None
        marked = region_of_interest.marked(images)
        return preprocessing.preprocess(marked, self.config.image_size)

    def only_inside(self, images: tf.Tensor, rebuilt: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Reconstructions `[B, T, T, C]` of images `[B, S, S, C]`; outside of the region of
        interest x, what they are compared with, so that nothing there is an error.
        """
        inside = self.inside(images)
        return rebuilt if inside is None else region_of_interest.composed(inside, rebuilt, x)

    @classmethod
    def gives_losses(cls) -> bool:
        """Whether it can be measured on held-out images while it trains: see `losses_of`."""
        return cls.losses_of is not Detector.losses_of

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
        """What a program needs beside the scores. Raises what `calibration` raises."""
        config = self.config
        return Description(
            self.image_shape,
            config.crop,
            self.calibration,
            config.image_size,
            config.tile_size,
            self.roi,
        )

    @property
    def network_variables(self) -> list[keras.Variable]:
        """What training sets, in order: the variables of the networks, and others that are
        trainable. What is fitted after training is not among them.
        """
        networks = [layer for layer in self.layers if isinstance(layer, keras.Model)]
        of_networks = [variable for network in networks for variable in network.weights]
        known = {id(variable) for variable in of_networks}
        return of_networks + [v for v in self.trainable_variables if id(v) not in known]

    def compile_from_settings(self) -> None:
        """Compiles for training with the optimizer of the settings, and reads the files that they
        name.
        """
        self.roi = roi.of(self.config)
        optimizer = self.adam(self.trainable_variables)
        self.compile(optimizer=optimizer, jit_compile=self.config.jit_compile)
        self.build(None)

    def adam(self, variables: list[keras.Variable]) -> keras.optimizers.Optimizer:
        """The optimizer of the settings, ready to train these variables."""
        optimizer = Adam(self.config.learning_rate, self.config.beta_1, self._beta_2)
        optimizer.build(variables)
        return optimizer

    def minimise(
        self, tape: tf.GradientTape, loss: tf.Tensor, **reports: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Applies the gradients of `loss`; returns what `report` returns."""
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return self.report(loss=loss, **reports)

    def report(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Takes the `loss` and the `reports` of a step; returns the mean of each since the epoch
        began.
        """
        for name, mean in self._means.items():
            mean.update_state(values[name])
        return {name: mean.result() for name, mean in self._means.items()}

    def finish_training(self) -> None:
        """Called once after the last epoch, before calibration; checkpoints hold the state before
        it.
        """
        # The optimizer's moments would make a saved detector three times as large.
        self.optimizer = None
        self.fold()

    def set_precision(self) -> None:
        """Lets the networks compute in the precision of the settings."""
        for layer in self.layers if self.computes_in_bfloat16 else ():
            if isinstance(layer, Detector):
                layer.set_precision()
            elif isinstance(layer, keras.Model):
                compute_in(layer, self.config.precision)

    def fold(self) -> None:
        """Folds BatchNorm into the layers before it, for faster scoring of a trained detector."""
        # It was traced with other layers.
        self.__dict__.pop("answers", None)
        for layer in self.layers:
            if isinstance(layer, Detector):
                layer.fold()
            elif isinstance(layer, keras.Model):
                fold(layer)

    def build(self, input_shape: Any) -> None:
        """All variables exist from construction on."""
        self.built = True

    def get_compile_config(self) -> dict:
        # A saved detector only scores, which needs no optimizer.
        return {}

    def get_config(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "image_shape": list(self.image_shape),
            "calibration": self.calibration.to_dict() if self.is_calibrated else None,
            "roi": self.roi and self.roi.png,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        detector = cls(Config.from_dict(config["config"]), config["image_shape"])
        detector.set_precision()
        # Earlier versions had none.
        if config.get("roi") is not None:
            detector.roi = RegionOfInterest(config["roi"])
        if config["calibration"] is not None:
            detector.calibration = Calibration.from_dict(config["calibration"])
        return detector


def _require_keras_settings() -> None:
    """Raises ValueError for defaults of Keras that the networks are not built for."""
    found = keras.config.image_data_format(), keras.config.dtype_policy().name
    if found != ("channels_last", "float32"):
        raise ValueError(
            f"Keras is set to {' and '.join(found)}; tf_ssae needs channels_last and float32. Call"
            " keras.config.set_image_data_format and keras.config.set_dtype_policy first, or change"
            " ~/.keras/keras.json."
        )


def accuracy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """The share, 0..1, of logits `[N, 4]` whose largest is the label's."""
    return tf.reduce_mean(
        tf.cast(tf.argmax(logits, axis=1, output_type=labels.dtype) == labels, tf.float32)
    )
