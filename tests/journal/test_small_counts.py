"""No hidden count can be worked out from what is published, also by who knows how counts are hidden."""

from collections import defaultdict
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.publishing.small_counts import LEAST, PublicRow, public_row

HIDDEN = set(range(LEAST))


def row_of(counts: tuple[int, ...]) -> PublicRow:
    return public_row(dict(zip("abcdef", counts, strict=False)))


def published(counts: tuple[int, ...]) -> tuple[object, ...]:
    row = row_of(counts)
    return (*row.counts.values(), row.total)


def give_away(kinds: int, most: int) -> list[tuple[tuple[object, ...], int, set[int]]]:
    """Return what publications leave fewer than all small values possible for a hidden count: all rows are tried."""
    alike: defaultdict[tuple[object, ...], list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(most), repeat=kinds):
        alike[published(counts)].append(counts)
    return [
        (said, place, values)
        for said, rows in alike.items()
        for place in range(kinds)
        if said[place] is None and (values := {counts[place] for counts in rows}) != HIDDEN
    ]


@pytest.mark.parametrize(("kinds", "most"), [(1, 20), (2, 20), (3, 14), (4, 9), (6, 5)])
def test_each_hidden_count_can_still_be_any_small_one(kinds: int, most: int) -> None:
    assert give_away(kinds, most) == []


@given(st.lists(st.integers(0, 30), min_size=6, max_size=6), st.integers(0, 5), st.integers(0, LEAST - 1))
def test_six_kinds_give_nothing_away(counts: list[int], place: int, other: int) -> None:
    """Whatever small value somebody guesses for a hidden count, there is a row of that value that looks the same."""
    said = published(tuple(counts))
    if said[place] is not None:
        return
    hidden = [at for at in range(6) if said[at] is None and at != place]
    for guesses in product(range(LEAST), repeat=len(hidden)):
        guess = list(counts)
        guess[place] = other
        for at, value in zip(hidden, guesses, strict=True):
            guess[at] = value
        if published(tuple(guess)) == said:
            return
    raise AssertionError(f"{counts}: {said} rules out {other} at {place}")


@pytest.mark.parametrize(
    ("counts", "shown", "total"),
    [
        ((7, 9), (7, 9), 16),
        ((7, 0), (7, None), None),
        ((7, 4), (7, None), None),
        ((0, 0, 0), (None, None, None), None),
        ((1, 2, 1), (None, None, None), None),
        ((2, 2, 1), (None, None, None), 5),
        ((10, 1, 3), (10, None, None), 14),
        ((10, 4, 4), (10, None, None), None),
        ((10, 0, 1), (10, None, None), None),
    ],
)
def test_what_is_told(counts: tuple[int, ...], shown: tuple[int | None, ...], total: int | None) -> None:
    row = row_of(counts)
    assert (tuple(row.counts.values()), row.total) == (shown, total)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6))
def test_what_is_told_is_true_and_not_small(counts: list[int]) -> None:
    row = row_of(tuple(counts))
    for true, told in zip(counts, row.counts.values(), strict=True):
        assert told == (true if true >= LEAST else None)
    assert row.total in (None, sum(counts))
    assert row.total is None or row.total >= LEAST
