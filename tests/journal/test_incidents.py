"""Incidents as the records tell of them."""

from datetime import UTC, datetime, timedelta

import pytest

from journal.incidents import Audience, Rule, State, replay
from storage.evidence import Body, Kind, Record

AT = datetime(2026, 11, 2, 4, tzinfo=UTC)
ENTERED: Body = {
    "id": "2026-11-0007",
    "rule": "deliberate-attempt",
    "severity": "harmful",
    "category": "adult",
    "audience": "class-teacher",
    "room": "214",
    "group": "pupils",
    "lesson": "7-b",
    "first": "2026-11-02T09:00:00.000+05:00",
    "last": "2026-11-02T09:01:00.000+05:00",
    "queries": 3,
    "names": 2,
    "signs": ["repeated"],
}
PRIVATE: Body = {
    "client": "192.0.2.1",
    "device": "lab-07",
    "teacher": "A. B.",
    "asked": [["a.example", 2], ["b.example", 1]],
}


def record(number: int, kind: Kind, body: Body, private: Body | None = None, by: str = "aigul") -> Record:
    return Record(number, AT + timedelta(minutes=number), kind, by, body, "seal" if private else "", "", private)


def test_incident_is_what_its_record_says() -> None:
    (incident,) = replay([record(5, Kind.INCIDENT, ENTERED, PRIVATE)])
    assert (incident.record, incident.id, incident.month) == (5, "2026-11-0007", "2026-11")
    assert (incident.rule, incident.audience) == (Rule.ATTEMPT, Audience.CLASS_TEACHER)
    assert (incident.queries, incident.names, incident.signs) == (3, 2, ("repeated",))
    assert (incident.client, incident.device, incident.teacher) == ("192.0.2.1", "lab-07", "A. B.")
    assert incident.asked == (("a.example", 2), ("b.example", 1))
    assert (incident.state, incident.sealed) == (State.NEW, True)


def test_erased_incident_says_nothing_personal() -> None:
    (incident,) = replay([Record(5, AT, Kind.INCIDENT, "p", ENTERED, "seal", "")])
    assert (incident.client, incident.device, incident.teacher, incident.asked) == ("", "", "", ())
    assert incident.sealed


def test_repeat_says_how_things_stand_in_all() -> None:
    repeat = {"incident": 5, "last": "2026-11-02T09:30:00.000+05:00", "queries": 9, "names": 4, "signs": ["varied"]}
    (incident,) = replay(
        [record(5, Kind.INCIDENT, ENTERED, PRIVATE), record(6, Kind.REPEAT, repeat, {"asked": [["c.example", 9]]})]
    )
    assert (incident.first, incident.last) == (ENTERED["first"], repeat["last"])
    assert (incident.queries, incident.names, incident.signs) == (9, 4, ("repeated", "varied"))
    assert incident.asked == (("c.example", 9),)


TOLD, LOST = {"incident": 5, "arrived": True}, {"incident": 5, "arrived": False}
OF_IT = {"incident": 5}


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], State.NEW),
        ([(Kind.TOLD, LOST)], State.NEW),
        ([(Kind.TOLD, LOST), (Kind.TOLD, TOLD)], State.TOLD),
        ([(Kind.REVIEW, OF_IT)], State.REVIEWED),
        ([(Kind.REVIEW, OF_IT), (Kind.TOLD, TOLD)], State.REVIEWED),
        ([(Kind.TOLD, TOLD), (Kind.REVIEW, OF_IT), (Kind.CLOSED, OF_IT)], State.CLOSED),
        ([(Kind.CLOSED, OF_IT), (Kind.REVIEW, OF_IT)], State.CLOSED),
        ([(Kind.CLOSED, OF_IT), (Kind.CORRECTION, OF_IT)], State.CLOSED),
        ([(Kind.CLOSED, OF_IT), (Kind.REOPENED, OF_IT)], State.REVIEWED),
    ],
)
def test_state_follows_from_what_was_done(steps: list[tuple[Kind, Body]], state: State) -> None:
    told = [record(6 + at, kind, body) for at, (kind, body) in enumerate(steps)]
    (incident,) = replay([record(5, Kind.INCIDENT, ENTERED), *told])
    assert incident.state is state
    assert [note.kind for note in incident.notes] == [kind for kind, _body in steps]


def test_what_people_wrote_is_sealed_and_why_a_notice_did_not_arrive_is_not() -> None:
    said = {"text": "Spoke", "measures": "A talk"}
    steps = [
        record(6, Kind.TOLD, {**LOST, "text": "no server"}),
        record(7, Kind.REVIEW, OF_IT, said),
        Record(8, AT, Kind.REVIEW, "aigul", OF_IT, "seal", "", None),
    ]
    (incident,) = replay([record(5, Kind.INCIDENT, ENTERED), *steps])
    assert [(note.text, note.measures) for note in incident.notes] == [("no server", ""), ("Spoke", "A talk"), ("", "")]


def test_what_belongs_to_no_incident_is_left_out() -> None:
    found = replay([record(1, Kind.REVIEW, {"incident": 77}), record(5, Kind.INCIDENT, ENTERED)])
    assert [each.notes for each in found] == [()]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rule", "x"), ("rule", ""), ("rule", []), ("audience", "everybody"), ("audience", None), ("severity", "9"),
        ("id", "7"), ("id", "2026-13-0001"), ("id", "2026-11-x"), ("id", ""),
    ],
)  # fmt: skip
def test_an_incident_that_nobody_here_entered_hides_no_other(key: str, value: object) -> None:
    steps = [record(6, Kind.INCIDENT, {**ENTERED, key: value}, PRIVATE), record(7, Kind.REVIEW, {"incident": 6})]
    found = replay([record(5, Kind.INCIDENT, ENTERED), *steps])
    assert [each.record for each in found] == [5]


@pytest.mark.parametrize("asked", [7, "x", [7], [["x"]], [["x", "y"]], [["x", 1, 2]], [{"x": 1}], [["x", None]]])
def test_names_that_are_none_are_left_out(asked: object) -> None:
    repeat = {"incident": 5, "queries": [], "signs": 7}
    steps = [record(5, Kind.INCIDENT, ENTERED, {"asked": asked}), record(6, Kind.REPEAT, repeat, {"asked": asked})]
    assert [each.asked for each in replay(steps)] == [()]


@pytest.mark.parametrize("year", ["0001", "9999"])
def test_a_time_that_no_other_time_zone_has_is_none(year: str) -> None:
    moment = f"{year}-01-01T00:00:00.000+05:00"
    steps = [record(5, Kind.INCIDENT, {**ENTERED, "first": moment, "last": moment})]
    steps.append(record(6, Kind.REPEAT, {"incident": 5, "last": moment}))
    assert [(each.first, each.last) for each in replay(steps)] == [("", "")]
