"""Which variables were moved by a training step."""

import numpy as np


def values(variables):
    return [variable.numpy() for variable in variables]


def moved(variables, before):
    """Whether each variable moved, as a set."""
    return {
        not np.array_equal(variable, old) for variable, old in zip(variables, before, strict=True)
    }
