import pytest

from tf_ssae.config import Config
from tf_ssae.ops.limits import Limits


def test_units_are_millions():
    assert (Limits(largest_image=24.5).pixels, Limits(largest_file=0.2).bytes) == (
        24_500_000,
        200_000,
    )


@pytest.mark.parametrize(
    "name, value",
    [
        ("largest_image", 0.0),
        ("largest_image", 100.1),
        ("largest_image", float("nan")),
        ("largest_file", 0.0),
        ("largest_file", float("inf")),
        ("most_scans", 0),
    ],
)
def test_what_lets_nothing_or_too_much_through_is_refused(name, value):
    for make in (Limits, Config):
        with pytest.raises(ValueError, match=f"{name}={value}: expected"):
            make(**{name: value})
