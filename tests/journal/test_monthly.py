"""The figures of a month: what they cover, and that no difference between their sources is hidden."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from journal.documents.figures import Share, Sums, Topic
from journal.documents.monthly import (
    Counted,
    Month,
    Outcome,
    Source,
    bounds,
    compared_until,
    month_of,
    with_count,
)
from journal.incidents import Rule, State
from journal.intake.days import sums
from storage.evidence import Kind, Record
from storage.journal_db import Tally

ZONE = ZoneInfo("Asia/Almaty")
GAMES = Tally("214", "pupils", "block", "category", "games")
LEVEL = Tally("", "pupils", "block", "level", "")
OPEN = Tally("214", "pupils", "allow", "default", "")
COUNTS = [
    ("2026-11-02T09", OPEN, 10),
    ("2026-11-02T10", GAMES, 3),
    ("2026-11-03T10", OPEN, 5),
    ("2026-11-30T23", LEVEL, 2),
]
LATER = date(2026, 12, 20)
LONG_AFTER = datetime(2027, 2, 1, tzinfo=UTC)


class Chain:
    """Records, one behind the other."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def add(self, kind: Kind, body: dict[str, Any], at: datetime = datetime(2026, 11, 15, tzinfo=UTC)) -> int:
        self.records.append(Record(len(self.records) + 1, at, kind, "asanova", body, "", ""))
        return len(self.records)

    def day(self, day: str, damaged: int = 0) -> None:
        counts = [each for each in COUNTS if each[0].startswith(day)]
        self.add(Kind.DAY, dict(sums(date.fromisoformat(day), counts, damaged)))

    def incident(self, number: int, rule: Rule = Rule.ATTEMPT, category: str = "adult", month: str = "2026-11") -> int:
        kind = Kind.REPORTED if rule is Rule.REPORT else Kind.INCIDENT
        body = {"id": f"{month}-{number:04d}", "rule": rule, "audience": "class-teacher", "category": category}
        return self.add(kind, {**body, "first": f"{month}-05T10:00:00.000+05:00", "queries": 3})


@pytest.fixture
def chain() -> Chain:
    """A chain in which all days with queries are closed."""
    found = Chain()
    for day in ("2026-11-02", "2026-11-03", "2026-11-30"):
        found.day(day)
    return found


def of(chain: Chain, today: date = LATER, counts: Sequence[tuple[str, Tally, int]] = COUNTS) -> Month:
    return month_of("2026-11", today, chain.records, counts, ZONE)


COUNTED = Counted(
    {date(2026, 11, 2): Share(13, 3), date(2026, 11, 3): Share(5, 0), date(2026, 11, 30): Share(2, 2)},
    Sums(
        20,
        {"allow": 15, "block": 5},
        {"games": 3, "": 2},
        {"214": Share(18, 3), "": Share(2, 2)},
        {"pupils": Share(20, 5)},
    ),
)
"""What a count by category gives: what no category decided stands under an empty one."""


def test_a_month_that_is_over_and_closed_is_finished_and_reconciled(chain: Chain) -> None:
    month = with_count(of(chain), COUNTED)
    assert (month.first, month.last, month.until) == (date(2026, 11, 1), date(2026, 11, 30), date(2026, 11, 30))
    assert month.finished
    assert month.sums.share == Share(20, 5)
    assert [(check.source, check.outcome) for check in month.checks] == [
        (Source.DAYS, Outcome.AGREES),
        (Source.LOG, Outcome.AGREES),
    ]
    assert month.reconciled
    assert month.agrees
    assert len(month.silent) == 27
    assert len(month.silent) + len(month.days) == 30


def test_a_month_that_is_not_over_is_marked_and_counts_up_to_today(chain: Chain) -> None:
    month = of(chain, date(2026, 11, 3), [*COUNTS[:3]])
    assert not month.finished
    assert month.until == date(2026, 11, 3)
    assert month.silent == [date(2026, 11, 1)]


def test_the_last_day_of_the_month_is_not_over_while_its_day_is_open() -> None:
    chain = Chain()
    chain.day("2026-11-02")
    chain.day("2026-11-03")
    month = of(chain, date(2026, 11, 30))
    assert not month.finished
    assert month.open_days == [date(2026, 11, 30)]
    assert compared_until(month) == date(2026, 11, 3)


def test_nothing_is_compared_before_the_first_day_is_closed() -> None:
    month = with_count(of(Chain()), None)
    assert {check.outcome for check in month.checks} == {Outcome.NOT_HELD}
    assert not month.reconciled
    assert month.agrees


@pytest.mark.parametrize("place", range(len(COUNTS)))
def test_counts_that_differ_from_a_record_by_one_query_are_told_with_their_day(chain: Chain, place: int) -> None:
    hour, tally, queries = COUNTS[place]
    month = of(chain, counts=[*COUNTS[:place], (hour, tally, queries + 1), *COUNTS[place + 1 :]])
    (check,) = month.checks
    assert check.outcome is Outcome.DIFFERS
    assert {each.day for each in check.differences} == {date.fromisoformat(hour[:10])}
    assert not month.reconciled
    assert not month.agrees


def test_a_day_that_the_counts_lack_is_a_difference(chain: Chain) -> None:
    month = of(chain, counts=COUNTS[:2])
    assert month.checks[0].outcome is Outcome.DIFFERS
    assert {each.day for each in month.checks[0].differences} == {date(2026, 11, 3), date(2026, 11, 30)}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"days": {**COUNTED.days, date(2026, 11, 3): Share(6, 0)}}, {(date(2026, 11, 3), Topic.QUERIES, "")}),
        ({"days": {**COUNTED.days, date(2026, 11, 9): Share(1, 0)}}, {(date(2026, 11, 9), Topic.QUERIES, "")}),
        ({"days": {}}, {(date(2026, 11, day), Topic.QUERIES, "") for day in (2, 3, 30)}),
        (
            {"whole": replace(COUNTED.whole, blocked={"adult": 3, "": 2})},
            {(None, Topic.BLOCKED, "adult"), (None, Topic.BLOCKED, "games")},
        ),
        (
            {"whole": replace(COUNTED.whole, rooms={"": Share(20, 5)})},
            {(None, Topic.ROOM, ""), (None, Topic.ROOM, "214")},
        ),
    ],
)
def test_a_log_that_differs_is_told_figure_by_figure(
    chain: Chain, changed: dict[str, Any], named: set[tuple[date | None, Topic, str]]
) -> None:
    month = with_count(of(chain), replace(COUNTED, **changed))
    assert month.checks[1].outcome is Outcome.DIFFERS
    assert {(each.day, each.topic, each.item) for each in month.checks[1].differences} == named
    assert not month.reconciled


def test_a_log_without_what_was_allowed_is_compared_by_what_was_blocked(chain: Chain) -> None:
    only_blocked = Counted(
        {date(2026, 11, 2): Share(3, 3), date(2026, 11, 30): Share(2, 2)},
        Sums(5, {"block": 5}, {"games": 3, "": 2}, {"214": Share(3, 3), "": Share(2, 2)}, {"pupils": Share(5, 5)}),
        only_blocked=True,
    )
    month = with_count(of(chain), only_blocked)
    assert month.checks[1].outcome is Outcome.AGREES
    assert month.checks[1].only_blocked
    assert with_count(of(chain), replace(only_blocked, only_blocked=False)).checks[1].outcome is Outcome.DIFFERS


ERASED = Counted(
    {**COUNTED.days, date(2026, 11, 2): Share(11, 2)},
    Sums(
        18,
        {"allow": 14, "block": 4},
        {"games": 2, "": 2},
        {"214": Share(16, 2), "": Share(2, 2)},
        {"pupils": Share(18, 4)},
    ),
    erased=2,
)


@pytest.mark.parametrize(
    ("counted", "outcome"),
    [
        (ERASED, Outcome.ERASED),
        (replace(ERASED, erased=0), Outcome.DIFFERS),
        (replace(ERASED, erased=1), Outcome.DIFFERS),
        (replace(ERASED, days={**ERASED.days, date(2026, 11, 3): Share(6, 0)}), Outcome.DIFFERS),
        (replace(COUNTED, erased=2), Outcome.AGREES),
    ],
)
def test_what_was_erased_on_request_explains_no_more_than_that(
    chain: Chain, counted: Counted, outcome: Outcome
) -> None:
    month = with_count(of(chain), counted)
    assert month.checks[1].outcome is outcome
    assert month.reconciled == (outcome is not Outcome.DIFFERS)


def test_a_log_that_cannot_be_read_is_told_and_nothing_is_reconciled(chain: Chain) -> None:
    month = with_count(of(chain), None, "no space left")
    assert (month.checks[1].outcome, month.checks[1].detail) == (Outcome.UNREADABLE, "no space left")
    assert not month.reconciled


def test_a_log_that_is_gone_leaves_the_records_to_reconcile_with(chain: Chain) -> None:
    month = with_count(of(chain), None)
    assert month.checks[1].outcome is Outcome.NOT_HELD
    assert month.reconciled


def test_incidents_are_those_numbered_in_the_month_as_they_stand_now(chain: Chain) -> None:
    told = chain.incident(2)
    closed = chain.incident(1, Rule.AT_RISK, "self-harm")
    chain.incident(3, Rule.REPORT, "")
    chain.incident(1, month="2026-10")
    chain.add(Kind.TOLD, {"incident": told, "arrived": False})
    chain.add(Kind.TOLD, {"incident": told, "arrived": True})
    chain.add(Kind.TOLD, {"incident": closed, "arrived": False})
    after = datetime(2026, 12, 9, tzinfo=UTC)
    chain.add(Kind.REVIEW, {"incident": closed}, after)
    chain.add(Kind.CLOSED, {"incident": closed}, after)
    month = of(chain)
    assert [each.id for each in month.incidents] == ["2026-11-0001", "2026-11-0002", "2026-11-0003"]
    assert month.told == {told}
    assert {rule: dict(states) for rule, states in month.by_rule().items()} == {
        Rule.ATTEMPT: {State.TOLD: 1},
        Rule.AT_RISK: {State.CLOSED: 1},
        Rule.REPORT: {State.NEW: 1},
    }
    assert month.by_category() == {"adult": 1, "self-harm": 1}
    assert [each.id for each in month.open_incidents] == ["2026-11-0002", "2026-11-0003"]


def test_alarms_and_briefings_are_those_entered_in_the_month_by_the_schools_clock(chain: Chain) -> None:
    before, first = datetime(2026, 10, 31, 18, 59, tzinfo=UTC), datetime(2026, 10, 31, 19, tzinfo=UTC)
    last, after = datetime(2026, 11, 30, 18, 59, tzinfo=UTC), datetime(2026, 11, 30, 19, tzinfo=UTC)
    for at in (before, first, last, after):
        alarm = chain.add(Kind.ALARM, {"what": "segment-lost"}, at)
        if at in (first, after):
            chain.add(Kind.SETTLED, {"alarm": alarm}, LONG_AFTER)
        chain.add(Kind.PAPER, {"paper": "briefing"}, at)
        chain.add(Kind.PAPER, {"paper": "act"}, at)
    month = of(chain)
    assert [(each.record.at, each.settled and each.settled.at) for each in month.alarms] == [
        (first, LONG_AFTER),
        (last, None),
    ]
    assert month.briefings == 2


def test_a_month_says_when_the_journal_was_begun_if_that_was_after_its_first_day(chain: Chain) -> None:
    assert of(chain).begun is None
    early, late = Chain(), Chain()
    early.add(Kind.BEGUN, {}, datetime(2026, 10, 31, 19, tzinfo=UTC))
    late.add(Kind.BEGUN, {}, datetime(2026, 11, 28, 19, tzinfo=UTC))
    assert of(early).begun is None
    assert of(late).begun == date(2026, 11, 29)
    assert of(late, counts=[]).silent == [date(2026, 11, 29), date(2026, 11, 30)]


def test_tests_for_acts_of_the_month_are_told_and_the_figures_stay_those_of_the_log(chain: Chain) -> None:
    before = of(chain)
    chain.add(Kind.PAPER, {"paper": "act", "asked": {"games": 2}, "asked_closed": 2})
    month = of(chain)
    assert (before.own_tests, month.own_tests) == (0, 2)
    assert month.sums == before.sums


def test_damaged_lines_are_those_of_the_month(chain: Chain) -> None:
    chain.day("2026-10-31", damaged=2)
    chain.day("2026-11-03", damaged=4)
    chain.day("2026-11-04", damaged=1)
    chain.day("2026-12-01", damaged=8)
    assert of(chain).damaged == 5


@pytest.mark.parametrize(("month", "last"), [("2026-11", 30), ("2026-12", 31), ("2026-02", 28), ("2028-02", 29)])
def test_a_month_has_its_last_day(month: str, last: int) -> None:
    assert [day.isoformat() for day in bounds(month)] == [f"{month}-01", f"{month}-{last}"]


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "november", "", "2026-11-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"[Ii]nvalid|month"):
        bounds(text)
