"""Beyond the thesis: its two tasks and a third, to locate synthetic defects pasted into the normal
images.
"""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_ssae.config import Config
from tf_ssae.data import cutouts, defects, placement
from tf_ssae.data.draws import Draws
from tf_ssae.detectors.base import Detector, Outputs
from tf_ssae.detectors.base import accuracy as share_correct
from tf_ssae.detectors.registry import register
from tf_ssae.networks import locator as networks
from tf_ssae.ops import replicas, scores
from tf_ssae.ops.gaussian import Gaussian
from tf_ssae.ops.graph import as_written, graph
from tf_ssae.ops.losses import location_loss
from tf_ssae.ops.region_of_interest import composed
from tf_ssae.ops.replicas import rows
from tf_ssae.ops.rotations import ROTATIONS, rotate_sampled_others, rotate_stack
from tf_ssae.ops.tails import TailLog
from tf_ssae.ops.texture import Texture, mean_inside, moments

# The share of a batch that stays clean; all but the first of these images are turned. And the share
# of the others that is tampered with.
_CLEAN_SHARE = 0.25
_TAMPERED = 0.85
# Normal changes of light: the largest log gain and offset.
_GAIN, _OFFSET = 0.15, 0.05
_W_FOCAL, _W_DICE, _W_REC, _W_CLS = 10.0, 1.0, 0.2, 0.1
_WARM_UP = 100  # steps
# Side of the window that the map is averaged over before its largest value is taken, as a share of
# the map's side.
_WINDOW = 7 / 80
# Exact in float16 files, as are the filter bank's constants.
_EPSILON = 2.0**-20

# Weight of the windows' distances, in deviations, beside the logits of the location.
_DISTANCE = 0.5
# Above this side the networks see images at half of it; the wavelets see them whole.
_LARGEST = 192

# Weights in `a_all` are 1 for the windows, and this for the located peak, and for the scores of the
# image as a whole together.
_REST = 0.25
_WHOLE = ("a_rec", "a_log", "a_area", "a_fea", "a_tex")
_PARTS = (*_WHOLE, "a_peak", "a_win")


@register("locator")
class Locator(Detector):
    """E1 is shared by three tasks: D rebuilds the clean image from the tampered one, C recognises
    the rotation, and the locating decoder finds where the image was tampered with. Beside them,
    Gaussians on wavelet responses, which learn no features.

    Its networks, loss weights, synthetic defects and windows, and the weights in `a_all`, were
    chosen with a look at solar cells (PyPI's elpv-dataset) and the made-up cloth of examples/.
    """

    score_names = (*_PARTS, "a_def", "a_all")
    reports = ("l_focal", "l_dice", "l_rec", "l_cls", "rotation_accuracy")
    reconstructs = True
    classifies_rotations = True
    # The classifier's answers for training images, which it has memorised, say little about others.
    normalised_on_held_out = True
    learns_defects = True
    computes_in_bfloat16 = True
    trains_in_replicas = True
    # With 256 levels, logs of small shares and distances over hundreds of features lose too much.
    survives_int8 = False
    parts = {"a_def": ("a_peak", "a_area"), "a_all": _PARTS}
    presets = {
        "": dict(image_size=64, batch_size=12, learning_rate=2e-3, beta_1=0.9, steps=1000),
        "folder": dict(image_size=288, calibration_share=0.25),
    }
    _beta_2 = 0.99

    def __init__(self, config: Config, image_shape: tuple[int, ...], **kwargs: Any):
        super().__init__(config, image_shape, **kwargs)
        channels, seed = image_shape[-1], keras.random.SeedGenerator(config.seed)
        self._halved = config.image_size > _LARGEST
        size = config.image_size // 2 if self._halved else config.image_size
        self.encoder = networks.encoder(size, channels, seed)
        self.side_encoder = networks.side_encoder(size, channels, seed)
        self.locating_decoder = networks.locating_decoder(size, seed)
        self.decoder = networks.decoder(size, channels, seed)
        self.classifier = networks.classifier(size, seed)
        self.gaussian = Gaussian(1, 2 * sum(networks.WIDTHS[1:]), name="gaussian")
        self.texture = Texture(config.image_size, channels, name="texture")
        self._known: np.ndarray | None = None
        self.tails = {name: TailLog(name=f"tail_{name}") for name in _PARTS}

    @classmethod
    def check_settings(cls, config: Config) -> None:
        super().check_settings(config)
        if config.batch_size < 8:
            raise ValueError(f"batch_size={config.batch_size}: expected 8 or more for locator.")

    @classmethod
    def check_image_size(cls, config: Config) -> None:
        if config.image_size % 32 or not 32 <= config.image_size <= 512:
            raise ValueError(
                f"image_size={config.image_size}: expected a multiple of 32 from 32 to 512."
            )

    @classmethod
    def check_replicas(cls, config: Config, replicas: int) -> None:
        super().check_replicas(config, replicas)
        clean = _clean_count(config)
        if clean % replicas:
            raise ValueError(
                f"batch_size={config.batch_size}: {clean} of its images stay clean, of which each"
                f" of {replicas} devices takes as many; expected a multiple of {4 * replicas}."
            )

    def compile_from_settings(self) -> None:
        # Read before the training, and not when a trained detector is loaded.
        if self.config.defects:
            side, channels = self.encoder.input_shape[1], self.image_shape[-1]
            self._known = cutouts.load(self.config.defects, side, channels)
        super().compile_from_settings()

    def prepare(self, batches: tf.data.Dataset, steps: int) -> tf.data.Dataset:
        """Adds synthetic defects: batches `(learning rate, x, clean, change, d)`, images
        `[B, T, T, C]`. The first n of a batch are clean and turned by 90 d degrees, d `[n]`; x of
        the others is tampered with, where `change`, `[B, T, T, 1]`, says. With a region of interest
        `inside`, `[B, T, T, 1]`, comes last.
        """
        clean_count = _clean_count(self.config)

        def tampered(step: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, ...]:
            seed = tf.stack([tf.cast(self.config.seed, tf.int64), step])
            light, turns, tampering = (
                tf.random.experimental.stateless_fold_in(seed, stream) for stream in (2, 3, 4)
            )
            x = _in_other_light(self._seen(self.preprocess(images)), Draws(light))
            turned, d = rotate_sampled_others(x[:clean_count], turns)
            upright = x[clean_count:]
            inside = self._inside_seen(images)
            region = None if inside is None else inside[clean_count:]
            changed, change = defects.tamper(
                upright, tampering, _TAMPERED, known=self._known, inside=region
            )
            change = tf.concat([tf.zeros_like(turned[..., :1]), change], 0)
            where = []
            if inside is not None:
                # Turned as the images are.
                turned_inside, _ = rotate_sampled_others(inside[:clean_count], turns)
                where = [tf.concat([turned_inside, inside[clean_count:]], 0)]
                # Neither a defect nor none: see `location_loss`.
                change = tf.where(where[0] > 0.0, change, 0.5)
            return (
                self._learning_rate(tf.cast(step, tf.float32), steps),
                tf.concat([turned, changed], 0),
                tf.concat([turned, upright], 0),
                change,
                d,
                *where,
            )

        return batches.map(as_written(tampered), num_parallel_calls=2)

    def share(self, batch: tuple[tf.Tensor, ...], number: int, replicas: int) -> Any:
        """Of both the clean images and the others."""
        rate, x, clean, change, d, *inside = batch
        count = d.shape[0]

        def of_both(x: tf.Tensor) -> tf.Tensor:
            parts = (x[:count], count), (x[count:], self.config.batch_size - count)
            return tf.concat([rows(part, number, replicas, size) for part, size in parts], 0)

        images = map(of_both, (x, clean, change))
        return rate, *images, rows(d, number, replicas, count), *map(of_both, inside)

    def _learning_rate(self, step: tf.Tensor, steps: int) -> tf.Tensor:
        """A warm-up, then half a cosine down to 0."""
        warm = tf.minimum(1.0, (step + 1) / _WARM_UP)
        return self.config.learning_rate * warm * 0.5 * (1 + tf.cos(math.pi * step / steps))

    def train_step(self, batch: tuple[tf.Tensor, ...]) -> Outputs:
        rate, *_ = batch
        self.optimizer.learning_rate.assign(rate)
        return super().train_step(batch)

    def losses_of(self, batch: tuple[tf.Tensor, ...], training: bool) -> Outputs:
        _, x, clean, change, d, *inside = batch
        count, together = d.shape[0], replicas.count()
        turned = count * together  # in the whole batch
        x, clean = _standard(x), _standard(clean)
        *maps, z = self.encoder(x, training=training)
        # Tensors of their own, so that gradients are summed two by two: see
        # `losses.binary_cross_entropy`.
        z_located, z_others = tf.identity(z), tf.identity(z)
        logits = self.locating_decoder([*maps, z_located], training=training)
        # Without turned images, which would teach that lines are normal in any direction.
        if together == 1:
            change, logits = _without(change, count), _without(logits, count)
        else:
            # The first of the whole batch is in one share alone: the others are ignored instead.
            ignored = tf.reshape(d != 0, [count, 1, 1, 1])
            change = tf.concat([tf.where(ignored, 0.5, change[:count]), change[count:]], 0)
        focal, dice = location_loss(change, logits)
        error = tf.square(self.decoder(z_others, training=training) - clean)
        l_rec = tf.reduce_mean(error * inside[0] if inside else error)
        guess = self.classifier(
            [z_others[:count], self.side_encoder(x[:count], training=training)], training=training
        )
        # One of the n images has rotation 0, n - 1 share the other three: all four weigh alike.
        weights = tf.where(d == 0, turned / ROTATIONS, turned * 3 / ROTATIONS / (turned - 1))
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(d, guess)
        l_cls = tf.reduce_mean(weights * cross_entropy)
        return {
            "loss": _W_FOCAL * focal + _W_DICE * dice + _W_REC * l_rec + _W_CLS * l_cls,
            "l_focal": focal,
            "l_dice": dice,
            "l_rec": l_rec,
            "l_cls": l_cls,
            "rotation_accuracy": share_correct(d, guess),
        }

    def _seen(self, x: tf.Tensor) -> tf.Tensor:
        """Images `[B, T, T, C]` as the networks see them."""
        return tf.nn.avg_pool2d(x, 2, 2, "VALID") if self._halved else x

    def _inside_seen(self, images: tf.Tensor) -> tf.Tensor | None:
        """As `inside`, for what `_seen` gives: 1 where a pixel is made of nothing else."""
        inside = self.inside(images)
        return None if inside is None else tf.floor(self._seen(inside) + 1e-3)

    def networks(self, images: tf.Tensor) -> Outputs:
        whole, inside = self.preprocess(images), self.inside(images)
        x = self._seen(whole)
        count = tf.shape(x)[0]
        stack = _standard(rotate_stack(x))
        all_maps = self.encoder(stack, training=False)
        maps = [level[:count] for level in all_maps]
        logits = self.classifier(
            [all_maps[-1], self.side_encoder(stack, training=False)], training=False
        )
        located = self.locating_decoder(maps, training=False)
        location = tf.sigmoid(located)
        rebuilt = tf.clip_by_value(_restored(self.decoder(maps[-1], training=False)), 0.0, 1.0)
        enlarged = self.only_inside(images, self._enlarged(rebuilt), whole)
        if inside is not None:
            location *= _pooled_to(inside, location)
            rebuilt = composed(self._seen(inside), rebuilt, x)
        window = max(1, round(_WINDOW * location.shape[1]))
        peak = tf.reduce_max(tf.nn.avg_pool2d(location, window, 1, "SAME"), axis=[1, 2, 3])
        area = tf.reduce_mean(location, axis=[1, 2, 3])
        if inside is not None:
            area /= tf.maximum(tf.reduce_mean(inside, axis=[1, 2, 3]), _EPSILON)
        a_tex, a_win, windows = self.texture(whole, inside)
        shown = self._map(located, windows)
        return {
            "a_rec": scores.a_rec(x, rebuilt),
            "a_log": scores.a_log(logits),
            "a_peak": tf.math.log(peak + _EPSILON) - tf.math.log(1.0 - peak + _EPSILON),
            "a_area": tf.math.log(area + _EPSILON),
            "a_fea": self.gaussian(_pooled(maps, inside))[:, 0],
            "a_tex": a_tex,
            "a_win": a_win,
            "reconstruction": enlarged,
            "rotation_probabilities": scores.rotation_probabilities(logits),
            "location": shown if inside is None else shown * inside[..., 0],
        }

    def _enlarged(self, x: tf.Tensor) -> tf.Tensor:
        """`[B, t, t, D] -> [B, T, T, D]`."""
        return tf.image.resize(x, [self.config.image_size] * 2)

    def _map(self, located: tf.Tensor, windows: tf.Tensor) -> tf.Tensor:
        """`[B, T, T]` in 0..1: the located defects, and how unusual each window is.

        A window that is as far from normal as the farthest ones of similar images usually are adds
        nothing.
        """
        distances = self._enlarged(windows[..., tf.newaxis])
        return tf.sigmoid(self._enlarged(located) + _DISTANCE * distances)[..., 0]

    def combine(self, outputs: Outputs) -> Outputs:
        """Fisher's method over how rare each score is among held-out normal images."""
        tails = {name: tail(outputs[name]) for name, tail in self.tails.items()}
        return {
            **outputs,
            "a_def": tails["a_peak"] + tails["a_area"],
            # Small defects are the hard ones, and the windows see them best.
            "a_all": tails["a_win"]
            + _REST * tails["a_peak"]
            + _REST * tf.add_n([tails[name] for name in _WHOLE]) / len(_WHOLE),
        }

    def fit_features(self, batches: tf.data.Dataset) -> None:
        """The Gaussians, to the training images."""

        def pooled(images: tf.Tensor) -> tf.Tensor:
            x = self._seen(self.preprocess(images))
            return _pooled(self.encoder(_standard(x), training=False), self.inside(images))

        def textures(images: tf.Tensor) -> tuple[tf.Tensor, ...]:
            inside = self.inside(images)
            return (self.preprocess(images), *([] if inside is None else [inside]))

        def moved(number: tf.Tensor, images: tf.Tensor) -> tuple[tf.Tensor, ...]:
            seed = tf.stack([tf.cast(self.config.seed, tf.int64), number])
            x, *inside = textures(images)
            return placement.moved(x, seed, *inside)

        self.gaussian.fit(map(np.asarray, map(graph(pooled), batches)))
        self.texture.fit(
            batches.map(as_written(textures)), batches.enumerate().map(as_written(moved))
        )

    def fit_normalisation(self, scores: Mapping[str, np.ndarray]) -> None:
        for name, tail in self.tails.items():
            tail.fit(scores[name])

    def deciding_score(self, rotation_accuracy: float | None) -> str:
        return "a_all"


def _clean_count(config: Config) -> int:
    """How many images of a batch stay clean."""
    return math.ceil(_CLEAN_SHARE * config.batch_size)


def _in_other_light(x: tf.Tensor, draws: Draws) -> tf.Tensor:
    """Images `[B, T, T, C]` in 0..1, each a little brighter or darker: still normal."""
    column = [x.shape[0], 1, 1, 1]
    gain = tf.exp(draws.uniform(column, -_GAIN, _GAIN))
    return tf.clip_by_value(x * gain + draws.uniform(column, -_OFFSET, _OFFSET), 0.0, 1.0)


def _standard(x: tf.Tensor) -> tf.Tensor:
    """[0, 1] to about mean 0 and deviation 1."""
    return (x - 0.5) * 4.0


def _restored(x: tf.Tensor) -> tf.Tensor:
    return x / 4.0 + 0.5


def _without(batch: tf.Tensor, turned: int) -> tf.Tensor:
    """A batch without its turned images: the first `turned`, except the very first."""
    return tf.concat([batch[:1], batch[turned:]], 0)


def _pooled(maps: list[tf.Tensor], inside: tf.Tensor | None) -> tf.Tensor:
    """Mean and deviation over an image, or over its `inside`, `[B, T, T, 1]`, of each channel of
    E1's maps, without the first map: `[B, 1, D]`.
    """
    if inside is None:
        parts = [moments(tf.reduce_mean, level, axis=[1, 2]) for level in maps[1:]]
    else:
        parts = [moments(mean_inside, level, _pooled_to(inside, level)) for level in maps[1:]]
    return tf.concat([part for level in parts for part in level], axis=1)[:, tf.newaxis]


def _pooled_to(inside: tf.Tensor, level: tf.Tensor) -> tf.Tensor:
    """How much of each place of a map `[B, h, w, D]` is inside: `[B, T, T, 1] -> [B, h, w, 1]`."""
    block = inside.shape[1] // level.shape[1]
    return tf.nn.avg_pool2d(inside, block, block, "VALID")
