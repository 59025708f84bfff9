"""A detector as a SavedModel for TF Serving. It loads where neither this package nor Keras is
installed.
"""

import tensorflow as tf

from tf_ssae.export import image_files
from tf_ssae.export.requirements import require, require_size
from tf_ssae.ops import tiles

DESCRIPTION = "detector.json"


def write(detector, folder):
    """Writes a SavedModel with four signatures. Batch size, image height and image width are free
    in each.

    * `serving_default`: `images`, uint8 `[N, H, W, C]` -> every score, float32 `[N]`.
    * `serving_bytes`: `image_bytes`, string `[N]`, each a PNG or JPEG file of its own size -> the
      same.
    * `decide`: `image_bytes` -> every score, and `is_anomaly`, bool `[N]`: whether the score that
      decides is above its threshold.
    * `explain`: `images` -> every score and what the detector explains it by, for each of the T
      squares that an image is cut into: `reconstruction` and `squared_error`, `[N, T, S, S, C]`;
      `rotation_probabilities`, `[N, T, 4]`, that of the true rotation for each of the four.

    Images of another size than the detector's are cut into squares as `config.crop` says, which are
    resized; an image scores as its most anomalous square. A request without images, of another
    channel count, of images that are too small, too long or too large (see `resizing`), or with
    bytes that are no image fails with an error that says so.
    """
    size, _, channels = detector.image_shape
    crop, decides, threshold = (
        detector.config.crop,
        detector.decision_score,
        detector.thresholds[int(detector.decision_index)],
    )

    def evidence_of(squares):
        """`[N, T, S, S, C] ->` the evidence of every square: `[N, T, ...]`."""
        shape = tf.shape(squares)
        flat = tf.ensure_shape(
            tf.reshape(squares, [-1, size, size, channels]), [None, size, size, channels]
        )
        outputs = detector.explain(flat)
        return {
            name: tf.reshape(value, tf.concat([shape[:2], tf.shape(value)[1:]], 0))
            for name, value in outputs.items()
        }

    def scores_of(evidence):
        return {name: tf.reduce_max(evidence[name], axis=1) for name in detector.score_names}

    def squares_of(images):
        with tf.control_dependencies(
            [
                require(
                    tf.shape(images)[0] > 0,
                    "images: the batch is empty; expected at least one image.",
                ),
                require_size("images", tf.shape(images)[1], tf.shape(images)[2]),
                require(
                    tf.shape(images)[3] == channels,
                    f"images: wrong channel count; expected {channels} (shape [N, H, W,"
                    f" {channels}]).",
                ),
            ]
        ):
            images = tf.identity(images)
        return tiles.squares(tf.ensure_shape(images, [None, None, None, channels]), size, crop)

    def scores_of_files(image_bytes):
        with tf.control_dependencies(
            [
                require(
                    tf.shape(image_bytes)[0] > 0,
                    "image_bytes: the batch is empty; expected at least one image.",
                ),
                image_files.require_png_or_jpeg(image_bytes),
            ]
        ):
            image_bytes = tf.identity(image_bytes)

        # Files differ in size, and so in their number of squares: all squares are scored at once,
        # and told apart after.
        def squares_of_file(data):
            return tiles.squares(image_files.decode(data, channels)[tf.newaxis], size, crop)[0]

        spec = tf.RaggedTensorSpec([None, size, size, channels], tf.uint8, ragged_rank=0)
        squares = tf.map_fn(squares_of_file, image_bytes, fn_output_signature=spec)
        flat = scores_of(evidence_of(squares.flat_values[:, tf.newaxis]))
        return {
            name: tf.reduce_max(squares.with_flat_values(value), axis=1)
            for name, value in flat.items()
        }

    images_spec = tf.TensorSpec([None, None, None, None], tf.uint8, name="images")
    bytes_spec = tf.TensorSpec([None], tf.string, name="image_bytes")

    @tf.function(input_signature=[images_spec])
    def serving_default(images):
        return scores_of(evidence_of(squares_of(images)))

    @tf.function(input_signature=[bytes_spec])
    def serving_bytes(image_bytes):
        return scores_of_files(image_bytes)

    @tf.function(input_signature=[bytes_spec])
    def decide(image_bytes):
        scores = scores_of_files(image_bytes)
        return {**scores, "is_anomaly": scores[decides] > threshold}

    @tf.function(input_signature=[images_spec])
    def explain(images):
        outputs = evidence_of(squares_of(images))
        return {**outputs, **scores_of(outputs)}

    # A plain module, not the Keras model: the file then needs nothing but TensorFlow.
    module = tf.Module()
    module.weights = [variable.value for variable in detector.variables]
    functions = (serving_default, serving_bytes, decide, explain)
    signatures = {function.python_function.__name__: function for function in functions}
    tf.saved_model.save(module, str(folder), signatures)


def load(folder):
    """What a SavedModel that `write` wrote answers: `(score, explain)`, each a function of uint8
    `[N, H, W, C]`.

    They return the outputs of `serving_default` and of `explain`, as numpy arrays.
    """
    # A signature alone does not keep the model's variables alive: the functions hold on to the
    # whole.
    loaded = tf.saved_model.load(str(folder))

    def answers(signature):
        def answer(images):
            outputs = loaded.signatures[signature](images=tf.constant(images))
            return {name: value.numpy() for name, value in outputs.items()}

        return answer

    return answers("serving_default"), answers("explain")


def load_decide(folder):
    """What `decide` of a SavedModel that `write` wrote answers: a function of N PNG or JPEG files,
    a list of bytes.

    It returns every score, float32 `[N]`, and `is_anomaly`, bool `[N]`, as numpy arrays.
    """
    loaded = tf.saved_model.load(str(folder))

    def decide(files):
        return {
            name: value.numpy()
            for name, value in loaded.signatures["decide"](image_bytes=tf.constant(files)).items()
        }

    return decide
