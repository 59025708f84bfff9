"""Images that are parts of one picture, such as square tiles: which belong together, and what they
score together.
"""

import numpy as np


def largest(values, pictures):
    """The largest of the values of each picture: `[N]` and the picture of each, int `[N]` in runs,
    `-> [M]`.
    """
    return np.maximum.reduceat(values, first_parts(pictures))


def first_parts(pictures):
    """Where the parts of each picture begin: the picture of each part, int `[N]` in runs, `-> int
    [M]`.
    """
    return np.flatnonzero(np.concatenate([[True], pictures[1:] != pictures[:-1]]))
