import keras
import numpy as np
import pytest

from tf_ssae.detectors.weight_average import WeightAverage


def test_average_by_hand():
    variable = keras.Variable([2.0])
    average = WeightAverage([variable], 0.999)
    # min(0.999, (1 + step) / (10 + step)): 2/11, then 3/12.
    variable.assign([13.0])
    average.update([variable], 1)
    variable.assign([1.0])
    average.update([variable], 2)
    average.assign_to([variable])
    after_one = 2 / 11 * 2 + 9 / 11 * 13
    assert variable.numpy()[0] == pytest.approx(0.25 * after_one + 0.75 * 1)


def test_momentum_is_what_was_asked_for_in_the_end():
    variable = keras.Variable([0.0])
    average = WeightAverage([variable], 0.999)
    variable.assign([1.0])
    average.update([variable], 1_000_000)
    average.assign_to([variable])
    np.testing.assert_allclose(variable, [0.001], rtol=1e-4)
