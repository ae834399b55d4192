"""Incidents as the rows of an export: one row an incident, with what people did about it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, tzinfo

from journal.documents.paper_lines import day_of
from journal.exporting.export_data import Column
from journal.incident_words import channel_words, sign_words
from journal.incidents import Incident, Note
from journal.notifying.contacts import Channel
from papers.incident_words import role_words, rule_title, severity_words, state_words
from policy.subjects import title_of
from storage.evidence import Kind, Record, text, whole
from translations import _, language


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
        Column("reporter", _("who reported the site")),
        Column("note", _("what was said of it")),
        Column("told", _("who was told, when and by what")),
        Column("reviews", _("what was done, when and by whom")),
    ]


def row_of(incident: Incident, records: Mapping[int, Record], zone: tzinfo, *, words: bool) -> tuple[str, ...]:
    """Return the row of an incident, all times by the school's clock. `records`: those that it is told from.

    `words`: for people, in the language in use; else for programs, in the codes that the journal itself has.
    """
    entered = records[incident.record]
    private = entered.private or {}
    asked = [f"{name} {count}" for name, count in incident.asked] or [text(entered.body, "name")]
    told = [each for each in incident.notes if each.kind is Kind.TOLD]
    done = [each for each in incident.notes if each.kind is not Kind.TOLD]
    told_of, done_of = (_told_words, _done_words) if words else (_told_codes, _done_codes)
    return (
        incident.id, str(incident.record), _local(incident.at, zone), *_kind(incident, words=words),
        incident.room, incident.group, incident.lesson, incident.teacher,
        incident.client, incident.device, _of_log(incident.first, zone), _of_log(incident.last, zone),
        str(incident.queries), str(incident.names), "; ".join(asked),
        "; ".join(map(sign_words, incident.signs) if words else incident.signs),
        text(private, "by"), text(private, "note"),
        "; ".join(told_of(each, records[each.record], zone) for each in told),
        "; ".join(done_of(each, records[each.record], zone) for each in done),
    )  # fmt: skip


def between(incidents: Sequence[Incident], first: date, last: date, zone: tzinfo) -> list[Incident]:
    """Return the incidents that began on these days of the school."""
    return [each for each in incidents if first <= day_of(each, zone) <= last]


def records_about(incidents: Collection[Incident], records: Mapping[int, Record]) -> set[int]:
    """Return the numbers of all records that speak of these incidents, corrections among them."""
    entered = {each.record for each in incidents}
    about = entered | {each.number for each in records.values() if whole(each.body, "incident") in entered}
    return about | {each.number for each in records.values() if whole(each.body, "corrects") in about}


def _kind(incident: Incident, *, words: bool) -> tuple[str, str, str, str]:
    """Return rule, severity, category and state."""
    if not words:
        return incident.rule.value, incident.severity, incident.category, incident.state.value
    category = title_of(incident.category, language()) if incident.category else ""
    return rule_title(incident.rule), severity_words(incident.severity), category, state_words(incident.state)


def _told_codes(note: Note, record: Record, zone: tzinfo) -> str:
    """Return who was told, as `2026-11-18T14:00:00.000+05:00 record 119 mail class-teacher Asanova A.: arrived`."""
    body = record.body
    who = " ".join(text(body, key) for key in ("channel", "role", "contact"))
    outcome = "arrived" if body.get("arrived") is True else f"not arrived, {note.text}"
    return f"{_local(note.at, zone)} record {note.record} {who}: {outcome}"


def _told_words(note: Note, record: Record, zone: tzinfo) -> str:
    body = record.body
    said = _("{moment} {name} ({role}), {channel}: arrived (record {record})")
    if body.get("arrived") is not True:
        said = _("{moment} {name} ({role}), {channel}: did not arrive: {text} (record {record})")
    return said.format(
        moment=_local(note.at, zone),
        name=text(body, "contact"),
        role=role_words(text(body, "role")),
        channel=_channel(text(body, "channel")),
        text=note.text,
        record=note.record,
    )


def _channel(code: str) -> str:
    return channel_words(Channel(code)) if code in set(Channel) else code


def _done_codes(note: Note, record: Record, zone: tzinfo) -> str:
    """Return what was done, as `2026-11-18T14:00:00.000+05:00 record 117 aigul review: a talk, measures: none`."""
    said = ", measures: ".join(filter(None, (note.text or "–", note.measures)))
    kind = note.kind.value
    if note.kind is Kind.CORRECTION:
        kind += f" of record {whole(record.body, 'corrects')}"
    return f"{_local(note.at, zone)} record {note.record} {note.by} {kind}: {said}"


def _done_words(note: Note, record: Record, zone: tzinfo) -> str:
    said = note.text or "–"
    if note.measures:
        said = _("{text}, measures: {measures}").format(text=said, measures=note.measures)
    match note.kind:
        case Kind.REVIEW:
            form = _("{moment} {by}, review: {text} (record {record})")
        case Kind.CLOSED:
            form = _("{moment} {by}, closed: {text} (record {record})")
        case Kind.REOPENED:
            form = _("{moment} {by}, opened again: {text} (record {record})")
        case _:
            form = _("{moment} {by}, correction of record {wrong}: {text} (record {record})")
    wrong = whole(record.body, "corrects")
    return form.format(moment=_local(note.at, zone), by=note.by, text=said, record=note.record, wrong=wrong)


def _local(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="milliseconds")


def _of_log(written: str, zone: tzinfo) -> str:
    """Return a time of the query log by the school's clock; one that is none as it is: a line can be damaged."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return written
    return _local(moment, zone) if moment.tzinfo is not None else written
