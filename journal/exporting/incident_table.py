"""Incidents as the rows of an export: one row an incident, with what people did about it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from journal.exporting.export_data import Column
from journal.incidents import Incident
from storage.evidence import Kind, Record, stamp, text, whole
from translations import _


def incident_columns() -> list[Column]:
    """Return the columns, with headings in the language in use."""
    return [
        Column("number", _("number")),
        Column("record", _("record"), number=True),
        Column("entered", _("entered (UTC)")),
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


def row_of(incident: Incident, records: Mapping[int, Record]) -> tuple[str, ...]:
    """Return the row of an incident. `records`: those that it is told from."""
    site = text(records[incident.record].body, "name")
    asked = [f"{name} {count}" for name, count in incident.asked] or [site]
    done = [
        " ".join(filter(None, (stamp(note.at), note.kind.value, note.by, note.text, note.measures)))
        for note in incident.notes
        if note.kind is not Kind.TOLD
    ]
    return (
        incident.id, str(incident.record), stamp(incident.at), incident.rule.value, incident.severity,
        incident.category, incident.state.value, incident.room, incident.group, incident.lesson, incident.teacher,
        incident.client, incident.device, incident.first, incident.last, str(incident.queries), str(incident.names),
        "; ".join(asked), "; ".join(incident.signs), "; ".join(done),
    )  # fmt: skip


def between(incidents: Sequence[Incident], first: date, last: date) -> list[Incident]:
    """Return the incidents that began on these days, as the log has it."""
    return [each for each in incidents if first.isoformat() <= each.first[:10] <= last.isoformat()]


def records_about(incidents: Collection[Incident], records: Mapping[int, Record]) -> set[int]:
    """Return the numbers of all records that speak of these incidents, corrections among them."""
    entered = {each.record for each in incidents}
    about = entered | {each.number for each in records.values() if whole(each.body, "incident") in entered}
    return about | {each.number for each in records.values() if whole(each.body, "corrects") in about}
