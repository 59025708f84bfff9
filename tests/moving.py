"""Which variables a training step moved."""

import numpy as np


def values(variables):
    return [variable.numpy() for variable in variables]


def moved(variables, before):
    """Of each variable, whether it did."""
    return {
        not np.array_equal(variable, old) for variable, old in zip(variables, before, strict=True)
    }
