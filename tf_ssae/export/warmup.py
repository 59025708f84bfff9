"""Warm-up requests, which TF Serving replays before a model answers, so that no client waits for
what is done once.
"""

import pathlib

import numpy as np
import tensorflow as tf

FILE = "assets.extra/tf_serving_warmup_requests"


def write(saved_model_folder: pathlib.Path, model_name: str, images: np.ndarray) -> None:
    """Writes two requests per signature, with one image and with all of `images`, uint8
    `[N, S, S, C]`.

    Needs the package tensorflow-serving-api (the extra `serving`); without it no file is written,
    and a line is printed.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        print(
            "No warm-up requests: they need tensorflow-serving-api (pip install"
            " 'tf_ssae[serving]').",
            flush=True,
        )
        return
    path = saved_model_folder / FILE
    path.parent.mkdir(exist_ok=True)
    encoded = tf.stack([tf.io.encode_png(image) for image in images])
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in (
            ("serving_default", {"images": tf.constant(images)}),
            ("serving_bytes", {"image_bytes": encoded}),
            ("decide", {"image_bytes": encoded}),
            ("decide_images", {"images": tf.constant(images)}),
            ("explain", {"images": tf.constant(images)}),
        ):
            for count in sorted({1, len(images)}):
                request = predict_pb2.PredictRequest()
                request.model_spec.name = model_name
                request.model_spec.signature_name = signature
                for name, tensor in inputs.items():
                    request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor[:count]))
                log = prediction_log_pb2.PredictionLog(
                    predict_log=prediction_log_pb2.PredictLog(request=request)
                )
                writer.write(log.SerializeToString())
