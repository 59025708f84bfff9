"""What every detector promises. `tests/conformance_test.py` checks each promise on each
detector.
"""

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.calibration import conformal as calibration
from tf_ssae.config import Config
from tf_ssae.ops import preprocessing


class Detector(keras.Model):
    """An anomaly detector: a Keras model from images to anomaly scores.

    Called on images `[B, S, S, C]` (uint8, or float in [0, 1], of the shape it was made for) it
    returns `{score name: [B]}`, higher = more anomalous. What the scores need (preprocessing,
    normalisation) is inside its graph and its weights, so it scores the same wherever it is loaded.

    Attributes:
        score_names: the names of its scores.
        reported: the names of what `train_step` reports beside `loss`.
        trained_on_rotations: whether `train_step` takes `(x, x_rotated, d)` of
            `pipeline.with_rotations`, or just `x`.
        reconstructs: whether it has a decoder, and so the method `reconstruct`.
        adversarial: whether it is trained against a discriminator. If that collapses, it is said,
            and scored nevertheless.
        config: the Config it was made with.
        image_shape: `(S, S, C)` of the images it takes.
        thresholds: one a score, in the order of `score_names`; a higher score is an anomaly. NaN
            until `fit_decision`.
        held_out_scores: `[scores, calibration.KEPT]`: the scores of the held-out images, as
            `calibration.kept` keeps them.
        held_out_images: how many there were.
        decision_index: which of `score_names` decides.
        map_scale: what an error map is divided by (see `maps`): as large a value in an image is as
            rare as a false alarm. NaN until it is fitted.
    """

    score_names = ()
    reported = ()
    trained_on_rotations = False
    reconstructs = False
    adversarial = False

    def __init__(self, config, image_shape, **kwargs):
        """Raises ValueError for an `image_shape` that `preprocess` cannot take, or a score to
        decide that it does not have.
        """
        super().__init__(**kwargs)
        if config.decision not in ("auto", *self.score_names):
            raise ValueError(
                f"decision={config.decision!r}: {config.detector} has only"
                f" {', '.join(self.score_names)}."
            )
        preprocessing.check_image_shape(image_shape, config.image_size)
        self.config = config
        self.image_shape = tuple(image_shape)
        scores = len(self.score_names)
        self.thresholds = self._constant([scores], np.nan, "thresholds")
        self.held_out_scores = self._constant([scores, calibration.KEPT], np.nan, "held_out_scores")
        self.held_out_images = self._constant([], 0, "held_out_images", "int32")
        self.decision_index = self._constant([], 0, "decision_index", "int32")
        self.map_scale = self._constant([], np.nan, "map_scale")
        self._means = {name: keras.metrics.Mean(name=name) for name in ("loss", *self.reported)}
        # A dozen operators a variable, in one.
        self._apply = tf.function(
            lambda gradients: self.optimizer.apply(gradients, self.trainable_variables),
            jit_compile=True,
        )

    def _constant(self, shape, value, name, dtype="float32"):
        """A weight that training leaves alone: what is fitted after it, and travels
        with the model.
        """
        return self.add_weight(
            shape=shape,
            initializer=keras.initializers.Constant(value),
            dtype=dtype,
            trainable=False,
            name=name,
        )

    def compile_from_settings(self):
        """Compiles for training with the optimizer of the settings."""
        self.compile(
            optimizer=self.adam(self.trainable_variables), jit_compile=self.config.jit_compile
        )
        self.build(None)

    def adam(self, variables):
        """The optimizer of the settings, ready to train these variables."""
        optimizer = keras.optimizers.Adam(self.config.learning_rate, beta_1=self.config.beta_1)
        optimizer.build(variables)
        return optimizer

    def finish_training(self):
        """What is done once after the last epoch, before calibration. Checkpoints hold what was
        before it.
        """
        # Its moments would make a saved detector three times as large.
        self.optimizer = None

    def get_compile_config(self):
        # A saved detector scores, and needs no optimizer for that.
        return {}

    def build(self, input_shape):
        """All variables exist from construction on."""
        self.built = True

    def preprocess(self, images):
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

    def primary(self, images):
        """What the networks say about images `[B, S, S, C]`.

        Returns:
            A dict with the scores that need no others, `[B]`; from detectors that reconstruct,
            `reconstruction`, `[B, T, T, C]`; from those that classify rotations,
            `rotation_probabilities`, `[B, 4, 4]`: the rotation that the image was given, and the
            probability of each answer.
        """
        raise NotImplementedError

    def all_scores(self, primary):
        """`primary`'s dict, or just its scores, with the scores that are made of others added."""
        return primary

    def everything(self, images):
        """All there is to say about images `[B, S, S, C]`: what `primary` returns, with every
        score.
        """
        return self.all_scores(self.primary(images))

    def explain(self, images):
        """What the scores of images `[B, S, S, C]` rest on, for a person to see.

        Returns:
            A dict: what `everything` returns, but as `rotation_probabilities`, `[B, 4]`, those of
            the true rotations alone; and from detectors that reconstruct, `squared_error`, `[B, T,
            T, C]`.
        """
        outputs = dict(self.everything(images))
        if "reconstruction" in outputs:
            outputs["squared_error"] = tf.square(
                self.preprocess(images) - outputs["reconstruction"]
            )
        if "rotation_probabilities" in outputs:
            outputs["rotation_probabilities"] = tf.linalg.diag_part(
                outputs["rotation_probabilities"]
            )
        return outputs

    def reconstruct(self, images):
        """`[B, S, S, C] -> [B, T, T, C]`, beside `preprocess(images)`: the decoder's picture of
        each image.
        """
        return self.everything(images)["reconstruction"]

    def score(self, images, name):
        """One score of images `[B, S, S, C]`, `[B]`, without what it does not need."""
        return self.everything(images)[name]

    def call(self, images):
        outputs = self.everything(images)
        return {name: outputs[name] for name in self.score_names}

    @property
    def decision_score(self):
        """The name of the score that decides."""
        return self.score_names[int(self.decision_index)]

    @property
    def is_calibrated(self):
        """Whether normalisation and thresholds have been fitted."""
        return bool(np.isfinite(self.thresholds.numpy()).all())

    def description(self):
        """What a program that has only the scores must know to decide by them: a dict of JSON
        values.

        `image_shape` and `crop` of the squares it takes; `scores`, their names; `decision`, the
        score that decides; `thresholds` and `target_fpr`; `held_out_images` and `held_out_scores`,
        for p-values, and `held_out`, false if they are those of the training images; `map_scale`.
        """
        held_out = self.held_out_scores.numpy()
        return {
            "image_shape": list(self.image_shape),
            "crop": self.config.crop,
            "scores": list(self.score_names),
            "decision": self.decision_score,
            "thresholds": dict(zip(self.score_names, self.thresholds.numpy().tolist())),
            "target_fpr": self.config.target_fpr,
            "held_out": self.config.calibration_share > 0,
            "held_out_images": int(self.held_out_images),
            "held_out_scores": {
                name: row[np.isfinite(row)].tolist()
                for name, row in zip(self.score_names, held_out)
            },
            "map_scale": float(self.map_scale) if np.isfinite(self.map_scale.numpy()) else None,
        }

    def fit_decision(self, scores, decision):
        """Fits the thresholds to `config.target_fpr`, and keeps them as weights, with the scores
        they come from.

        Args:
            scores: `{score name: [n]}` of held-out normal images.
            decision: the name of the score that decides.
        """
        self.thresholds.assign(
            [
                calibration.threshold(scores[name], self.config.target_fpr)
                for name in self.score_names
            ]
        )
        self.held_out_scores.assign([calibration.kept(scores[name]) for name in self.score_names])
        self.held_out_images.assign(len(scores[self.score_names[0]]))
        self.decision_index.assign(self.score_names.index(decision))

    def fit_normalisation(self, primary):
        """Fits what `all_scores` needs to the primary scores of the training images, numpy `[N]`
        each, and keeps it as weights.

        Raises:
            ValueError: a score is the same for all images.
        """

    def minimise(self, tape, loss, **reported):
        """Applies the gradients of `loss` with the one optimizer, and returns what
        `report` does.
        """
        self._apply(tape.gradient(loss, self.trainable_variables))
        return self.report(loss=loss, **reported)

    def report(self, **values):
        """Takes the values of a step, `loss` and `reported`, and returns the running means of each
        since the epoch began.
        """
        for name, mean in self._means.items():
            mean.update_state(values[name])
        return {name: mean.result() for name, mean in self._means.items()}

    def get_config(self):
        return {"config": self.config.to_dict(), "image_shape": list(self.image_shape)}

    @classmethod
    def from_config(cls, config):
        return cls(Config.from_dict(config["config"]), config["image_shape"])


def accuracy(labels, logits):
    """The share, 0..1, of logits `[N, 4]` whose largest is the label's."""
    return tf.reduce_mean(
        tf.cast(tf.argmax(logits, axis=1, output_type=labels.dtype) == labels, tf.float32)
    )
