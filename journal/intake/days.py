"""The sums of days that are over: when they are due, and what they say (Kind.DAY)."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import date, datetime, time, timedelta, tzinfo
from hashlib import sha256

from journal.whole_line import is_day
from resolver.segments import begun
from storage.evidence import Body, Kind, canonical, text, texts, whole
from storage.journal_db import JournalDb, Tally

BLOCKED = "block"
"""The action of queries that are summed as blocked."""

Sum = tuple[str, Tally, int]
"""An hour, what was counted in it, and how many queries."""


def day_of(name: str, zone: tzinfo) -> date:
    """Return the day of a segment: that on which it was begun, by the school's clock."""
    return begun(name).astimezone(zone).date()


def days_of_segment(said: Body) -> set[str]:
    """Return the days (YYYY-MM-DD) of which a segment has lines, as its record says.

    Not first to last: a clock may be put right within it, forward or back. Records before there was `days` name the
    ends only.
    """
    return {*texts(said, "days")} or {text(said, end)[:10] for end in ("first", "last")} - {""}


def is_over(day: date, now: datetime, following: Iterable[str], zone: tzinfo) -> bool:
    """Return whether no more lines of a day are to come. `following`: the segments that are open yet."""
    return day < now.astimezone(zone).date() and all(day_of(name, zone) > day for name in following)


def sums(day: date, counts: Iterable[Sum], damaged: int) -> Body:
    """Return what the record of a day says. Its `digest` is that of all counts of the day (docs/evidence.md)."""
    actions: Counter[str] = Counter()
    blocked: Counter[str] = Counter()
    places: dict[str, dict[str, Counter[str]]] = {"rooms": {}, "groups": {}}
    rows = sorted(counts)
    for _hour, tally, queries in rows:
        actions[tally.action] += queries
        barred = queries if tally.action == BLOCKED else 0
        if barred:
            blocked[tally.category or tally.reason] += barred
        for kind, place in (("rooms", tally.room), ("groups", tally.group)):
            places[kind].setdefault(place, Counter()).update(queries=queries, blocked=barred)
    return {
        "date": day.isoformat(), "queries": actions.total(), "damaged": damaged, "actions": dict(actions),
        "blocked": dict(blocked), **{kind: {each: dict(n) for each, n in of.items()} for kind, of in places.items()},
        "digest": _digest(rows),
    }  # fmt: skip


def _digest(rows: Iterable[Sum]) -> str:
    listed = [[hour, *tally, queries] for hour, tally, queries in rows]
    content = json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
    return sha256(content.encode(errors="surrogateescape")).hexdigest()


async def days_to_sum(journal: JournalDb) -> set[date]:
    """Return the days of which the counts say something else than the chain."""
    said: dict[str, int] = {}
    async for record in journal.records((Kind.DAY,)):
        said[text(record.body, "date")] = whole(record.body, "queries")
    counted = await journal.days()
    return {
        date.fromisoformat(day) for day, queries in counted.items() if is_day(day) and said.get(day) != queries
    }  # what is no day was not counted by us: verifying names it


async def enter_day(journal: JournalDb, day: date, zone: tzinfo, now: datetime) -> None:
    """Enter the sums of a day, unless the last record of it says the same."""
    async with journal.changing(now) as change:
        body = sums(day, [each async for each in _counts(journal, day)], await _damaged(journal, day, zone))
        last: Body | None = None
        async for record in journal.records((Kind.DAY,)):
            if text(record.body, "date") == day.isoformat():
                last = record.body
        if last is None or canonical(last) != canonical(body):
            await change.add(Kind.DAY, body)


def _counts(journal: JournalDb, day: date) -> AsyncIterator[Sum]:
    return journal.counts(day.isoformat(), (day + timedelta(days=1)).isoformat())


async def _damaged(journal: JournalDb, day: date, zone: tzinfo) -> int:
    """Return how many damaged lines the segments of a day hold: nobody knows when those were written."""
    found: dict[str, int] = {}
    since = datetime.combine(day, time(), zone)
    async for record in journal.records((Kind.SEGMENT,), since=since):
        name = text(record.body, "name")
        with suppress(ValueError):  # no name of a segment; `journal verify` names the record
            if day_of(name, zone) == day:
                found[name] = whole(record.body, "damaged")
    return sum(found.values())
