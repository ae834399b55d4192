"""A stretch of time is proven to be whole by the names of segments alone: they count, and each hour has one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.trust.coverage import gaps, named, stops, within
from journal.trust.verdict import Stop


def name(hour: int, sequence: int, worker: int = 0, *, minute: int = 0, day: int = 2) -> str:
    return f"202611{day:02d}T{hour:02d}{minute:02d}00-w{worker}-{sequence:04d}.tsv"


RUN = [name(hour, hour - 3) for hour in range(4, 10)]
"""A worker that began at four."""


def test_a_run_without_a_gap() -> None:
    assert list(gaps(RUN)) == []
    assert list(stops(RUN)) == []


def any_time(sequence: int, moment: datetime, worker: int = 0) -> str:
    return f"{moment:%Y%m%dT%H%M%S}-w{worker}-{sequence:04d}.tsv"


CLOCKS = st.datetimes(datetime(1970, 1, 1), datetime(2090, 1, 1))  # noqa: DTZ001 - names have no zone
"""What a clock without a battery may say."""


@pytest.mark.parametrize("taken", range(1, len(RUN) - 1))
def test_each_segment_taken_out_of_a_run_is_named_by_the_one_behind_it(taken: int) -> None:
    left = [each for each in RUN if each != RUN[taken]]
    assert list(gaps(left)) == [RUN[taken + 1]]
    assert list(stops(left)) == [Stop(0, datetime(2026, 11, 2, 4 + taken, tzinfo=UTC), 1)]


def test_numbers_go_on_when_a_worker_starts_again() -> None:
    assert list(gaps([name(4, 1), name(5, 2), name(5, 3, minute=30), name(6, 4)])) == []
    assert list(gaps([name(4, 1), name(5, 2), name(3, 4, day=3)])) == [name(3, 4, day=3)]


def test_a_hole_around_a_start_is_named_whatever_the_clock_said_then() -> None:
    before, after = [name(4, 1), name(5, 2)], [name(6, 6), name(7, 7)]
    for year in ("1970", "2026", "2090"):
        early = f"{year}{name(0, 4)[4:]}"
        assert list(gaps([*before, early, *after])) == [early, name(6, 6)]


@given(
    clocks=st.lists(CLOCKS, min_size=3, max_size=25),
    first=st.integers(2, 12_000),
    data=st.data(),
)
def test_one_hole_is_named_once_by_what_stands_behind_it_and_nothing_else_is(
    clocks: list[datetime], first: int, data: st.DataObject
) -> None:
    """Closed in any order at all: what was written while the journal stood still is taken in by its names."""
    names = [any_time(first + at, moment) for at, moment in enumerate(clocks)]
    order = data.draw(st.permutations(names))
    assert list(gaps(order)) == []
    taken = data.draw(st.sets(st.sampled_from(names[1:-1])))
    behind = {names[at + 1] for at in range(len(names) - 1) if names[at] in taken and names[at + 1] not in taken}
    assert sorted(gaps([each for each in order if each not in taken])) == sorted(behind)


@given(runs=st.lists(st.lists(CLOCKS, min_size=2, max_size=9), min_size=1, max_size=4), data=st.data())
def test_a_folder_that_was_lost_begins_another_run(runs: list[list[datetime]], data: st.DataObject) -> None:
    """With 1, or with a number that the rest of the folder leaves to it."""
    names: list[str] = []
    behind: list[str] = []
    left: list[str] = []
    first = 1
    for run in runs:
        mine = [any_time(first + at, moment) for at, moment in enumerate(run)]
        taken = data.draw(st.sets(st.sampled_from(mine[1:-1]), max_size=1)) if len(mine) > 2 else set()
        behind += [mine[mine.index(each) + 1] for each in taken]
        names += mine
        left += [each for each in mine if each not in taken]
        first = data.draw(st.sampled_from([1, first, first + len(mine) - 1]))
    assert list(gaps(names)) == []
    found = list(gaps(left))
    # A segment closed a moment before in the run beside it may be taken for the one that is gone: never a wrong name.
    assert set(found) <= set(behind)
    if len(runs) == 1:
        assert found == behind


def test_runs_that_begin_within_one_second_are_told_apart() -> None:
    """As older logs have them, in which each start began with 1."""
    assert list(gaps([name(4, 6), name(5, 7), name(5, 1), name(6, 2), name(7, 3)])) == []
    assert list(gaps([name(4, 6), name(5, 1), name(5, 2), name(6, 3)])) == []
    assert list(gaps([name(4, 6), name(5, 8), name(5, 1), name(6, 2)])) == [name(5, 8)]


def test_two_runs_may_lie_among_each_other_where_a_clock_was_put_back() -> None:
    """The last of a folder that was lost is closed after the first of the new one, the first after the second."""
    old = [name(hour, hour) for hour in range(1, 6)]
    new = [name(4, 1, minute=30), name(4, 2, minute=40), name(5, 3)]
    assert list(gaps([*old[:4], new[0], old[4], *new[1:]])) == []
    assert list(gaps([*old[:4], *new[:2], old[4], new[2]])) == []
    assert list(gaps([*old, new[1], new[0], new[2]])) == []
    assert list(gaps([*old[:3], new[0], old[4], *new[1:]])) == [old[4]]


def test_numbers_of_five_digits_follow_those_of_four() -> None:
    names = [name(3, 9998), name(4, 9999), name(5, 10_000), name(6, 10_001)]
    assert list(gaps(names)) == []
    assert list(gaps([names[0], *names[2:]])) == [names[2]]


def test_a_clock_that_was_put_back_takes_nothing_away() -> None:
    before = [name(3, 1), name(4, 2), name(5, 3)]
    after = [name(3, 4, minute=30), name(4, 5), name(5, 6), name(6, 7)]
    assert list(gaps([*before, *after])) == []
    assert list(gaps([*before[:2], after[0], before[2], *after[1:]])) == []
    assert list(gaps([*before, *after[:2], *after[3:]])) == [after[3]]
    assert list(gaps([*before[:2], *after])) == [after[0]]


def test_a_clock_put_back_by_years_takes_nothing_away() -> None:
    before = [f"2030{name(hour, hour - 2)[4:]}" for hour in (3, 4, 5)]
    assert list(gaps([*before, *(name(hour, hour) for hour in range(4, 9))])) == []


def test_another_run_that_ended_with_the_number_does_not_hide_a_gap() -> None:
    ended = [name(hour, hour) for hour in range(1, 4)]
    again = [name(hour, hour - 7) for hour in range(8, 14)]
    later = [name(hour, hour, day=3) for hour in range(1, 3)]
    for missing in range(1, 5):
        left = [each for each in again if each != again[missing]]
        assert list(gaps([*ended, *left, *later])) == [again[missing + 1]]


def test_workers_are_told_apart() -> None:
    both = [*RUN, name(4, 1, 1), name(6, 2, 1), name(7, 4, 1)]
    assert list(gaps(both)) == [name(7, 4, 1)]
    assert list(stops(both)) == [Stop(1, datetime(2026, 11, 2, 5, tzinfo=UTC), 1)]


def test_of_what_came_before_the_first_that_is_known_nothing_is_said() -> None:
    assert list(gaps([name(6, 17), name(7, 18)])) == []


def test_a_full_segment_is_followed_within_the_hour() -> None:
    names = [name(4, 1), name(4, 2, minute=10), name(4, 3, minute=50), name(5, 4)]
    assert list(gaps(names)) == []
    assert list(stops(names)) == []


def test_a_stop_lasts_until_the_hour_in_which_there_is_a_segment_again() -> None:
    (stop,) = stops([name(4, 1, minute=59), name(3, 1, minute=5, day=3)])
    assert stop == Stop(0, datetime(2026, 11, 2, 5, tzinfo=UTC), 22)
    assert stop.over == datetime(2026, 11, 3, 3, tzinfo=UTC)


def test_which_segments_can_hold_lines_of_a_stretch() -> None:
    at = datetime(2026, 11, 2, 6, tzinfo=UTC)
    assert [each for each in RUN if within(each, at, at + timedelta(hours=2))] == RUN[1:4]
    assert [each for each in RUN if within(each, None, at)] == RUN[:2]
    assert [each for each in RUN if within(each, at, None)] == RUN[1:]


@pytest.mark.parametrize(
    "other", ["", "x.tsv", "20261302T040000-w0-0001.tsv", "20261102T040000-w0-0001.tsv.gz", "../x"]
)
def test_other_files_are_no_segments(other: str) -> None:
    assert named(other) is None
    assert not within(other, None, None)
    assert list(gaps([other, *RUN])) == []
