"""A detector of any kind, trained for some steps on real digits."""

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.data import pipeline
from tf_ssae.data.protocols import split
from tf_ssae.detectors import registry
from tf_ssae.detectors.registry import preset
from tf_ssae.evaluation import predictions
from tf_ssae.training import calibrate


class Trained:
    """A detector after some steps on real digits, calibrated, with some test images; its weights
    around the first step.
    """

    def __init__(self, name, digit_images, steps=8, precision="float32"):
        # A high rate, so that one step moves every variable by more than rounding; no default where
        # a test has to notice the setting.
        settings = dict(learning_rate=0.01, batch_size=32, alpha=0.25, target_fpr=0.05)
        config = preset("digits", detector=name, precision=precision, **settings)
        chosen = split(digit_images, config)
        images = digit_images.images
        self.detector = registry.make(config, digit_images.image_shape)
        self.before = {v.path: v.numpy() for v in self.detector.trainable_variables}
        batches = pipeline.training_batches(images, chosen.train.index, config)
        batches = self.detector.prepare(batches, steps=50)
        self.detector.fit(batches, steps_per_epoch=1, shuffle=False, verbose=0)
        self.after = {v.path: v.numpy() for v in self.detector.trainable_variables}
        # Until the scores differ by more than rounding, which normalisation would magnify.
        self.logs = self.detector.fit(
            batches, steps_per_epoch=steps, shuffle=False, verbose=0
        ).history
        self.detector.finish_training()
        self.normals, self.held_out = chosen.train.first(100), chosen.calibration
        self.detector.fit_features(self.normals.batches(50))
        outputs = predictions.ask(self.detector, self.normals.batches(50))
        self.detector.fit_normalisation(outputs.scores)
        outputs = predictions.ask(
            self.detector, self.held_out.batches(50), self.detector.reconstructs
        )
        self.detector.calibration = calibrate.of_outputs(
            self.detector, outputs, self.held_out, is_held_out=True
        )
        self.images = tf.constant(chosen.test.first(24).images)
        self.scores = {name: value.numpy() for name, value in self.detector(self.images).items()}

    def store(self, folder):
        """Writes what `Stored` reads into a new folder."""
        folder.mkdir()
        self.detector.save(folder / "model.keras")
        np.savez(folder / "images.npz", images=self.images, normals=self.normals.images)
        np.savez(folder / "scores.npz", **self.scores)


class Stored:
    """The detector of a Trained, some test images with their scores, and normal images."""

    def __init__(self, folder):
        self.detector = keras.saving.load_model(folder / "model.keras")
        with np.load(folder / "images.npz") as images:
            self.images, self.normals = images["images"], images["normals"]
        with np.load(folder / "scores.npz") as scores:
            self.scores = dict(scores)
