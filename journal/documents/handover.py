"""What an act of handover tells of the evidence and of the lists, gathered from the records of the chain. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, tzinfo

from journal.documents.kept_papers import PaperKind
from journal.incidents import KINDS, State, replay
from journal.notifying.contacts import contacts_of
from papers.handover import HandedContact, HandedIncident, HandedInspector, HandedLevel, HandedPaper
from policy.group_titles import shown_title
from policy.groups import Group
from policy.rooms import Room
from storage.evidence import Kind, Record, text, whole
from storage.journal_db import Inspector

RECORDS = (*KINDS, Kind.PAPER, Kind.CONTACT)
"""The records that the act is told from."""
_NAMED = (PaperKind.MONTHLY_REPORT, PaperKind.ACT, PaperKind.HANDOVER, PaperKind.JOURNAL, PaperKind.BRIEFING)


def open_incidents(records: Iterable[Record], zone: tzinfo) -> list[HandedIncident]:
    """Return the incidents that nobody has closed, in the order of their numbers."""
    found = [each for each in replay(each for each in records if each.kind in KINDS) if each.state is not State.CLOSED]
    return [
        HandedIncident(each.id, each.rule, each.state, each.at.astimezone(zone).date())
        for each in sorted(found, key=lambda each: each.id)
    ]


def last_papers(records: Iterable[Record], zone: tzinfo) -> list[HandedPaper]:
    """Return each file of the last paper of each kind."""
    last = {text(each.body, "paper"): each for each in records if each.kind is Kind.PAPER}
    return [paper for kind in _NAMED if kind in last for paper in _files(last[kind], zone)]


def contacts(records: Iterable[Record]) -> list[HandedContact]:
    """Return who is told of incidents, without their addresses."""
    found = contacts_of(each for each in records if each.kind is Kind.CONTACT)
    return [HandedContact(each.name, each.role) for each in found.values()]


def inspectors(accounts: Iterable[Inspector], today: date) -> list[HandedInspector]:
    """Return the accounts that still open something."""
    found = [HandedInspector(each.name, date.fromisoformat(each.until)) for each in accounts if each.secret]
    return [each for each in found if each.until >= today]


def levels_of_groups(groups: Iterable[Group]) -> list[HandedLevel]:
    """Return how far groups are restricted, titles in the language in use."""
    return [HandedLevel(shown_title(each.id, each.title), each.level, "") for each in groups]


def levels_of_rooms(rooms: Iterable[Room]) -> list[HandedLevel]:
    """Return how far rooms restrict what their groups may."""
    return [HandedLevel(each.title, each.level or "", each.closed if each.supervised else "") for each in rooms]


def _files(record: Record, zone: tzinfo) -> list[HandedPaper]:
    kind, number = text(record.body, "paper"), whole(record.body, "number")
    files = record.body.get("files")
    return [
        HandedPaper(kind, number, record.at.astimezone(zone).date(), str(each["file"]), str(each["sha256"]))
        for each in (files if isinstance(files, Sequence) else ())
        if isinstance(each, dict)
    ]
