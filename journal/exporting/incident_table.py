"""Incidents as the rows of an export: one row an incident, with what people did about it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, tzinfo

from journal.documents.paper_lines import day_of
from journal.exporting.export_data import Column
from journal.incidents import Incident, Note
from storage.evidence import Kind, Record, text, whole
from translations import _


def incident_columns() -> list[Column]:
    """Return the columns, with headings in the language in use."""
    return [
        Column("number", _("number")),
        Column("record", _("record"), number=True),
        Column("entered", _("entered")),
        Column("rule", _("rule")),
        Column("severity", _("severity")),
        Column("category", _("category")),
        Column("state", _("state")),
        Column("room", _("room")),
        Column("group", _("group")),
        Column("lesson", _("lesson")),
        Column("teacher", _("teacher")),
        Column("client", _("client")),
        Column("device", _("device")),
        Column("first", _("first query")),
        Column("last", _("last query")),
        Column("queries", _("queries"), number=True),
        Column("names", _("different names"), number=True),
        Column("asked", _("names asked for, with how often")),
        Column("signs", _("what the rule went by")),
        Column("reviews", _("what was done, when and by whom")),
    ]


def row_of(incident: Incident, records: Mapping[int, Record], zone: tzinfo) -> tuple[str, ...]:
    """Return the row of an incident, all times by the school's clock. `records`: those that it is told from."""
    site = text(records[incident.record].body, "name")
    asked = [f"{name} {count}" for name, count in incident.asked] or [site]
    done = [_done(note, zone) for note in incident.notes if note.kind is not Kind.TOLD]
    return (
        incident.id, str(incident.record), _local(incident.at, zone), incident.rule.value, incident.severity,
        incident.category, incident.state.value, incident.room, incident.group, incident.lesson, incident.teacher,
        incident.client, incident.device, _of_log(incident.first, zone), _of_log(incident.last, zone),
        str(incident.queries), str(incident.names),
        "; ".join(asked), "; ".join(incident.signs), "; ".join(done),
    )  # fmt: skip


def between(incidents: Sequence[Incident], first: date, last: date, zone: tzinfo) -> list[Incident]:
    """Return the incidents that began on these days of the school."""
    return [each for each in incidents if first <= day_of(each, zone) <= last]


def records_about(incidents: Collection[Incident], records: Mapping[int, Record]) -> set[int]:
    """Return the numbers of all records that speak of these incidents, corrections among them."""
    entered = {each.record for each in incidents}
    about = entered | {each.number for each in records.values() if whole(each.body, "incident") in entered}
    return about | {each.number for each in records.values() if whole(each.body, "corrects") in about}


def _done(note: Note, zone: tzinfo) -> str:
    """Return what was done, as `2026-11-18T14:00:00.000+05:00 aigul review: spoke with the pupil, measures: none`."""
    said = ", measures: ".join(filter(None, (note.text or "–", note.measures)))
    return f"{_local(note.at, zone)} {note.by} {note.kind.value}: {said}"


def _local(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="milliseconds")


def _of_log(written: str, zone: tzinfo) -> str:
    """Return a time of the query log by the school's clock; one that is none as it is: a line can be damaged."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return written
    return _local(moment, zone) if moment.tzinfo is not None else written
