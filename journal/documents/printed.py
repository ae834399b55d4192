"""The incidents of a month as lines of the journal sheet, told from the records of the chain. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from operator import attrgetter

from journal.incidents import Incident, replay
from journal.titles import Titles as Titles
from papers.journal_sheet import SheetIncident, SheetNote, SheetTold
from policy.names import display_name
from storage.evidence import Kind, Record, text, whole

_STATES = frozenset({Kind.CLOSED, Kind.REOPENED})
_WRITTEN_BY_PEOPLE = frozenset({Kind.REVIEW, Kind.CORRECTION, *_STATES})


def lines_of_month(
    records: Iterable[Record], month: str, zone: tzinfo, titles: Titles, *, names: bool
) -> list[SheetIncident]:
    """Return the incidents numbered in a month (`2026-11`), in the order of their numbers.

    `records`: of journal.incidents.KINDS, with their private parts. `names`: print the names that were asked for too.
    """
    kept = list(records)
    said: defaultdict[int, list[Record]] = defaultdict(list)
    for record in kept:
        said[whole(record.body, "incident") or record.number].append(record)
    incidents = [each for each in replay(kept) if each.month == month]
    return [
        _line(each, said[each.record], zone, titles, names=names) for each in sorted(incidents, key=attrgetter("id"))
    ]


def _line(incident: Incident, said: Sequence[Record], zone: tzinfo, titles: Titles, *, names: bool) -> SheetIncident:
    """Return a line; the first of the records is the one that entered the incident."""
    site, private = text(said[0].body, "name"), said[0].private or {}
    return SheetIncident(
        id=incident.id,
        record=incident.record,
        first=_moment(incident.first, incident.at, zone),
        last=_moment(incident.last, incident.at, zone),
        room=titles.room(incident.room),
        device=incident.device,
        group=titles.group(incident.group),
        lesson=incident.lesson,
        rule=incident.rule,
        severity=incident.severity,
        category=incident.category,
        site=display_name(site) if site else "",
        queries=incident.queries,
        names=incident.names,
        asked=[f"{display_name(name)} ({times})" for name, times in (incident.asked if names else ())],
        told=[_told(each, zone) for each in said if each.kind is Kind.TOLD],
        notes=[_note(each, zone) for each in said if each.kind in _WRITTEN_BY_PEOPLE],
        state=incident.state,
        reporter=text(private, "by") if site else "",
        remark=text(private, "note") if site else "",
    )


def _told(record: Record, zone: tzinfo) -> SheetTold:
    return SheetTold(record.at.astimezone(zone), text(record.body, "role"), record.body.get("arrived") is True)


def _note(record: Record, zone: tzinfo) -> SheetNote:
    return SheetNote(
        record.at.astimezone(zone),
        record.by,
        text(record.private or {}, "text"),
        text(record.private or {}, "measures"),
        record=record.number,
        corrects=whole(record.body, "corrects") if record.kind is Kind.CORRECTION else 0,
        became=record.kind.value if record.kind in _STATES else "",
    )


def _moment(written: str, entered: datetime, zone: tzinfo) -> datetime:
    """Return a time of the query log; when the incident was entered if it is none: a line of a log can be damaged."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = entered
    return (found if found.tzinfo is not None else entered).astimezone(zone)
