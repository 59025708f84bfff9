"""Error maps by hand."""

import numpy as np
import pytest

from tf_ssae.evaluation import maps


def test_a_map_is_the_error_of_all_channels_smoothed():
    error = np.zeros([2, 32, 32, 3], np.float32)
    error[0, 16, 16] = 1
    found = maps.error_maps(error)
    assert found.shape == (2, 32, 32) and not found[1].any()
    # A normal distribution of standard deviation 1, a 32nd of the side: 3 / (2 pi) at its centre.
    assert found[0].sum() == pytest.approx(3, rel=1e-5)
    assert found[0, 16, 16] == found[0].max() == pytest.approx(0.4775, rel=1e-3)
