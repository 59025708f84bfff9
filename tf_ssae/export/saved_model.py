"""A detector as a SavedModel for TF Serving. It loads where neither this package nor Keras is
installed.
"""

import pathlib

import tensorflow as tf

from tf_ssae.detectors.base import Detector, Outputs
from tf_ssae.export import image_files
from tf_ssae.export.requirements import NOTHING_LEFT, require, require_proportions, require_size
from tf_ssae.ops import tiles
from tf_ssae.ops.graph import graph
from tf_ssae.ops.limits import DEFAULTS, Limits


def write_tiles(detector: Detector, folder: str, batch_size: int | None = None) -> None:
    """Writes a SavedModel from which other formats are converted. Its one signature takes `images`,
    uint8 `[batch_size, S, S, C]` of the size the detector was trained on, and returns every score,
    float32 `[batch_size]`, by name.

    `batch_size`: fixed in the file; None: any.
    """
    spec = tf.TensorSpec([batch_size, *detector.image_shape], tf.uint8, name="images")

    @graph(input_signature=[spec])
    def scores(images: tf.Tensor) -> Outputs:
        return detector.call(images)

    module = tf.Module()
    module.weights = [variable.value for variable in detector.variables]
    tf.saved_model.save(module, folder, signatures=scores)


def write(detector: Detector, folder: pathlib.Path, limits: Limits = DEFAULTS) -> None:
    """Writes a SavedModel with five signatures. Batch size, image height and image width are free
    in each.

    * `serving_default`: `images`, uint8 `[N, H, W, C]` -> every score, float32 `[N]`.
    * `serving_bytes`: `image_bytes`, string `[N]`, each a PNG or JPEG file of its own size -> the
      same, and `error`, string `[N]`: why a file cannot be used, empty if it can. Its scores are
      then NaN; the files beside it are scored all the same.
    * `decide`: `image_bytes` -> the same, and `is_anomaly`, bool `[N]`: whether the score that
      decides is above its threshold, `decision`, string `[N]`: "normal", "review", "anomaly", or
      "unreadable" where there is an error, and, if images were held out, `p_value`, float32 `[N]`.
    * `decide_images`: `images`, such as a camera's frames -> the same.
    * `explain`: `images` -> every score and what it is computed from, for each of the T tiles that
      an image is cut into: `reconstruction` and `squared_error`, `[N, T, S, S, C]`;
      `rotation_probabilities`, `[N, T, 4]`, that of the true rotation for each of the four.

    Images of another size than the detector's are cut into tiles, as it was trained, and resized;
    an image scores as its most anomalous tile. Of a region of interest the mask is in the file; a
    signature more, `explain_tiles`, then takes tiles as `data.reader` cuts them. A request fails,
    with an error that says why, if it has no images, or `images` of another channel count, too
    small, too long or too large (see `ops.limits`), or that do not fit the region.
    """
    size, _, channels = detector.image_shape
    calibration = detector.calibration
    how = (size, detector.config.crop, detector.config.tile_size)

    # A variable, since a constant would be in the graph once for each signature.
    roi = detector.roi
    region = None if roi is None else tf.Variable(roi.mask, trainable=False)

    def region_of() -> tf.Tensor | None:
        return None if region is None else tf.convert_to_tensor(region)

    def evidence_of(cut: tf.Tensor) -> Outputs:
        """`[N, T, S, S, C] ->` the evidence of every tile: `[N, T, ...]`."""
        shape = tf.shape(cut)
        flat = tf.ensure_shape(
            tf.reshape(cut, [-1, size, size, channels]), [None, size, size, channels]
        )
        outputs = detector.explain(flat)
        return {
            name: tf.reshape(value, tf.concat([shape[:2], tf.shape(value)[1:]], 0))
            for name, value in outputs.items()
        }

    def scores_of(evidence: Outputs) -> Outputs:
        return {name: tf.reduce_max(evidence[name], axis=1) for name in detector.score_names}

    def tiles_of(images: tf.Tensor) -> tf.Tensor:
        """`[N, H, W, C] -> [N, T, S, S, C]`."""
        height, width = tf.shape(images)[1], tf.shape(images)[2]
        required = [
            require(
                tf.shape(images)[0] > 0,
                "images: the batch is empty; expected at least one image.",
            ),
            require_size("images", height, width, limits),
            require(
                tf.shape(images)[3] == channels,
                f"images: wrong channel count; expected {channels} (shape [N, H, W, {channels}]).",
            ),
        ]
        if roi is not None:
            required.append(require_proportions("images", height, width, roi))
        with tf.control_dependencies(required):
            images = tf.ensure_shape(tf.identity(images), [None, None, None, channels])
        found = tiles.cut(images, *how, region_of())
        if roi is None:
            return found
        left = require(tf.shape(found)[1] > 0, f"images: {NOTHING_LEFT}.")
        with tf.control_dependencies([left]):
            return tf.identity(found)

    def scores_of_files(image_bytes: tf.Tensor) -> Outputs:
        """Every score, and `error`."""
        is_there = require(
            tf.shape(image_bytes)[0] > 0,
            "image_bytes: the batch is empty; expected at least one image.",
        )
        with tf.control_dependencies([is_there]):
            image_bytes = tf.identity(image_bytes)

        # Files differ in size, and so in their number of tiles: the tiles of all files are scored
        # in one batch.
        def tiles_of_file(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return image_files.read(
                data,
                channels,
                lambda image: tiles.cut(image[tf.newaxis], *how, region_of())[0],
                tf.zeros([1, size, size, channels], tf.uint8),
                limits,
                roi,
            )

        of_tiles = tf.RaggedTensorSpec([None, size, size, channels], tf.uint8, ragged_rank=0)
        spec = (of_tiles, tf.TensorSpec([], tf.string))
        cut, error = tf.map_fn(tiles_of_file, image_bytes, fn_output_signature=spec)
        flat = scores_of(evidence_of(cut.flat_values[:, tf.newaxis]))
        return with_errors(
            {
                name: tf.reduce_max(cut.with_flat_values(value), axis=1)
                for name, value in flat.items()
            },
            error,
        )

    def with_errors(scores: Outputs, error: tf.Tensor) -> Outputs:
        """Adds `error`, and makes the scores NaN where there is one."""
        values = tf.stack([scores[name] for name in detector.score_names])
        # Compared with a threshold, NaN would be called normal.
        broken = ~tf.reduce_all(tf.math.is_finite(values), axis=0)
        error = tf.where((error == "") & broken, "its scores are not numbers", error)
        missing = {
            name: tf.where(error == "", value, float("nan")) for name, value in scores.items()
        }
        return {**missing, "error": error}

    def decided(scores: Outputs) -> Outputs:
        is_anomaly = calibration.is_anomaly(scores)
        other = tf.where(calibration.is_review(scores), "review", "normal")
        decision = tf.where(is_anomaly, "anomaly", other)
        decision = tf.where(scores["error"] == "", decision, "unreadable")
        return {**scores, "is_anomaly": is_anomaly, "decision": decision, **p_value_of(scores)}

    def p_value_of(scores: Outputs) -> Outputs:
        """As `conformal.p_values`; NaN where there is an error."""
        if not calibration.held_out:
            return {}
        name = calibration.deciding_score
        kept = tf.constant(calibration.scores[name], tf.float64)
        below = tf.searchsorted(kept, tf.cast(scores[name], tf.float64), side="left")
        as_high = 1 - tf.cast(below, tf.float64) / len(calibration.scores[name])
        p_value = (1 + calibration.images * as_high) / (calibration.images + 1)
        p_value = tf.cast(p_value, tf.float32)
        return {"p_value": tf.where(scores["error"] == "", p_value, float("nan"))}

    images_spec = tf.TensorSpec([None, None, None, None], tf.uint8, name="images")
    bytes_spec = tf.TensorSpec([None], tf.string, name="image_bytes")

    @graph(input_signature=[images_spec])
    def serving_default(images: tf.Tensor) -> Outputs:
        return scores_of(evidence_of(tiles_of(images)))

    @graph(input_signature=[bytes_spec])
    def serving_bytes(image_bytes: tf.Tensor) -> Outputs:
        return scores_of_files(image_bytes)

    @graph(input_signature=[bytes_spec])
    def decide(image_bytes: tf.Tensor) -> Outputs:
        return decided(scores_of_files(image_bytes))

    @graph(input_signature=[images_spec])
    def decide_images(images: tf.Tensor) -> Outputs:
        scores = scores_of(evidence_of(tiles_of(images)))
        return decided(with_errors(scores, tf.fill(tf.shape(images)[:1], "")))

    @graph(input_signature=[images_spec])
    def explain(images: tf.Tensor) -> Outputs:
        outputs = evidence_of(tiles_of(images))
        return {**outputs, **scores_of(outputs)}

    tile_spec = tf.TensorSpec([None, *detector.image_shape], tf.uint8, name="images")

    @graph(input_signature=[tile_spec])
    def explain_tiles(images: tf.Tensor) -> Outputs:
        return detector.explain(images)

    # A plain module, not the Keras model: the file then needs nothing but TensorFlow.
    module = tf.Module()
    module.weights = [variable.value for variable in detector.variables]
    module.region = region
    functions = [serving_default, serving_bytes, decide, decide_images, explain]
    # Else an image of a tile's size is that tile.
    functions += [] if roi is None else [explain_tiles]
    signatures = {function.python_function.__name__: function for function in functions}
    tf.saved_model.save(module, str(folder), signatures)
