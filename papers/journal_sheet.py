"""The journal of access to internet content of a month, as the commission knows it: a table to sign (R4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from papers.dates import short_day, written_day, written_month
from papers.frame import signers, spoken
from papers.incident_words import role_words, rule_words, severity_words, state_words
from papers.numbered import Numbered, chain_verification, numbered_frame, paper_number
from papers.period import incompleteness, known_since
from papers.press import Value, press
from policy.subjects import title_of
from translations import _


@dataclass(frozen=True, slots=True)
class SheetTold:
    """That somebody was told of an incident, or could not be."""

    at: datetime
    role: str
    """`class-teacher`, `psychologist` …; empty: not known."""
    arrived: bool


@dataclass(frozen=True, slots=True)
class SheetNote:
    """What a person did about an incident, or corrected."""

    at: datetime
    by: str
    text: str
    measures: str
    record: int
    """Its number in the chain."""
    corrects: int
    """The record that is wrong, and stays; 0: this is no correction."""
    became: str = ""
    """`closed` or `reopened`, if this is what was done with the incident; else empty."""


@dataclass(frozen=True, slots=True)
class SheetIncident:
    """A line of the journal. Moments are aware, in the school's time zone."""

    id: str
    """`2026-11-0007`."""
    record: int
    """Its number in the chain."""
    first: datetime
    last: datetime
    room: str
    device: str
    """Empty: not known, or erased."""
    group: str
    lesson: str
    rule: str
    severity: str
    category: str
    site: str
    """The site that a person reported; empty for all other rules."""
    queries: int
    names: int
    asked: Sequence[str]
    """The names asked for; empty: they are not printed, or erased."""
    told: Sequence[SheetTold]
    notes: Sequence[SheetNote]
    state: str
    reporter: str = ""
    """Who reported the site; empty: nobody said, or erased, as for what is said of it."""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class JournalSheet:
    """The incidents that are numbered in a month."""

    paper: Numbered
    year: int
    month: int
    finished: bool
    """Whether the month is over; else the sheet says as of when it is."""
    begun: date | None
    """The day on which the journal was begun, if that was after the first of the month."""
    with_names: bool
    incidents: Sequence[SheetIncident]


def journal_sheet_pdf(sheet: JournalSheet, language: str) -> bytes:
    """Return the sheet as PDF in one of LANGUAGES, whatever language is in use. Raises PaperError."""
    with spoken(language):
        values = _values(sheet, language)
    return press("journal_sheet", values, language, sheet.paper.printed_at)


def _values(sheet: JournalSheet, language: str) -> dict[str, Value]:
    subtitles = [
        written_month(sheet.year, sheet.month, language),
        _("Sheet No. {number}").format(number=paper_number(sheet.paper)),
    ]
    if not sheet.finished:
        day = written_day(sheet.paper.printed_at.date(), language)
        subtitles.append(_("The month is not over: as of {day}").format(day=day))
    subtitles += [f"{label}: {words}" for label, words in known_since(sheet.begun, language)]
    return {
        "frame": numbered_frame(sheet.paper, _("Journal of access to internet content"), subtitles, language),
        "count": _("Entries: {count}").format(count=len(sheet.incidents)),
        "none": "" if sheet.incidents else _nothing(sheet),
        "columns": [
            _("No."),
            _("Date and time"),
            _("Room, device"),
            _("Group"),
            _("What happened"),
            _("How often"),
            _("Who was told"),
            _("Measures taken"),
            _("State"),
            _("Signature"),
        ],
        "rows": [_row(incident, language) for incident in sheet.incidents],
        "confidential": _confidential(sheet),
        "limits": incompleteness()["words"],
        "signatures": signers([(_("Responsible person"), ""), (_("Psychologist"), ""), (_("School director"), "")]),
        "verification": chain_verification(sheet.paper),
    }


def _nothing(sheet: JournalSheet) -> str:
    if sheet.begun is not None:
        return _("Nothing was entered since the journal was begun.")
    return _("Nothing was entered in this month.")


def _confidential(sheet: JournalSheet) -> str:
    if sheet.with_names:
        return _("Confidential: names devices and the sites that were asked for from them.")
    return _("Confidential: names devices.")


def _row(incident: SheetIncident, language: str) -> dict[str, Value]:
    return {
        "id": incident.id,
        "record": _("record {number}").format(number=incident.record),
        "times": _times(incident, language),
        "place": _filled(incident.room, incident.device, incident.lesson),
        "group": incident.group or "–",
        "what": _what(incident, language),
        "asked": ", ".join(incident.asked),
        "often": _often(incident),
        "told": _filled(*(_told(each, language) for each in incident.told)),
        "measures": _filled(*(_note(each, language) for each in incident.notes)),
        "state": state_words(incident.state),
    }


def _times(incident: SheetIncident, language: str) -> list[str]:
    first, last = incident.first, incident.last
    said = [short_day(first.date(), language), f"{first:%H:%M}"]
    if (first.date(), first.hour, first.minute) == (last.date(), last.hour, last.minute):
        return said
    if first.date() == last.date():
        return [said[0], f"{first:%H:%M}–{last:%H:%M}"]
    return [*said, "–", short_day(last.date(), language), f"{last:%H:%M}"]


def _what(incident: SheetIncident, language: str) -> list[str]:
    said = [rule_words(incident.rule)]
    if incident.category:
        title = title_of(incident.category, language)
        said.append(f"{title} ({severity_words(incident.severity)})" if incident.severity else title)
    if incident.site:
        said.append(incident.site)
    if incident.reporter:
        said.append(_("reported by: {name}").format(name=incident.reporter))
    if incident.remark:
        said.append(_("note: {text}").format(text=incident.remark))
    return said


def _often(incident: SheetIncident) -> list[str]:
    if incident.site:
        return ["–"]
    return [
        _("queries: {count}").format(count=incident.queries),
        _("sites: {count}").format(count=incident.names),
    ]


def _told(told: SheetTold, language: str) -> str:
    who = role_words(told.role) if told.role else _("told")
    said = _("{who}, {day} {time}") if told.arrived else _("{who}, {day} {time}: did not arrive")
    return said.format(who=who, day=short_day(told.at.date(), language), time=f"{told.at:%H:%M}")


def _note(note: SheetNote, language: str) -> str:
    said = "; ".join(part for part in (note.text, note.measures) if part)
    form = _("{day}, {by} (record {record}): {text}")
    if note.became == "closed" and said:
        form = _("{day}, {by} (record {record}): closed: {text}")
    elif note.became == "closed":
        form = _("{day}, {by} (record {record}): closed")
    elif note.became == "reopened":
        form = _("{day}, {by} (record {record}): opened again: {text}")
    elif note.corrects:
        form = _("{day}, {by} (record {record}): correction of record {wrong}: {text}")
    day = short_day(note.at.date(), language)
    return form.format(day=day, by=note.by, record=note.record, wrong=note.corrects, text=said or "–")


def _filled(*texts: str) -> list[str]:
    """Return the texts that say something; a dash if none does."""
    return [text for text in texts if text] or ["–"]
