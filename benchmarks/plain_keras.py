"""A detector as it would be without the work on its speed: Keras' own layers and update."""

import contextlib
from unittest import mock

import keras

from tf_ssae.detectors import registry
from tf_ssae.networks import classifier, decoder, egbad, encoder, ganomaly


def make_plain(config, image_shape):
    """As `registry.make`, with the same initial weights, of Keras' own layers."""

    def batch_normalization(**kwargs):
        return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, **kwargs)

    def output_convolution(filters, **kwargs):
        return keras.layers.Conv2DTranspose(filters, 4, padding="same", **kwargs)

    with contextlib.ExitStack() as patches:
        for networks in (encoder, classifier, egbad, ganomaly):
            patches.enter_context(
                mock.patch.object(networks, "BatchNormalization", batch_normalization)
            )
        patches.enter_context(mock.patch.object(decoder, "OutputConvolution", output_convolution))
        for networks in (encoder, decoder, ganomaly):
            for module in ("whole_map", "strided"):
                patches.enter_context(mock.patch.object(networks, module, keras.layers))
        detector = registry.make(config, image_shape)
    detector._apply = lambda gradients: detector.optimizer.apply(
        gradients, detector.trainable_variables
    )
    return detector
