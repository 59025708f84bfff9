"""The precision that networks compute in: float32, or bfloat16, whose products modern processors
compute about twice as fast. Their weights, their statistics and what they give are float32 in both.
"""

import keras
import tensorflow as tf
from keras import layers

from tf_ssae.system import processor

_POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
# From Ampere on.
_CAPABILITY = (8, 0)


@keras.saving.register_keras_serializable(package="tf_ssae")
class Float32(layers.Layer):
    """The end of a network: what it gives is float32, whatever it computes in, since losses and
    scores add up many numbers, or small differences.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.cast(inputs, tf.float32)

    def compute_output_shape(self, shape: tuple) -> tuple:
        return shape


def compute_in(network: keras.Model, precision: str) -> None:
    """Sets the precision of a functional model, "float32" or "bfloat16"; its weights stay as they
    are, and what was traced before.

    Raises:
        ValueError: an output does not come from `Float32`.
    """
    ends = {id(layer.output) for layer in network.layers if isinstance(layer, Float32)}
    if not ends >= set(map(id, network.outputs)):
        raise ValueError(
            f"{network.name} cannot compute in {precision}: each of its outputs has to come from"
            " tf_ssae.networks.precision.Float32."
        )
    for layer in network.layers:
        if not isinstance(layer, Float32 | layers.InputLayer):
            layer.dtype_policy = _POLICIES[precision]


def fastest() -> str:
    """ "bfloat16" where this machine multiplies in it: a GPU or, by its flags, the processor; else
    "float32".
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        has_it = details.get("compute_capability", (0, 0)) >= _CAPABILITY
    else:
        has_it = bool(processor.bfloat16())
    return "bfloat16" if has_it else "float32"
