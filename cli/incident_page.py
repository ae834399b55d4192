"""One incident as it is shown when somebody opens it: what was found, who was told, what was done, what was wrong."""

from collections.abc import Iterator
from datetime import tzinfo

from cli.days import minute
from cli.incidents import Told, facts_json, personal_json
from journal.incident_words import channel_words, rule_words, sign_words
from journal.incidents import Incident, Note, Rule
from journal.notifying.contacts import Channel, Role
from journal.notifying.notice_text import rows
from papers.incident_words import role_words, state_words
from policy.names import display_name
from storage.evidence import Kind, Record, text
from translations import _


def incident_lines(told: Told, incident: Incident, zone: tzinfo) -> Iterator[str]:
    """Yield the lines of the page."""
    shown = [*rows(incident, zone), (_("State"), state_words(incident.state)), *_more(told, incident, zone)]
    width = max(len(label) for label, _value in shown)
    yield from (f"{label:<{width}}  {value}" for label, value in shown)
    yield rule_words(incident.rule)
    yield from _corrected(told, incident.record, zone)
    yield ""
    yield from _asked(told, incident)
    yield _("What was done:") if incident.notes else _("Nothing was done yet.")
    for note in incident.notes:
        if note.kind is not Kind.CORRECTION:
            yield from _note_lines(told, note, zone)
            yield from _corrected(told, note.record, zone)


def incident_json(told: Told, incident: Incident) -> dict[str, object]:
    """Return the page for machines."""
    return (
        facts_json(incident)
        | personal_json(incident)
        | {
            "erased": _is_erased(told, incident),
            "reported": _report_json(told, incident) if incident.rule is Rule.REPORT else None,
            "notes": [_note_json(told, note) for note in incident.notes],
        }
    )


def _more(told: Told, incident: Incident, zone: tzinfo) -> list[tuple[str, str]]:
    """Return what stands on the page and in no notice."""
    found = [
        (_("Client"), incident.client),
        (_("Teacher"), incident.teacher),
        (_("Signs"), ", ".join(map(sign_words, incident.signs))),
        (_("Entered"), _("{moment}, record {number}").format(moment=minute(incident.at, zone), number=incident.record)),
    ]
    if incident.rule is Rule.REPORT:
        report = _report_json(told, incident)
        found[:0] = [
            (_("Site"), display_name(str(report["name"]))),
            (_("Reported by"), str(report["by"])),
            (_("Note"), str(report["note"])),
        ]
    return [(label, value) for label, value in found if value]


def _report_json(told: Told, incident: Incident) -> dict[str, object]:
    record = told.records[incident.record]
    private = record.private or {}
    return {
        "name": text(record.body, "name"),
        "decided": text(record.body, "decided"),
        "by": text(private, "by"),
        "note": text(private, "note"),
    }


def _asked(told: Told, incident: Incident) -> Iterator[str]:
    if _is_erased(told, incident):
        yield _("What was personal was erased.")
    elif incident.asked:
        yield _("Names asked for, and how often:")
        width = len(str(max(count for _name, count in incident.asked)))
        yield from (f"  {count:>{width}}  {display_name(name)}" for name, count in incident.asked)
        if incident.names > len(incident.asked):
            yield _("  and {count} other names").format(count=incident.names - len(incident.asked))
    else:
        return
    yield ""


def _is_erased(told: Told, incident: Incident) -> bool:
    return incident.sealed and told.records[incident.record].private is None


def _note_lines(told: Told, note: Note, zone: tzinfo) -> Iterator[str]:
    by = "" if note.kind is Kind.TOLD else f", {note.by}"
    yield f"  {minute(note.at, zone)}{by}: {_note_words(told, note)}  " + _("(record {number})").format(
        number=note.record
    )
    if note.measures:
        yield "    " + _("Measures: {measures}").format(measures=note.measures)


def _note_words(told: Told, note: Note) -> str:
    said = _said(told.records[note.record])
    match note.kind:
        case Kind.TOLD:
            return _told_words(told, note)
        case Kind.REVIEW:
            return _("reviewed: {text}").format(text=said)
        case Kind.CLOSED:
            return _("closed: {text}").format(text=said) if said else _("closed")
        case Kind.REOPENED:
            return _("opened again: {text}").format(text=said)
        case _:
            return said


def _said(record: Record) -> str:
    """Return what a person wrote; if it was erased, that it was."""
    if record.seal and record.private is None:
        return _("What was personal was erased.")
    return text(record.private or {}, "text")


def _told_words(told: Told, note: Note) -> str:
    body = told.records[note.record].body
    role, channel, contact = Role(text(body, "role")), Channel(text(body, "channel")), text(body, "contact")
    words = {
        "name": contact,
        "role": role_words(role),
        "channel": channel_words(channel),
    }
    if channel is Channel.WEBHOOK:
        arrived, not_arrived = _("sent to the webhook"), _("could not be sent to the webhook: {text}")
    else:
        arrived, not_arrived = (
            _("{name} ({role}) was told by {channel}"),
            _("{name} ({role}) could not be told by {channel}: {text}"),
        )
    return (arrived if body.get("arrived") is True else not_arrived).format(**words, text=note.text)


def _corrected(told: Told, record: int, zone: tzinfo) -> Iterator[str]:
    for each in told.corrections(record):
        said = _("corrected on {moment} by {by}: {text} (record {number})")
        yield "    " + said.format(moment=minute(each.at, zone), by=each.by, text=_said(each), number=each.number)
        yield from _corrected(told, each.number, zone)


def _note_json(told: Told, note: Note) -> dict[str, object]:
    body = told.records[note.record].body
    found: dict[str, object] = {
        "record": note.record,
        "at": note.at.isoformat(),
        "kind": note.kind,
        "by": note.by,
        "text": note.text,
        "measures": note.measures,
        "erased": bool(told.records[note.record].seal) and told.records[note.record].private is None,
    }
    if note.kind is Kind.TOLD:
        found |= {key: body.get(key) for key in ("contact", "role", "channel", "arrived")}
    if note.kind is Kind.CORRECTION:
        found["corrects"] = body.get("corrects")
    return found
