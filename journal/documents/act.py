"""What an act of a check of access history says (R4): gathered from journal, policy and lists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from journal.documents.beginning import begun_after
from journal.documents.figures import Sums, of_counts, together
from journal.documents.lists_in_force import lists_in_force
from journal.documents.own_tests import closed_by_tests
from journal.documents.paper_lines import alarm_lines, day_of, figures_of, lines_of
from journal.documents.policy_state import PolicyState, read_policy
from journal.documents.pupils import closed_to_pupils
from journal.incidents import KINDS, Incident, replay
from journal.intake.catching_up import catch_up
from journal.opening import opened_journal
from journal.trust.settling import ALARM_KINDS, ToldAlarm, alarms_told_by
from journal.trust.verdict import Verdict, describe
from journal.trust.verifying import verify_journal
from journal.trust.verifying_log import verify_log
from papers.act import Act, Asked, LiveTest, Proof, Restriction
from papers.numbered import Numbered
from papers.period import Index
from policy.group_titles import shown_title
from settings.model import Settings
from storage.evidence import Kind, whole
from storage.policy_db import PolicyDb
from translations import _

_RECORDS = (*KINDS, Kind.BEGUN, Kind.PAPER, *ALARM_KINDS)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the program found."""

    first: date
    last: date
    begun: date | None
    """The day on which the journal was begun, if that was after the first one."""
    sums: Sums
    own_tests: int
    """Blocked queries that were tests for earlier acts."""
    incidents: Sequence[Incident]
    """Those whose first query was in the period."""
    told: frozenset[int]
    alarms: Sequence[ToldAlarm]
    """Those of the period, as they stand now."""
    journal: Verdict
    log: Verdict
    policy: PolicyState
    index: Index
    behind: int
    """Seconds by which the journal was behind the query log, so that queries of the period are not counted yet."""


async def check(settings: Settings, database: PolicyDb, first: date, last: date, now: datetime) -> Checked:
    """Verify the evidence and count days of the school. `now`: aware. Raises StorageError, ListError, OSError.

    With the measures that people wrote down, which are sealed: who asks for it enters a look first.
    """
    zone = ZoneInfo(settings.school.time_zone)
    begin = datetime.combine(first, time(), zone)
    end = datetime.combine(last + timedelta(days=1), time(), zone)
    policy = await read_policy(database, settings, begin, min(end, now))
    async with opened_journal(settings) as journal:
        behind = await catch_up(settings, journal, end)
        counts = [each async for each in journal.counts(first.isoformat(), (last + timedelta(days=1)).isoformat())]
        records = [each async for each in journal.records(_RECORDS, private=True)]
    found = [
        each for each in replay(each for each in records if each.kind in KINDS) if first <= day_of(each, zone) <= last
    ]
    told = {
        whole(each.body, "incident") for each in records if each.kind is Kind.TOLD and each.body.get("arrived") is True
    }
    return Checked(
        first,
        last,
        begun_after(records, first, zone),
        together(of_counts(counts).values()),
        closed_by_tests(records, first, last, zone),
        found,
        frozenset(told),
        [each for each in alarms_told_by(records) if begin <= each.record.at < end],
        await verify_journal(settings),
        await verify_log(settings, begin, end),
        policy,
        lists_in_force(settings),
        behind,
    )


def act_of(asked: Asked, checked: Checked, test: LiveTest, paper: Numbered) -> Act:
    """Return the act in the language in use."""
    zone, policy = paper.printed_at.tzinfo, checked.policy
    if zone is None:
        raise ValueError(f"expected a moment with its time zone, found {paper.printed_at}")
    orders = policy.orders_of(date.min, date.max, zone)
    return Act(
        paper=paper,
        asked=asked,
        begun=checked.begun,
        figures=figures_of(checked.sums, policy, checked.own_tests),
        incidents=lines_of(checked.incidents, checked.told, policy, zone),
        alarms=alarm_lines(checked.alarms, zone),
        proofs=proofs_of(checked),
        listed=len(policy.listed(paper.printed_at.date())),
        last_number=orders[-1].number if orders else "",
        last_day=orders[-1].date if orders else None,
        blocked=policy.blocked,
        groups=_groups(policy),
        rooms=_rooms(policy),
        index=checked.index,
        test=replace(test, group=policy.group_title(test.group)),
    )


def proofs_of(checked: Checked) -> list[Proof]:
    """Return what verifying found, in the language in use."""
    journal, log, policy = checked.journal, checked.log, checked.policy
    records = _("{count} records; the last one that a signed head vouches for: {signed}")
    files = _("{files} files, {octets} octets; removed, as the journal says: {removed}; times without service: {stops}")
    found = [
        _proof("journal", journal, records.format(count=journal.head.number, signed=journal.signed.number)),
        _proof(
            "log",
            log,
            files.format(files=log.files, octets=log.octets, removed=log.removed, stops=len(log.stops)),
        ),
    ]
    changes = _("{count} changes").format(count=policy.trail.number)
    orders = _("{count} orders").format(count=len(policy.book.ledger.orders))
    return [
        *found,
        Proof("audit", not policy.fault, policy.fault or changes),
        Proof("orders", not policy.ledger_faults, " ".join(policy.ledger_faults) or orders),
    ]


def _proof(part: str, verdict: Verdict, said: str) -> Proof:
    if verdict.is_sound:
        return Proof(part, sound=True, said=said)
    first = describe(verdict.broken[0])
    more = len(verdict.broken) - 1
    return Proof(
        part, sound=False, said=_("{first} And {count} more.").format(first=first, count=more) if more else first
    )


def _groups(policy: PolicyState) -> list[Restriction]:
    snapshot = policy.book.snapshot
    found = []
    for each in snapshot.groups.values():
        closed = closed_to_pupils(snapshot, [each])
        lists = ((), ()) if closed.only_list else (closed.always, closed.partly)
        title = shown_title(each.id, each.title)
        found.append(Restriction(title, each.level, each.supervised, closed=lists[0], at_times=lists[1]))
    return found


def _rooms(policy: PolicyState) -> list[Restriction]:
    rooms = policy.book.snapshot.schedule.rooms.values()
    return [
        Restriction(each.title or each.id, each.level or "", each.supervised, each.closed if each.supervised else "")
        for each in rooms
    ]
