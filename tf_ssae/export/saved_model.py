"""A detector as a SavedModel for TF Serving. It loads where neither this package nor Keras is installed."""

import tensorflow as tf

from tf_ssae.native_logs import held_back_stderr
from tf_ssae.networks.resizing import resize_square


def write(detector, folder):
    """Writes a SavedModel with three signatures. Batch size, image height and image width are free in each.

    * `serving_default`: `images`, uint8 `[N, H, W, C]` -> every score, float32 `[N]`.
    * `serving_bytes`: `image_bytes`, string `[N]`, each a PNG or JPEG file of its own size -> the same.
    * `explain`: `images` -> every score and what the detector explains it by: `reconstruction` and `squared_error`,
      `[N, 32, 32, C]`; `rotation_probabilities`, `[N, 4]`, that of the true rotation for each of the four.

    Images of another size than the detector's are cropped to their centre square and resized. A request without images,
    of another channel count, or with bytes that are no image fails with an error that says so.
    """
    size, _, channels = detector.image_shape

    def explained(squares):
        return detector.explain(squares / 255.0)

    def scores(squares):
        outputs = explained(squares)
        return {name: outputs[name] for name in detector.score_names}

    def squares_of(images):
        with tf.control_dependencies(
            [
                _require(tf.shape(images)[0] > 0, "images: the batch is empty; expected at least one image."),
                _require(tf.reduce_all(tf.shape(images)[1:3] > 0), "images: an image has no pixels."),
                _require(
                    tf.shape(images)[3] == channels,
                    f"images: wrong channel count; expected {channels} (shape [N, H, W, {channels}]).",
                ),
            ]
        ):
            images = tf.identity(images)
        return resize_square(tf.ensure_shape(images, [None, None, None, channels]), size)

    def decoded(image_bytes):
        is_image = tf.map_fn(_is_png_or_jpeg, image_bytes, fn_output_signature=tf.bool)
        with tf.control_dependencies(
            [
                _require(tf.shape(image_bytes)[0] > 0, "image_bytes: the batch is empty; expected at least one image."),
                tf.debugging.Assert(
                    tf.reduce_all(is_image), ["image_bytes: neither PNG nor JPEG at index", tf.where(~is_image)[:, 0]]
                ),
            ]
        ):
            image_bytes = tf.identity(image_bytes)

        def decode(data):
            image = tf.io.decode_image(data, channels=channels, expand_animations=False)
            return resize_square(tf.ensure_shape(image, [None, None, channels])[tf.newaxis], size)[0]

        return tf.map_fn(decode, image_bytes, fn_output_signature=tf.TensorSpec([size, size, channels], tf.float32))

    images_spec = tf.TensorSpec([None, None, None, None], tf.uint8, name="images")
    bytes_spec = tf.TensorSpec([None], tf.string, name="image_bytes")

    @tf.function(input_signature=[images_spec])
    def serving_default(images):
        return scores(squares_of(images))

    @tf.function(input_signature=[bytes_spec])
    def serving_bytes(image_bytes):
        return scores(decoded(image_bytes))

    @tf.function(input_signature=[images_spec])
    def explain(images):
        squares = squares_of(images)
        outputs = dict(explained(squares))
        if "rotation_probabilities" in outputs:
            outputs["rotation_probabilities"] = tf.linalg.diag_part(outputs["rotation_probabilities"])
        if "reconstruction" in outputs:
            x = detector.preprocess(squares / 255.0)
            outputs["squared_error"] = tf.square(x - outputs["reconstruction"])
        return outputs

    # A plain module, not the Keras model: the file then needs nothing but TensorFlow.
    module = tf.Module()
    module.weights = [variable.value for variable in detector.variables]
    signatures = {"serving_default": serving_default, "serving_bytes": serving_bytes, "explain": explain}
    with held_back_stderr():
        tf.saved_model.save(module, str(folder), signatures)


def load(folder):
    """The scores of a SavedModel that `write` wrote, as a function: uint8 `[N, H, W, C]` -> `{score name: numpy [N]}`."""
    # The signature alone does not keep the model's variables alive: the function holds on to the whole.
    loaded = tf.saved_model.load(str(folder))

    def score(images):
        outputs = loaded.signatures["serving_default"](images=tf.constant(images))
        return {name: value.numpy() for name, value in outputs.items()}

    return score


def _require(condition, message):
    return tf.debugging.Assert(condition, [message])


def _is_png_or_jpeg(data):
    return (tf.strings.substr(data, 0, 4) == b"\x89PNG") | (tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff")
