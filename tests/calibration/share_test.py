"""Shares and their intervals."""

import numpy as np
import pytest

from tf_ssae.calibration.share import Share


def test_intervals_are_those_of_clopper_and_pearson():
    """None of n: 1 - 0.025^(1/n). One and two of ten: from tables."""
    none = Share.among(np.zeros(50, bool))
    assert (none.low, none.high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 50)))
    one = Share.among(np.arange(10) == 3)
    assert (one.count, one.of, one.share) == (1, 10, 0.1)
    assert (one.low, one.high) == (pytest.approx(0.0025, abs=1e-4), pytest.approx(0.4450, abs=1e-4))
    two = Share.among(np.arange(10) > 7)
    assert (two.low, two.high) == (pytest.approx(0.0252, abs=1e-4), pytest.approx(0.5561, abs=1e-4))


def test_a_share_in_words():
    assert str(Share.among(np.arange(10) == 3)) == "1 of 10, 10.0% (0.3% to 44.5%)"
