"""What the act of handover finds in the chain."""

from datetime import UTC, date, datetime, timedelta, timezone

from journal.documents.handover import (
    contacts,
    inspectors,
    last_papers,
    levels_of_groups,
    levels_of_rooms,
    open_incidents,
)
from papers.handover import HandedContact, HandedIncident, HandedInspector, HandedLevel, HandedPaper
from policy.groups import Group
from policy.levels import Level
from policy.rooms import Room
from storage.evidence import Body, Kind, Record
from storage.journal_db import Inspector
from translations import _, spoken

ALMATY = timezone(timedelta(hours=5))


def record(number: int, kind: Kind, body: Body, private: Body | None = None) -> Record:
    return Record(number, datetime(2026, 11, 3, 20, tzinfo=UTC), kind, "x", body, "", "link", private)


def incident(number: int, id_: str) -> Record:
    body: Body = {
        "id": id_, "rule": "at-risk", "severity": "harmful", "category": "gambling", "audience": "psychologist",
        "room": "room-5", "group": "pupils", "first": "", "last": "", "queries": 1, "names": 1,
    }  # fmt: skip
    return record(number, Kind.INCIDENT, body, {"client": "192.0.2.77", "device": "pc-7", "asked": []})


def test_incidents_that_are_not_closed_are_told_by_number_and_day_of_the_school() -> None:
    records = [
        incident(5, "2026-11-0003"),
        incident(6, "2026-11-0001"),
        incident(7, "2026-11-0002"),
        record(8, Kind.CLOSED, {"incident": 7}),
        record(9, Kind.REVIEW, {"incident": 6}),
    ]
    assert open_incidents(records, ALMATY) == [
        HandedIncident("2026-11-0001", "at-risk", "reviewed", date(2026, 11, 4)),
        HandedIncident("2026-11-0003", "at-risk", "new", date(2026, 11, 4)),
    ]


def test_the_last_paper_of_each_kind_stands_there_with_each_file() -> None:
    def paper(number: int, kind: str, count: int, *languages: str) -> Record:
        files = [{"language": each, "file": f"{kind}-{count}-{each}.pdf", "sha256": each * 32} for each in languages]
        return record(number, Kind.PAPER, {"paper": kind, "number": count, "year": 2026, "files": files})

    records = [
        paper(3, "act", 1, "kk"),
        paper(4, "act", 2, "kk", "ru"),
        paper(5, "monthly-report", 9, "kk"),
        paper(6, "parents", 1, "kk"),
    ]
    day = date(2026, 11, 4)
    assert last_papers(records, ALMATY) == [
        HandedPaper("monthly-report", 9, day, "monthly-report-9-kk.pdf", "kk" * 32),
        HandedPaper("act", 2, day, "act-2-kk.pdf", "kk" * 32),
        HandedPaper("act", 2, day, "act-2-ru.pdf", "ru" * 32),
    ]


def test_contacts_are_told_without_their_addresses_and_those_that_ended_not_at_all() -> None:
    body: Body = {
        "name": "Asanova",
        "role": "class-teacher",
        "groups": [],
        "rooms": [],
        "language": "ru",
        "channels": [],
    }
    records = [
        record(3, Kind.CONTACT, body, {"mail": "a@example.org"}),
        record(4, Kind.CONTACT, {**body, "name": "Usenov"}),
        record(5, Kind.CONTACT, {"name": "Usenov", "removed": True}),
    ]
    assert contacts(records) == [HandedContact("Asanova", "class-teacher")]


def test_accounts_that_still_open_something() -> None:
    accounts = [
        Inspector("over", "secret", "2026-11-03", 3),
        Inspector("today", "secret", "2026-11-04", 4),
        Inspector("revoked", "", "2027-01-01", 5),
    ]
    assert inspectors(accounts, date(2026, 11, 4)) == [HandedInspector("today", date(2026, 11, 4))]


def test_first_titles_of_groups_are_told_in_the_language_of_the_act() -> None:
    with spoken("ru"):
        title = _("Pupils")
    groups = [Group("pupils", title, Level.MEDIUM, frozenset()), Group("7-b", "7 «Ә»", Level.HIGH, frozenset())]
    assert [each.title for each in levels_of_groups(groups)] == ["Pupils", "7 «Ә»"]


def test_rooms_say_what_holds_in_and_outside_lessons() -> None:
    rooms = [Room("a", "Room A", level=Level.HIGH), Room("b", "Room B", supervised=False)]
    assert levels_of_rooms(rooms) == [HandedLevel("Room A", "high", "off"), HandedLevel("Room B", "", "")]
