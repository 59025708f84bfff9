"""A function over many images: it gets every image once, and padding leaves no trace."""

import numpy as np
import pytest
import tensorflow as tf

from tf_ssae.ops.batched import at_once, in_batches, joined, of_any_number, padded


def images(count):
    """Image i is of the value i + 1 throughout."""
    return np.full((count, 2, 2, 1), np.arange(1, count + 1).reshape(-1, 1, 1, 1), np.float32)


class Recorder:
    """A function of images, as detectors are: what was it called with?"""

    def __init__(self):
        self.seen = []

    def __call__(self, batch):
        self.seen.append(np.asarray(batch))
        return {"sum": np.sum(batch, axis=(1, 2, 3)), "image": np.asarray(batch)}


@pytest.mark.parametrize("count", [1, 3, 4])
def test_padded_calls_with_full_batches_and_drops_the_outputs_for_zeros(count):
    function = Recorder()
    found = padded(function, 4)(images(count))
    (seen,) = function.seen
    assert seen.shape == (4, 2, 2, 1) and not seen[count:].any()
    np.testing.assert_array_equal(seen[:count], images(count))
    assert found["sum"].tolist() == [4 * (i + 1) for i in range(count)]
    np.testing.assert_array_equal(found["image"], images(count))


def test_padded_gives_arrays_and_compiles_once():
    traces = []

    @tf.function
    def function(batch):
        traces.append(batch.shape)
        return {"sum": tf.reduce_sum(batch, [1, 2, 3])}

    of_batch = padded(function, 4)
    for count in (2, 4, 1):
        for batch in (images(count), tf.constant(images(count))):
            found = of_batch(batch)["sum"]
            assert (
                isinstance(found, np.ndarray) and found.tolist() == [4.0, 8.0, 12.0, 16.0][:count]
            )
    assert traces == [(4, 2, 2, 1)]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_function_of_any_number_is_traced_once_a_type(jit_compile):
    traces = []

    def function(batch):
        traces.append(batch.shape[0])
        return {"sum": tf.reduce_sum(tf.cast(batch, tf.int32), [1, 2, 3])}

    of_any = of_any_number(function, (2, 2, 1), jit_compile)
    for count in (3, 1, 300):
        wanted = (images(count) % 60).astype(np.uint8)
        for given in (wanted, tf.constant(wanted)):
            np.testing.assert_array_equal(of_any(given)["sum"], wanted.sum(axis=(1, 2, 3)))
    # XLA gets whole batches.
    assert traces == [at_once(2) if jit_compile else None]
    np.testing.assert_array_equal(of_any(wanted.astype(np.float32))["sum"], wanted.sum((1, 2, 3)))
    assert len(traces) == 2


def test_in_batches_takes_every_image_once_in_order():
    function = Recorder()
    found = in_batches(function, images(7), 3)
    assert [len(batch) for batch in function.seen] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(function.seen), images(7))
    assert found["sum"].tolist() == [4.0 * (i + 1) for i in range(7)]
    np.testing.assert_array_equal(found["image"], images(7))


def test_joined_keeps_names_order_and_types():
    parts = [
        {"a": np.array([1, 2], np.float32), "b": tf.constant([[True], [False]])},
        {"b": tf.constant([[True]]), "a": np.array([3], np.float32)},
    ]
    found = joined(iter(parts))
    assert list(found) == ["a", "b"]
    assert found["a"].dtype == np.float32 and found["a"].tolist() == [1, 2, 3]
    assert found["b"].dtype == bool and found["b"].tolist() == [[True], [False], [True]]
    assert joined([]) == {}
