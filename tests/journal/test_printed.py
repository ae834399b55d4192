"""The lines of the journal sheet, as the records of the chain tell them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest

from journal.documents.printed import Titles, lines_of_month
from papers.journal_sheet import SheetIncident
from storage.evidence import Body, Kind, Record

ALMATY = timezone(timedelta(hours=5))
TITLES = Titles({"room-5": "Кабинет 5"}, {"pupils": "Pupils"})
INCIDENT: Body = {
    "id": "2026-11-0007", "rule": "deliberate-attempt", "severity": "harmful", "category": "adult",
    "audience": "class-teacher", "room": "room-5", "group": "pupils", "lesson": "7-b", "signs": [],
    "first": "2026-11-03T10:15:02.120+05:00", "last": "2026-11-03T10:41:00.000+05:00", "queries": 9, "names": 2,
}  # fmt: skip
PRIVATE: Body = {
    "client": "192.0.2.77",
    "device": "pc-7",
    "asked": [["casino.example", 4], ["xn--e1afmkfd.example", 2]],
}


def record(number: int, kind: Kind, body: Body, private: Body | None = None, by: str = "schoolfilter") -> Record:
    at = datetime(2026, 11, 3, 6, tzinfo=UTC) + timedelta(minutes=number)
    return Record(number, at, kind, by, body, "seal" if private else "", "link", private)


def lines(*records: Record, month: str = "2026-11", names: bool = False) -> list[SheetIncident]:
    return lines_of_month(records, month, ALMATY, TITLES, names=names)


def changed(body: Body, **values: object) -> Mapping[str, object]:
    return {**body, **values}


def test_a_line_has_titles_local_times_and_the_device() -> None:
    [line] = lines(record(10, Kind.INCIDENT, INCIDENT, PRIVATE))
    assert (line.id, line.record, line.room, line.group, line.device) == (
        "2026-11-0007", 10, "Кабинет 5", "Pupils", "pc-7",
    )  # fmt: skip
    assert f"{line.first:%d.%m %H:%M} {line.last:%H:%M}" == "03.11 10:15 10:41"
    assert (line.queries, line.names, line.asked) == (9, 2, [])


def test_names_are_given_only_if_they_are_asked_for_as_people_write_them() -> None:
    [line] = lines(record(10, Kind.INCIDENT, INCIDENT, PRIVATE), names=True)
    assert line.asked == ["casino.example (4)", "пример.example (2)"]


def test_the_address_of_a_client_is_never_in_a_line() -> None:
    assert "192.0.2.77" not in repr(lines(record(10, Kind.INCIDENT, INCIDENT, PRIVATE), names=True))


def test_what_is_erased_leaves_the_line() -> None:
    [line] = lines(record(10, Kind.INCIDENT, INCIDENT, None), names=True)
    assert (line.device, line.asked, line.id) == ("", [], "2026-11-0007")


def test_only_incidents_numbered_in_the_month_stand_there_by_number() -> None:
    found = lines(
        record(10, Kind.INCIDENT, changed(INCIDENT, id="2026-11-0010")),
        record(11, Kind.INCIDENT, changed(INCIDENT, id="2026-10-0002")),
        record(12, Kind.INCIDENT, changed(INCIDENT, id="2026-11-0009")),
    )
    assert [line.id for line in found] == ["2026-11-0009", "2026-11-0010"]


def test_what_was_told_done_and_corrected_belongs_to_its_incident() -> None:
    told = {"incident": 10, "role": "class-teacher", "channel": "mail", "arrived": True}
    first, other = lines(
        record(10, Kind.INCIDENT, INCIDENT, PRIVATE),
        record(11, Kind.INCIDENT, changed(INCIDENT, id="2026-11-0008"), PRIVATE),
        record(12, Kind.TOLD, changed(told, arrived=False, text="no server")),
        record(13, Kind.TOLD, told),
        record(14, Kind.REVIEW, {"incident": 10}, {"text": "Spoke", "measures": "A talk"}, by="teacher"),
        record(15, Kind.CORRECTION, {"incident": 10, "corrects": 14}, {"text": "With the class"}, by="teacher"),
        record(16, Kind.REPEAT, {"incident": 10, "last": INCIDENT["last"], "queries": 20, "names": 3, "signs": []}),
    )
    assert [(each.role, each.arrived) for each in first.told] == [("class-teacher", False), ("class-teacher", True)]
    assert [(note.record, note.corrects, note.by, note.text, note.measures) for note in first.notes] == [
        (14, 0, "teacher", "Spoke", "A talk"),
        (15, 14, "teacher", "With the class", ""),
    ]
    assert (first.queries, first.names, first.state) == (20, 3, "reviewed")
    assert (other.told, other.notes, other.state) == ([], [], "new")


def test_closing_and_opening_again_are_told_apart_from_notes() -> None:
    [line] = lines(
        record(10, Kind.INCIDENT, INCIDENT, PRIVATE),
        record(11, Kind.REVIEW, {"incident": 10}, {"text": "Spoke"}, by="teacher"),
        record(12, Kind.CLOSED, {"incident": 10}, {"text": "Done"}, by="teacher"),
        record(13, Kind.REOPENED, {"incident": 10}, {"text": "Again"}, by="teacher"),
    )
    assert [(note.became, note.text) for note in line.notes] == [
        ("", "Spoke"),
        ("closed", "Done"),
        ("reopened", "Again"),
    ]


def test_a_reported_site_is_named_with_who_reported_it_and_what_was_said_of_it() -> None:
    report = changed(INCIDENT, rule="report", audience="responsible", name="xn--e1afmkfd.example", queries=0)
    [line] = lines(record(10, Kind.REPORTED, report, {"by": "Asanova", "note": "casino"}))
    assert line.site == "пример.example"
    assert (line.reporter, line.remark) == ("Asanova", "casino")
    [erased] = lines(record(10, Kind.REPORTED, report))
    assert (erased.reporter, erased.remark) == ("", "")


@pytest.mark.parametrize("damaged", ["", "yesterday", "2026-11-03T10:15:02", "2026-13-40T00:00:00+05:00"])
def test_a_time_that_the_log_damaged_is_that_of_the_entry(damaged: str) -> None:
    [line] = lines(record(10, Kind.INCIDENT, changed(INCIDENT, first=damaged, last=damaged), PRIVATE))
    assert f"{line.first:%d.%m %H:%M}" == "03.11 11:10"
