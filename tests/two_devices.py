"""A program for `training/replicated_test.py`: two devices beside one, in a process whose CPU is
two of them. It fails by an assertion.
"""

import functools
import json
import pathlib
import sys

from tf_ssae.cli import plugins, quiet

quiet.import_tensorflow()

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

(CPU,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(CPU, [tf.config.LogicalDeviceConfiguration()] * 2)

from tf_ssae import runs  # noqa: E402
from tf_ssae.data import digits, pipeline  # noqa: E402
from tf_ssae.data.protocols import split  # noqa: E402
from tf_ssae.detectors import registry  # noqa: E402
from tf_ssae.networks.fast.batch_normalization import BatchNormalization  # noqa: E402
from tf_ssae.ops.losses import location_loss  # noqa: E402
from tf_ssae.training import replicated, run, strategies  # noqa: E402

MIRRORED = strategies.make("mirrored")
ONE = strategies.Strategy("", tf.distribute.get_strategy())
RNG = np.random.default_rng(0)


def shared(function, *arrays):
    """What a function of arrays gives on one device, and the mean of what it gives on two for their
    halves; lists of tensors.
    """
    found = []
    for distribution in (ONE.distribution, MIRRORED.distribution):
        count = distribution.num_replicas_in_sync
        parts = [np.split(x, count) for x in arrays]
        values = [
            distribution.experimental_distribute_values_from_function(
                lambda replica, part=part: tf.constant(part[replica.replica_id_in_sync_group])
            )
            for part in parts
        ]
        with distribution.scope():
            made = function()
        results = tf.function(functools.partial(distribution.run, made))(args=values)
        found.append([distribution.reduce("MEAN", value, axis=None).numpy() for value in results])
    return found


def batch_norm_has_the_statistics_of_the_whole_batch():
    def made():
        layer = BatchNormalization()
        layer.build([None, 4, 4, 3])

        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(layer(x, training=True) - y))
            gradients = tape.gradient(loss, [layer.gamma.value, layer.beta.value])
            return [loss, *gradients, layer.moving_mean.value + 0, layer.moving_variance.value + 0]

        return step

    # Halves that differ, or each one's own statistics would nearly do.
    x = RNG.normal(2, 1, [16, 4, 4, 3]) + np.repeat([0, 3], 8)[:, None, None, None]
    one, two = shared(made, x.astype(np.float32), RNG.normal(size=x.shape).astype(np.float32))
    for ours, theirs in zip(two, one, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def defects_are_located_over_the_whole_batch():
    def made():
        def step(change, logits):
            with tf.GradientTape() as tape:
                tape.watch(logits)
                focal, dice = location_loss(change, logits)
                loss = focal + dice
            return [focal, dice, tf.reduce_sum(tf.square(tape.gradient(loss, logits)))]

        return step

    # Most defects are in the first half.
    change = (RNG.random([4, 8, 8, 1]) < np.array([0.9, 0.5, 0.1, 0.0])[:, None, None, None]) * 1.0
    logits = RNG.normal(size=[4, 4, 4, 1])
    one, two = shared(made, change.astype(np.float32), logits.astype(np.float32))
    np.testing.assert_allclose(two[:2], one[:2], rtol=1e-5)
    # A replica's gradient is that of all their losses, of which the optimizer takes the mean; and
    # of squares of two halves the mean is half of the sum.
    np.testing.assert_allclose(two[2] / 4 * 2, one[2], rtol=1e-5)


def steps(strategy, config, data, count=5):
    """A detector after some steps, and its history."""
    detector, chosen = registry.make(config, data.image_shape), split(data, config)
    if strategy is ONE:
        batches = pipeline.training_batches(data.images, chosen.train.index, config)
        batches = detector.prepare(batches, count)
        history = detector.fit(batches, steps_per_epoch=count, shuffle=False, verbose=0).history
        return detector, {name: values[0] for name, values in history.items()}
    history = keras.callbacks.History()
    replicated.Replicated(detector, strategy).fit(chosen, count, 0, [history], verbose=0)
    return detector, {name: values[0] for name, values in history.history.items()}


def five_steps_of_two_are_five_steps_of_one():
    config = registry.preset("digits", detector="autoencoder", batch_size=16, epochs=1)
    data = digits.load(config, None)
    before = registry.make(config, data.image_shape)
    (one, logs), (two, logs_of_two) = (
        steps(strategy, config, data) for strategy in (ONE, MIRRORED)
    )
    for name, value in logs.items():
        np.testing.assert_allclose(logs_of_two[name], value, rtol=1e-3)
    start, ours, theirs = (
        np.concatenate([v.numpy().ravel() for v in detector.trainable_variables])
        for detector in (before, two, one)
    )
    # Not one by one: Adam takes whole steps along gradients that are but rounding.
    assert np.abs(ours - theirs).mean() < 0.01 * np.abs(theirs - start).mean()


def a_run_resumes_and_is_the_same_again(folder, plugin, flags):
    plugins.load([plugin])
    config = registry.preset("digits", **json.loads(flags))

    def interrupt(epoch, logs):
        if epoch == 1:
            raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)
    run.train(config, folder / "whole", strategy="mirrored")
    try:
        run.train(config, folder / "run", watch=lambda *_: [stop], strategy="mirrored")
        raise AssertionError("not interrupted")
    except KeyboardInterrupt:
        run.train(config, folder / "run", strategy="mirrored")
    weights = [runs.load(folder / name).get_weights() for name in ("whole", "run")]
    for uninterrupted, resumed in zip(*weights, strict=True):
        np.testing.assert_array_equal(resumed, uninterrupted)


if __name__ == "__main__":
    batch_norm_has_the_statistics_of_the_whole_batch()
    defects_are_located_over_the_whole_batch()
    five_steps_of_two_are_five_steps_of_one()
    a_run_resumes_and_is_the_same_again(*map(pathlib.Path, sys.argv[1:3]), sys.argv[3])
