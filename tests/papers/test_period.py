"""What act and report say of a period: shares that do not lie, numbers of incidents as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.blocks import number
from papers.period import runs, share
from translations import spoken


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (0, 0, "–"),
        (0, 10, "0.0 %"),
        (10, 10, "100.0 %"),
        (1, 3, "33.3 %"),
        (2, 3, "66.7 %"),
        (1, 1_000_000, "0.1 %"),
        (999_999, 1_000_000, "99.9 %"),
        (98_765, 1_234_567, "8.0 %"),
    ],
)
def test_a_share_is_rounded_and_never_to_nothing_or_all_where_it_is_neither(part: int, whole: int, said: str) -> None:
    with spoken("en"):
        assert share(part, whole) == said
    with spoken("kk"):
        assert share(part, whole) == said.replace(".", ",")


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([], ""),
        (["2026-11-0007"], "2026-11-0007"),
        (["2026-11-0003", "2026-11-0001", "2026-11-0002"], "2026-11-0001–0003"),
        (["2026-11-0001", "2026-11-0003"], "2026-11-0001, 0003"),
        (["2026-10-0009", "2026-11-0001", "2026-11-0002"], "2026-10-0009, 2026-11-0001–0002"),
        (["2026-10-0001", "2026-11-0002"], "2026-10-0001, 2026-11-0002"),
        (["2026-11-9999", "2026-11-10000"], "2026-11-10000, 9999"),
    ],
)
def test_numbers_that_follow_each_other_are_one_run(ids: list[str], said: str) -> None:
    assert runs(ids) == said


@given(st.integers(0, 10**12))
def test_a_grouped_number_is_the_number(count: int) -> None:
    assert int(number(count).replace(" ", "")) == count
    assert all(len(group) == 3 for group in number(count).split(" ")[1:])
