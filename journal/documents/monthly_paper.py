"""The monthly report gathered: figures of the month, policy and lists of that time (R3 3.7, R4)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from journal.archiving.log_count import count_log
from journal.documents.lists_in_force import lists_in_force
from journal.documents.monthly import RECORDS, Check, Month, bounds, compared_until, month_of, with_count
from journal.documents.paper_lines import alarm_lines, figures_of, lines_of
from journal.documents.policy_state import PolicyState, read_policy
from journal.intake.catching_up import catch_up
from journal.opening import opened_journal
from journal.trust.verdict import Verdict, describe
from journal.trust.verifying_log import verify_log
from papers.monthly_report import ChangeLine, Compared, Comparison, MonthlyReport, OrderLine, Requests
from papers.numbered import Numbered
from papers.period import Index
from policy.names import display_name
from settings.errors import SchoolfilterError
from settings.model import Settings
from storage.audit import Change
from storage.policy_db import PolicyDb
from storage.requests import Outcome

ChangeWords = Callable[[Change], tuple[str, str]]
"""What was changed, and the document it rests on, in the language in use."""

_LESSON = "start lesson"
_NO_POLICY = frozenset(
    {
        "begin", "requests", "requests approved", "requests rejected", "requests withdrawn", "order", _LESSON,
        "extend lesson", "stop lesson", "open in lesson", "close in lesson", "begin pause", "end pause", "put away",
        "add device", "set device", "remove device", "import devices", "director's list reviewed",
    }
)  # fmt: skip
"""Changes that decide nothing about what groups and rooms get: in a report they have their own place, or none."""


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """All that a report is made of."""

    month: Month
    policy: PolicyState
    index: Index
    log: Verdict
    """What came of comparing the files of the query log of the month with the journal."""
    behind: int
    """Seconds by which the journal was behind the query log, so that queries of the month are not counted yet."""


async def gather_month(settings: Settings, database: PolicyDb, month: str, now: datetime) -> MonthFacts:
    """Return the figures of a month that has begun, compared with all their sources. `now`: aware.

    With the measures that people wrote down, which are sealed: who asks for it enters a look first.

    Raises StorageError, ListError, OSError.
    """
    zone = ZoneInfo(settings.school.time_zone)
    first, last = bounds(month)
    after = last + timedelta(days=1)
    begin, end = (datetime.combine(day, time(), zone) for day in (first, after))
    async with opened_journal(settings) as journal:
        behind = await catch_up(settings, journal, end)
        records = [each async for each in journal.records(RECORDS, private=True)]
        counts = [each async for each in journal.counts(first.isoformat(), after.isoformat())]
        found = month_of(month, now.astimezone(zone).date(), records, counts, zone)
        until = compared_until(found)
        try:
            counted = await count_log(settings, journal, first, until) if until is not None else None
            found = with_count(found, counted)
        except (SchoolfilterError, OSError) as error:  # the report says so; its figures do not rest on this
            found = with_count(found, None, str(error))
    policy = await read_policy(database, settings, begin, min(end, now))
    return MonthFacts(found, policy, lists_in_force(settings), await verify_log(settings, begin, end), behind)


def report_of(
    facts: MonthFacts, paper: Numbered, words: ChangeWords, *, psychologist: str = "", measures: str = ""
) -> MonthlyReport:
    """Return the report in the language in use."""
    month, policy, zone = facts.month, facts.policy, paper.printed_at.tzinfo
    if zone is None:
        raise ValueError(f"expected a moment with its time zone, found {paper.printed_at}")
    return MonthlyReport(
        paper=paper,
        first=month.first,
        until=month.until,
        begun=month.begun,
        finished=month.finished,
        figures=figures_of(month.sums, policy, month.own_tests),
        days=len(month.days),
        silent=month.silent,
        open_days=month.open_days,
        damaged=month.damaged,
        comparisons=[_comparison(each) for each in month.checks],
        reconciled=month.reconciled,
        files=facts.log.files,
        broken=describe(facts.log.broken[0]) if facts.log.broken else "",
        incidents=lines_of(month.incidents, month.told, policy, zone),
        requests=requests_of(facts, zone),
        orders=orders_of(facts, zone),
        changes=changes_of(facts, zone, words),
        lessons=lessons_of(facts),
        briefings=month.briefings,
        index=facts.index,
        alarms=alarm_lines(month.alarms, zone),
        psychologist=psychologist,
        measures=measures,
    )


def requests_of(facts: MonthFacts, zone: tzinfo) -> Requests:
    """Return what teachers asked for in the month, and what has become of it."""
    asked = facts.policy.requests_of(facts.month.first, facts.month.until, zone)
    counts = {outcome: sum(each.outcome is outcome for each in asked) for outcome in Outcome}
    return Requests(
        len(asked),
        counts[Outcome.APPROVED],
        counts[Outcome.REJECTED],
        counts[Outcome.WITHDRAWN],
        counts[Outcome.OPEN],
    )


def orders_of(facts: MonthFacts, zone: tzinfo) -> list[OrderLine]:
    """Return the director's orders that were entered in the month."""
    return [
        OrderLine(
            each.number,
            each.date,
            [display_name(addition.name) for addition in each.additions],
            [display_name(removal.name) for removal in each.removals],
        )
        for each in facts.policy.orders_of(facts.month.first, facts.month.until, zone)
    ]


def changes_of(facts: MonthFacts, zone: tzinfo, words: ChangeWords) -> list[ChangeLine]:
    """Return the changes of policy in the month, together those of one kind that rest on the same document."""
    found: dict[tuple[str, str], list[date]] = {}
    for change in facts.policy.changes:
        if change.what not in _NO_POLICY:
            found.setdefault(words(change), []).append(change.at.astimezone(zone).date())
    return [ChangeLine(days[0], days[-1], len(days), what, document) for (what, document), days in found.items()]


def lessons_of(facts: MonthFacts) -> int:
    """Return how many lessons teachers opened by hand."""
    return sum(change.what == _LESSON for change in facts.policy.changes)


def _comparison(check: Check) -> Comparison:
    differences = [Compared(each.day, each.topic, each.item, each.one, each.other) for each in check.differences]
    return Comparison(check.source, check.outcome, check.until, check.only_blocked, differences, check.detail)
