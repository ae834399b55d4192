"""What people type: several requests at once are read as they are printed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.errors import Misuse
from cli.typed import numbers_of
from cli.words import ranges


@settings(deadline=None)
@given(st.sets(st.integers(1, 300) | st.integers(999_990, 1_000_010)))
def test_numbers_are_read_as_they_are_printed(numbers: set[int]) -> None:
    assert numbers_of(ranges(numbers).split()) == sorted(numbers)


@pytest.mark.parametrize(("typed", "numbers"), [(["5"], [5]), (["5-7", "6", "2"], [5, 6, 7, 2]), ([], [])])
def test_each_number_counts_once(typed: list[str], numbers: list[int]) -> None:
    assert numbers_of(typed) == numbers


@pytest.mark.parametrize("text", ["", "-", "7-5", "5-", "-5", "5--7", "five", "5,6", "٥", "1-99999999", "1-9999999999"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="found"):
        numbers_of([text])
