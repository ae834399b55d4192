"""What the monthly report says: the figures of a month, and whether the sources of them agree. Pure (R3 3.7, R4)."""

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta, tzinfo
from enum import StrEnum

from journal.documents.beginning import begun_after
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
from journal.documents.kept_papers import PaperKind
from journal.documents.own_tests import closed_by_tests
from journal.incidents import KINDS, Incident, Rule, State, replay
from journal.trust.settling import ALARM_KINDS, ToldAlarm, alarms_told_by
from policy.subjects import subject
from storage.evidence import Kind, Record, text, whole
from storage.journal_db import Tally

RECORDS = (*KINDS, Kind.BEGUN, Kind.DAY, Kind.PAPER, *ALARM_KINDS)
"""The records that a report is told from."""


class Source(StrEnum):
    """From where the figures of the counts are checked."""

    DAYS = "days"
    """The records of days that are over, in the chain."""
    LOG = "log"
    """The lines themselves, counted anew: segments and archive."""


class Outcome(StrEnum):
    """What came of a comparison."""

    AGREES = "agrees"
    ERASED = "erased"
    """It agrees, but for queries that were erased on request, as the chain says."""
    DIFFERS = "differs"
    NOT_HELD = "not held"
    """The query log of these days is not there any more, or not whole."""
    UNREADABLE = "unreadable"
    """It is there, but cannot be counted; `detail` says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison of the figures with one source."""

    source: Source
    outcome: Outcome
    until: date | None
    """The last day that was compared; None: there was none."""
    only_blocked: bool = False
    """What was allowed was not compared: this source does not hold it (log.detail)."""
    differences: tuple[Difference, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """What an independent count of the lines gave."""

    days: Mapping[date, Share]
    whole: Sums
    """Of all these days. `blocked` is by category; what no category decided stands under an empty one."""
    only_blocked: bool = False
    erased: int = 0
    """Lines of these days that were erased on request (Kind.REWRITTEN)."""


@dataclass(frozen=True, slots=True)
class Month:
    """The figures."""

    month: str
    """As `2026-11`."""
    first: date
    last: date
    """The last day of the month."""
    until: date
    """The last day that the figures cover: that of the report, while the month is not over."""
    days: Mapping[date, Sums]
    """Those with queries."""
    closed: frozenset[date]
    """Those of which the chain has a record: nothing is expected for them any more."""
    damaged: int
    """Lines that do not have the form of the log."""
    incidents: tuple[Incident, ...]
    """Those numbered in the month, as they stand now."""
    told: frozenset[int]
    """The records of those of which somebody was told."""
    alarms: tuple[ToldAlarm, ...]
    """Those entered in the month, as they stand now."""
    briefings: int
    """Sheets drawn up for briefings of pupils (R4)."""
    own_tests: int
    """Blocked queries that were tests for acts."""
    checks: tuple[Check, ...] = ()
    begun: date | None = None
    """The day on which the journal was begun, if that was after the first of the month."""

    @property
    def finished(self) -> bool:
        """Whether the month was over when this was drawn up."""
        return self.until >= self.last and all(day in self.closed for day in self.days)

    @property
    def sums(self) -> Sums:
        """The figures of the whole time."""
        return together(self.days.values())

    @property
    def silent(self) -> list[date]:
        """The days without a query since there is a journal."""
        return [day for day in days_of(self.begun or self.first, self.until) if day not in self.days]

    @property
    def open_days(self) -> list[date]:
        """The days of which the chain has no record yet."""
        return [day for day in self.days if day not in self.closed]

    @property
    def agrees(self) -> bool:
        """Whether nothing that was compared differs, nor could not be read."""
        return not {check.outcome for check in self.checks} & {Outcome.DIFFERS, Outcome.UNREADABLE}

    @property
    def reconciled(self) -> bool:
        """Whether all that could be compared agrees, and something was."""
        good = {check.outcome for check in self.checks} & {Outcome.AGREES, Outcome.ERASED}
        return bool(good) and self.agrees

    def by_rule(self) -> dict[Rule, Counter[State]]:
        """Return the incidents by rule and state, in the order of the rules."""
        found: dict[Rule, Counter[State]] = {}
        for incident in self.incidents:
            found.setdefault(incident.rule, Counter())[incident.state] += 1
        return {rule: found[rule] for rule in Rule if rule in found}

    def by_category(self) -> Counter[str]:
        """Return the incidents by category; reports of people have none."""
        return Counter(incident.category for incident in self.incidents if incident.category)

    @property
    def open_incidents(self) -> list[Incident]:
        """Those that nobody has closed."""
        return [incident for incident in self.incidents if incident.state is not State.CLOSED]


def month_of(
    month: str,
    today: date,
    records: Sequence[Record],
    counts: Iterable[tuple[str, Tally, int]],
    zone: tzinfo,
) -> Month:
    """Return the figures of a month (`2026-11`), which must have begun.

    `records`: all of RECORDS in the chain, for an incident goes on after its month. `counts`: those of the month.
    """
    first, last = bounds(month)
    until = min(last, today)
    days = {day: sums for day, sums in of_counts(counts).items() if first <= day <= until}
    of_days = [each for each in records if each.kind is Kind.DAY and text(each.body, "date")[:7] == month]
    incidents = [each for each in replay(each for each in records if each.kind in KINDS) if each.month == month]
    told = {
        whole(each.body, "incident") for each in records if each.kind is Kind.TOLD and each.body.get("arrived") is True
    }
    said = of_records(of_days)
    entered = [each for each in records if _is_of(each, first, until, zone)]
    found = Month(
        month,
        first,
        last,
        until,
        days,
        frozenset(said),
        sum(damaged_lines(of_days).values()),
        tuple(sorted(incidents, key=lambda each: each.id)),
        frozenset(each.record for each in incidents if each.record in told),
        tuple(each for each in alarms_told_by(records) if _is_of(each.record, first, until, zone)),
        sum(text(each.body, "paper") == PaperKind.BRIEFING for each in entered),
        closed_by_tests(records, first, until, zone),
        begun=begun_after(records, first, zone),
    )
    return _with(found, compare_days(found, said))


def with_count(month: Month, counted: Counted | None, unreadable: str = "") -> Month:
    """Return the month, compared with an independent count of the lines up to `compared_until`.

    None: the log does not hold these days whole. `unreadable`: why they could not be counted.
    """
    until = compared_until(month)
    if unreadable:
        return _with(month, Check(Source.LOG, Outcome.UNREADABLE, until, detail=unreadable))
    if counted is None or until is None:
        return _with(month, Check(Source.LOG, Outcome.NOT_HELD, until))
    ours = {day: sums for day, sums in month.days.items() if day <= until}
    found = []
    for day in sorted(ours.keys() | counted.days.keys()):
        one, other = ours[day].share if day in ours else Share(), counted.days.get(day, Share())
        if one.blocked != other.blocked or (one != other and not counted.only_blocked):
            found.append(Difference(day, Topic.QUERIES, "", one, other))
    whole_time = _by_category(together(ours.values()), counted.whole)
    found += differences(None, whole_time, counted.whole, only_blocked=counted.only_blocked)
    outcome = Outcome.DIFFERS if found else Outcome.AGREES
    if found and counted.erased and _only_lacks(found, whole_time.queries - counted.whole.queries, counted.erased):
        return _with(month, Check(Source.LOG, Outcome.ERASED, until, counted.only_blocked, detail=str(counted.erased)))
    return _with(month, Check(Source.LOG, outcome, until, counted.only_blocked, tuple(found)))


def compare_days(month: Month, said: Mapping[date, Sums]) -> Check:
    """Return how the figures compare with the records of days."""
    if not said:
        return Check(Source.DAYS, Outcome.NOT_HELD, None)
    found: list[Difference] = []
    for day, sums in said.items():
        if day <= month.until:
            found += differences(day, month.days.get(day, Sums()), sums)
    return Check(Source.DAYS, Outcome.DIFFERS if found else Outcome.AGREES, max(said), differences=tuple(found))


def compared_until(month: Month) -> date | None:
    """Return the last day up to which all days are closed: no line of these is on its way or being written."""
    if not month.open_days:
        return min(month.until, max(month.closed)) if month.closed else None
    before = [day for day in month.closed if day < min(month.open_days)]
    return max(before, default=None)


def bounds(month: str) -> tuple[date, date]:
    """Return first and last day of a month, `2026-11`. Raises ValueError."""
    first = date.fromisoformat(f"{month}-01")
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def days_of(first: date, last: date) -> list[date]:
    """Return all days from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _is_of(record: Record, first: date, until: date, zone: tzinfo) -> bool:
    return first <= record.at.astimezone(zone).date() <= until


def _by_category(ours: Sums, theirs: Sums) -> Sums:
    """Return our figures with what no category decided under an empty one, as a count by category has it."""
    blocked: Counter[str] = Counter()
    for item, queries in ours.blocked.items():
        blocked[item if item in theirs.blocked or subject(item) is not None else ""] += queries
    return replace(ours, blocked=blocked)


def _only_lacks(found: Iterable[Difference], missing: int, erased: int) -> bool:
    """Return whether what the log lacks is what was erased, and it has nothing that we do not have."""
    less = all(one.queries >= other.queries and one.blocked >= other.blocked for *_rest, one, other in found)
    return less and missing == erased


def _with(month: Month, check: Check) -> Month:
    return replace(month, checks=(*month.checks, check))
