"""Counts, shares, sizes and spans of time as people read them."""

import pytest

from cli.amounts import duration, share


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-1, "0 s"), (59, "59 s"), (61, "1 min"), (3660, "1 h 1 min"), (90_000, "1 d 1 h")]
)
def test_duration_names_the_two_largest_units(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_a_share_of_nothing_is_no_number() -> None:
    assert share(0, 0) == "-"
