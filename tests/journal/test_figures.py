"""Figures of days: from counts and from the chain alike, added up, and compared figure by figure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.documents.figures import (
    Difference,
    Share,
    Sums,
    Topic,
    damaged_lines,
    differences,
    of_counts,
    of_records,
    together,
)
from journal.intake.days import sums
from policy.categories import BY_ID
from storage.evidence import Body, Kind, Record
from storage.journal_db import Tally

DAY = date(2026, 11, 2)
AT = datetime(2026, 11, 3, 1, tzinfo=UTC)

PUPILS = Tally("214", "pupils", "allow", "default", "")
GAMES = Tally("214", "pupils", "block", "category", "games")
LEVEL = Tally("", "pupils", "block", "level", "")
TERROR = Tally("", "staff", "block", "locked", "terrorism")
SERVICE = Tally("", "staff", "block", "service", "youtube")
ALL = (PUPILS, GAMES, LEVEL, TERROR, SERVICE)

tallies = st.builds(
    Tally,
    st.sampled_from(["", "214", "hall"]),
    st.sampled_from(["pupils", "staff"]),
    st.sampled_from(["allow", "block", "rewrite", "refuse"]),
    st.sampled_from(["level", "category", "default"]),
    st.sampled_from(["", "games", "adult", "youtube"]),
)
hours = st.builds("2026-11-{:02d}T{:02d}".format, st.integers(1, 4), st.integers(0, 23))
counted = st.lists(st.tuples(hours, tallies, st.integers(1, 10**9)), max_size=30)


def record(body: Body, number: int = 1) -> Record:
    """Return a record of a day."""
    return Record(number, AT, Kind.DAY, "schoolfilter", body, "", "")


def of_all(numbers: tuple[int, ...] = (5, 4, 3, 2, 1)) -> Sums:
    """Return the figures of a day on which each tally of ALL was met so often."""
    return of_counts((f"{DAY}T10", tally, number) for tally, number in zip(ALL, numbers, strict=True))[DAY]


def test_each_figure_is_the_sum_of_what_it_speaks_of() -> None:
    found = of_all()
    assert found.share == Share(15, 10)
    assert found.actions == {"allow": 5, "block": 10}
    assert found.blocked == {"games": 4, "level": 3, "terrorism": 2, "youtube": 1}
    assert found.rooms == {"214": Share(9, 4), "": Share(6, 6)}
    assert found.groups == {"pupils": Share(12, 7), "staff": Share(3, 3)}
    assert found.severities() == {"unlawful": 2, "unrelated": 4, "": 4}


@given(counted)
def test_counts_and_records_of_days_say_the_same(counts: list[tuple[str, Tally, int]]) -> None:
    days = {date.fromisoformat(hour[:10]) for hour, _tally, _queries in counts}
    said = [
        record(sums(day, [each for each in counts if each[0].startswith(day.isoformat())], 0)) for day in sorted(days)
    ]
    assert of_counts(counts) == of_records(said)


@given(counted)
def test_severities_and_places_add_up_to_all(counts: list[tuple[str, Tally, int]]) -> None:
    whole = together(of_counts(counts).values())
    assert whole.queries == sum(queries for _hour, _tally, queries in counts) == sum(whole.actions.values())
    assert whole.blocked_queries == sum(whole.blocked.values()) == sum(whole.severities().values())
    for places in (whole.rooms, whole.groups):
        assert Share(*map(sum, zip(*places.values(), strict=True))) == whole.share if places else whole == Sums()


def test_of_several_records_of_a_day_the_last_one_counts() -> None:
    first, second = ({"date": "2026-11-02", "queries": queries, "damaged": 10 - queries} for queries in (7, 8))
    assert of_records([record(first), record(second, 2)])[DAY].queries == 8
    assert damaged_lines([record(first), record(second, 2)]) == {DAY: 2}


@pytest.mark.parametrize("day", ["", "x", "2026-13-01", "0001-01-01"])
def test_what_names_no_day_stops_no_report(day: str) -> None:
    good, damaged = record({"date": "2026-11-02", "queries": 7, "damaged": 3}), record({"date": day, "damaged": 9}, 2)
    assert of_records([good, damaged])[DAY].queries == 7
    assert damaged_lines([good, damaged]) == {DAY: 3}
    tally = Tally("", "pupils", "allow", "default", "")
    assert of_counts([(f"{day}T09", tally, 5), ("2026-11-02T09", tally, 7)])[DAY].queries == 7


@pytest.mark.parametrize("place", range(len(ALL)))
def test_one_query_too_many_is_named_wherever_it_is(place: int) -> None:
    numbers = [5, 4, 3, 2, 1]
    numbers[place] += 1
    tally = ALL[place]
    found = differences(DAY, of_all(), of_all(tuple(numbers)))
    named = {(each.topic, each.item) for each in found}
    expected = {(Topic.QUERIES, ""), (Topic.ACTION, tally.action), (Topic.ROOM, tally.room), (Topic.GROUP, tally.group)}
    assert named == expected | ({(Topic.BLOCKED, tally.category or tally.reason)} if tally.action == "block" else set())
    assert all(each.other.queries == each.one.queries + 1 and each.day == DAY for each in found)


def test_a_figure_that_only_one_source_has_is_a_difference() -> None:
    one, other = Sums(1, {"block": 1}, {"games": 1}), Sums(1, {"block": 1}, {"adult": 1})
    assert differences(None, one, other) == [
        Difference(None, Topic.BLOCKED, "adult", Share(), Share(1, 1)),
        Difference(None, Topic.BLOCKED, "games", Share(1, 1), Share()),
    ]
    assert differences(None, one, one) == []


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ((9, 4, 3, 2, 1), set()),
        ((5, 5, 3, 2, 1), {"block", "games", "214", "pupils"}),
    ],
)
def test_where_allowed_queries_are_not_kept_only_blocked_ones_are_compared(
    changed: tuple[int, ...], named: set[str]
) -> None:
    assert {each.item for each in differences(DAY, of_all(), of_all(changed), only_blocked=True)} == named


def test_every_category_has_a_severity_in_the_figures() -> None:
    blocked: Mapping[str, int] = dict.fromkeys(BY_ID, 1)
    found = Sums(len(blocked), {"block": len(blocked)}, blocked).severities()
    assert "" not in found
    assert sum(found.values()) == len(BY_ID)
