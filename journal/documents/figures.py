"""How many queries there were, by what, told from the counts or from the records of days; where two differ. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from journal.whole_line import is_day
from policy.categories import BY_ID, Severity
from policy.decision import Action
from storage.evidence import Kind, Record, text, whole
from storage.journal_db import Tally


class Share(NamedTuple):
    """Queries, and how many of them were blocked."""

    queries: int = 0
    blocked: int = 0


@dataclass(frozen=True, slots=True)
class Sums:
    """The figures of a day or of a longer time."""

    queries: int = 0
    actions: Mapping[str, int] = field(default_factory=dict)
    blocked: Mapping[str, int] = field(default_factory=dict)
    """By category or service; by the reason where none decided (`level`, `lesson` …)."""
    rooms: Mapping[str, Share] = field(default_factory=dict)
    """By id; an empty one stands for no room."""
    groups: Mapping[str, Share] = field(default_factory=dict)

    @property
    def blocked_queries(self) -> int:
        """How many queries were blocked."""
        return self.actions.get(Action.BLOCK, 0)

    @property
    def share(self) -> Share:
        """The two figures that stand for all."""
        return Share(self.queries, self.blocked_queries)

    def severities(self) -> dict[str, int]:
        """Return what was blocked by severity of the category; an empty one stands for services and all else."""
        found: dict[str, int] = {}
        for id_, queries in self.blocked.items():
            severity = BY_ID[id_].severity if id_ in BY_ID else ""
            found[severity] = found.get(severity, 0) + queries
        return {severity: found[severity] for severity in (*Severity, "") if severity in found}


class Topic(StrEnum):
    """What a figure is about."""

    QUERIES = "queries"
    ACTION = "action"
    BLOCKED = "blocked"
    """Blocked queries of a category, or of a reason where no category decided."""
    ROOM = "room"
    GROUP = "group"


class Difference(NamedTuple):
    """One figure that two sources tell differently."""

    day: date | None
    """None: of the whole time."""
    topic: Topic
    item: str
    """Which action, category, room or group; empty for all queries."""
    one: Share
    other: Share


def of_counts(counts: Iterable[tuple[str, Tally, int]]) -> dict[date, Sums]:
    """Return the figures of each day that has any, from the counts by hour."""
    by_day: dict[date, list[tuple[Tally, int]]] = {}
    for hour, tally, queries in counts:
        if not is_day(hour[:10]):
            continue  # damage, which `journal verify` names
        by_day.setdefault(date.fromisoformat(hour[:10]), []).append((tally, queries))
    return {day: _sums(found) for day, found in sorted(by_day.items())}


def of_records(records: Iterable[Record]) -> dict[date, Sums]:
    """Return the figures of each day that records of Kind.DAY tell of; of several about a day the last one counts."""
    return {day: _said(record) for day, record in sorted(_of_days(records).items())}


def damaged_lines(records: Iterable[Record]) -> dict[date, int]:
    """Return how many lines of each day did not have the form of the log, from records of Kind.DAY."""
    days = _of_days(records)
    return {day: damaged for day, record in days.items() if (damaged := whole(record.body, "damaged"))}


def _of_days(records: Iterable[Record]) -> dict[date, Record]:
    """Return the last Kind.DAY record of each day; one that names no day is damage, which `journal verify` names."""
    named = ((text(each.body, "date"), each) for each in records if each.kind is Kind.DAY)
    return {date.fromisoformat(day): each for day, each in named if is_day(day)}


def together(sums: Iterable[Sums]) -> Sums:
    """Return the figures of several days as one."""
    queries = 0
    actions: dict[str, int] = {}
    blocked: dict[str, int] = {}
    rooms: dict[str, Share] = {}
    groups: dict[str, Share] = {}
    for each in sums:
        queries += each.queries
        for into, some in ((actions, each.actions), (blocked, each.blocked)):
            for key, number in some.items():
                into[key] = into.get(key, 0) + number
        for places, more in ((rooms, each.rooms), (groups, each.groups)):
            for key, share in more.items():
                places[key] = _plus(places.get(key, Share()), share)
    return Sums(queries, actions, blocked, rooms, groups)


def differences(day: date | None, one: Sums, other: Sums, *, only_blocked: bool = False) -> list[Difference]:
    """Return the figures that differ, by what they are about.

    `only_blocked`: one of the two does not know what was allowed, so that only blocked queries are compared.
    """
    found = []
    for topic, item, ours, theirs in _pairs(one, other):
        if only_blocked:
            if topic is Topic.QUERIES or (topic is Topic.ACTION and item != Action.BLOCK):
                continue
            same = ours.blocked == theirs.blocked
        else:
            same = ours == theirs
        if not same:
            found.append(Difference(day, topic, item, ours, theirs))
    return found


def _pairs(one: Sums, other: Sums) -> Iterable[tuple[Topic, str, Share, Share]]:
    yield Topic.QUERIES, "", one.share, other.share
    for topic, ours, theirs in (
        (Topic.ACTION, one.actions, other.actions),
        (Topic.BLOCKED, one.blocked, other.blocked),
    ):
        for item in sorted(ours.keys() | theirs.keys()):
            yield topic, item, _of_one(topic, item, ours.get(item, 0)), _of_one(topic, item, theirs.get(item, 0))
    for topic, our, their in ((Topic.ROOM, one.rooms, other.rooms), (Topic.GROUP, one.groups, other.groups)):
        for item in sorted(our.keys() | their.keys()):
            yield topic, item, our.get(item, Share()), their.get(item, Share())


def _of_one(topic: Topic, item: str, queries: int) -> Share:
    return Share(queries, queries if topic is Topic.BLOCKED or item == Action.BLOCK else 0)


def _sums(counts: Iterable[tuple[Tally, int]]) -> Sums:
    return together(_one(tally, queries) for tally, queries in counts)


def _one(tally: Tally, queries: int) -> Sums:
    is_blocked = tally.action == Action.BLOCK
    share = Share(queries, queries if is_blocked else 0)
    return Sums(
        queries,
        {tally.action: queries},
        {tally.category or tally.reason: queries} if is_blocked else {},
        {tally.room: share},
        {tally.group: share},
    )


def _said(record: Record) -> Sums:
    body = record.body
    return Sums(
        whole(body, "queries"),
        _numbers(body.get("actions")),
        _numbers(body.get("blocked")),
        _shares(body.get("rooms")),
        _shares(body.get("groups")),
    )


def _numbers(found: object) -> dict[str, int]:
    return {str(key): int(str(value)) for key, value in found.items()} if isinstance(found, Mapping) else {}


def _shares(found: object) -> dict[str, Share]:
    if not isinstance(found, Mapping):
        return {}
    return {
        str(key): Share(whole(value, "queries"), whole(value, "blocked"))
        for key, value in found.items()
        if isinstance(value, Mapping)
    }


def _plus(one: Share, other: Share) -> Share:
    return Share(one.queries + other.queries, one.blocked + other.blocked)
