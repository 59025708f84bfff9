import numpy as np
import pytest

from tf_ssae.report import axes


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.196, 0.844, [0.2, 0.4, 0.6, 0.8]),
        (-0.307, -0.259, [-0.3, -0.29, -0.28, -0.27, -0.26]),
        (-13, 4, [-10, -5, 0]),
        (0, 1234, [0, 250, 500, 750, 1000]),
        (7, 7, [7]),
    ],
)
def test_ticks_are_at_round_numbers(low, high, expected):
    np.testing.assert_allclose(axes.ticks(low, high), expected, atol=1e-12)


def test_ticks_are_few_within_the_range_and_evenly_spaced():
    generator = np.random.default_rng(0)
    for _ in range(1000):
        low = generator.normal() * 10 ** generator.uniform(-6, 6)
        high = low + 10 ** generator.uniform(-3, 6)
        found = np.array(axes.ticks(low, high))
        assert 3 <= len(found) <= 6
        slack = 1e-6 * (high - low)
        assert low - slack <= found.min() and found.max() <= high + slack
        np.testing.assert_allclose(np.diff(found), found[1] - found[0], rtol=1e-4)


@pytest.mark.parametrize(
    ("last", "expected"),
    [(2, [1, 2]), (5, [1, 2, 3, 4, 5]), (12, [2, 4, 6, 8, 10, 12]), (25, [5, 10, 15, 20, 25])],
)
def test_ticks_of_epochs_are_whole(last, expected):
    assert axes.ticks(1, last, whole=True) == expected


def test_numbers_are_short_and_none_is_minus_zero():
    numbers = (-0.0, 12345.6, 999.96, 0.123456, 1e-9, -1.5)
    assert [axes.number(value) for value in numbers] == [
        "0",
        "12,346",
        "1000",
        "0.1235",
        "1e-09",
        "-1.5",
    ]


def test_scale_runs_either_way_in_few_characters():
    down = axes.scale(10, 0, 170)
    assert [down(value) for value in (10, 0, 5, 3.3)] == ["0", "170", "85", "113.9"]
    assert down(10.001) == "0"


def test_curves_are_thinned_to_their_ends_and_their_shape():
    x = np.linspace(1, 0, 20_000)
    kept_x, kept_y = axes.thinned(x, x**8)
    assert len(kept_x) <= 300 and (kept_x[0], kept_x[-1]) == (1, 0)
    np.testing.assert_allclose(np.interp(0.9, kept_x[::-1], kept_y[::-1]), 0.9**8, atol=1e-3)
