"""Rows of the calendar: everything comes back as it was, nonsense is refused."""

import json
from datetime import date

import pytest
from hypothesis import given, settings

from policy.calendar import BellsOn, Calendar, Exam, Minutes, Periods, Slot, Span, SpanKind, Substitution, Weeks
from policy.calendar_bodies import KINDS, body, calendar_of, from_body, row, rows
from policy.levels import Level
from tests.policy.calendars import calendars


@settings(deadline=None)
@given(calendars())
def test_a_calendar_comes_back_from_its_rows_through_json(calendar: Calendar) -> None:
    kept = [(kind, id_, json.loads(json.dumps(body))) for kind, id_, body in rows(calendar)]
    assert calendar_of(kept) == calendar
    assert {kind for kind, _, _ in kept} <= set(KINDS)


def test_bodies_are_what_a_person_can_read() -> None:
    slot = Slot(
        *("inf", frozenset(range(5)), Periods(2, 1, 2), "inf-1", "7b", Level.HIGH, "Asanova", "informatics"),
        *(Weeks.ODD, date(2026, 9, 1), None),
    )
    assert row(slot) == (
        "slot",
        "inf",
        {
            "weekdays": "mon-fri",
            "window": "2/1-2",
            "room": "inf-1",
            "group": "7b",
            "level": "high",
            "teacher": "Asanova",
            "title": "informatics",
            "weeks": "odd",
            "begin": "2026-09-01",
            "end": None,
        },
    )
    exam = Exam("e", date(2026, 6, 1), date(2026, 6, 2), Level.OFF, Minutes(480, 1500), frozenset({"b", "a"}))
    assert body(exam) == {
        "begin": "2026-06-01",
        "end": "2026-06-02",
        "level": "off",
        "window": "08:00-01:00",
        "rooms": ["a", "b"],
        "groups": [],
        "title": "",
    }


def test_values_without_an_id_are_known_by_their_days() -> None:
    assert row(Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 25)))[:2] == ("term", "2026-09-01/2026-10-25")
    assert row(Span(SpanKind.HOLIDAY, date(2026, 12, 16), date(2026, 12, 16)))[:2] == ("holiday", "2026-12-16")
    assert row(BellsOn(date(2026, 9, 9), "short"))[:2] == ("bells-on", "2026-09-09")


SLOT = body(Slot("a", frozenset({0}), Minutes(480, 540), "inf-1"))
EXAM = body(Exam("e", date(2026, 6, 1), date(2026, 6, 2), Level.OFF))
CHANGE = body(Substitution("u", date(2026, 6, 1), "inf-1", Minutes(480, 540)))


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("lesson", {}),
        ("slot", {}),
        ("slot", {**SLOT, "weekdays": "funday"}),
        ("slot", {**SLOT, "weekdays": [0]}),
        ("slot", {**SLOT, "window": "25:00-26:00"}),
        ("slot", {**SLOT, "window": None}),
        ("slot", {**SLOT, "room": None}),
        ("slot", {**SLOT, "room": 5}),
        ("slot", {**SLOT, "level": "hgih"}),
        ("slot", {**SLOT, "weeks": "third"}),
        ("slot", {**SLOT, "begin": "1 September"}),
        ("exam", {**EXAM, "level": None}),
        ("exam", {**EXAM, "end": None}),
        ("exam", {**EXAM, "rooms": "inf-1"}),
        ("exam", {**EXAM, "rooms": [1]}),
        ("term", {"begin": "2026-09-01", "title": ""}),
        ("holiday", {"begin": "2026-09-01", "end": "2026-09-31", "title": ""}),
        ("substitution", {**CHANGE, "date": ""}),
        ("substitution", {**CHANGE, "teacher": None}),
        ("bells", {"weekdays": "mon"}),
        ("bells", {"weekdays": "mon", "periods": [[1, 1]]}),
        ("bells", {"weekdays": "mon", "periods": [[1, 1, "2-3"]]}),
        ("bells", {"weekdays": "mon", "periods": [["1", 1, "08:00-08:45"]]}),
        ("bells", {"weekdays": "mon", "periods": [[0, 1, "08:00-08:45"]]}),
        ("bells-on", {"date": "2026-09-09"}),
    ],
)
def test_a_row_that_nobody_here_wrote_is_refused(kind: str, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_body(kind, "id", wrong)
