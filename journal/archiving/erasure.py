"""Requests that a person's data be erased from the query log: each with a document, and kept on record."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from journal.numbering import numbering_of
from storage.evidence import Kind, Record, text, texts, whole
from storage.journal_db import JournalDb

_FIRST = date(1, 1, 3)


@dataclass(frozen=True, slots=True)
class Erasure:
    """A request, as it stands."""

    record: int
    id: str
    """How people name it: `2026-0001`."""
    at: datetime
    by: str
    why: str
    document: str
    first: date
    """The first day that it is about, in the school's time zone; `last` is with it."""
    last: date
    done: datetime | None
    """When it was carried out; None: it waits (journal/archiving/waiting.py)."""
    rows: int
    clients: tuple[str, ...]
    """Empty once it is carried out: then nobody is named any more."""
    devices: tuple[str, ...]

    def span(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return begin and end: what was asked after the request is not part of it."""
        # The calendar's first day has no midnight in UTC, and its last one no morrow: "all days" is asked for so.
        since = datetime.combine(max(self.first, _FIRST), datetime.min.time(), zone)
        if self.last >= self.at.astimezone(zone).date():
            return since, self.at
        return since, datetime.combine(self.last + timedelta(days=1), datetime.min.time(), zone)

    def open_until(self, now: datetime) -> datetime | None:
        """Return when the segments close that the span ends in, None if they are. `now`: in the school's zone."""
        end = self.span(now.tzinfo or UTC)[1].astimezone(UTC)
        closed = end.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)  # a segment is of an hour of UTC
        return closed.astimezone(now.tzinfo) if now < closed else None


async def ask_for_erasure(
    journal: JournalDb,
    *,
    clients: Sequence[str],
    devices: Sequence[str],
    first: date,
    last: date,
    why: str,
    document: str,
    at: datetime,
    by: str,
) -> str:
    """Enter the request and return its id. The next round of the archive carries it out. Raises StorageError."""
    async with journal.changing(at) as change:
        body = {
            "id": (await numbering_of(journal)).next(f"{at.year}"), "why": why, "document": document,
            "from": first.isoformat(), "to": last.isoformat(),
        }  # fmt: skip
        private = {"clients": sorted(clients), "devices": sorted(devices)}
        await change.add(Kind.ERASURE, body, by=by, private=private)
        return body["id"]


async def erasures(journal: JournalDb) -> list[Erasure]:
    """Return all requests, oldest first. One that nobody here can have written is left out: it holds up no other."""
    done = {whole(each.body, "erasure"): each async for each in journal.records((Kind.ERASED,))}
    found = []
    async for each in journal.records((Kind.ERASURE,), private=True):
        with suppress(ValueError):
            found.append(_told(each, done))
    return found


def _told(record: Record, done: Mapping[int, Record]) -> Erasure:
    body, private = record.body, record.private or {}
    carried_out = done.get(record.number)
    return Erasure(
        record.number,
        text(body, "id"),
        record.at,
        record.by,
        text(body, "why"),
        text(body, "document"),
        date.fromisoformat(text(body, "from")),
        date.fromisoformat(text(body, "to")),
        None if carried_out is None else carried_out.at,
        0 if carried_out is None else whole(carried_out.body, "rows"),
        tuple(texts(private, "clients")),
        tuple(texts(private, "devices")),
    )
