"""What cannot be meant is told in words."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings

from policy.calendar import (
    Bells,
    BellsOn,
    Calendar,
    Exam,
    Minutes,
    Period,
    Periods,
    Slot,
    Span,
    SpanKind,
    Substitution,
    Weeks,
)
from policy.calendar_faults import faults
from policy.levels import Level
from tests.policy.calendars import GROUPS, ROOMS, calendars

MON_FRI = frozenset(range(5))
PERIODS = (Period(1, 1, 480, 525), Period(1, 2, 530, 575), Period(2, 1, 550, 595))
BELLS = Bells("default", PERIODS, MON_FRI)
SLOT = Slot("a", MON_FRI, Periods(1, 1, 1), "inf-1")
GOOD = Calendar(
    (BELLS, Bells("saturday", PERIODS[:1], frozenset({5})), Bells("short", PERIODS[:1], frozenset())),
    (BellsOn(date(2026, 9, 9), "short"),),
    (
        Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 25)),
        Span(SpanKind.TERM, date(2026, 10, 26), date(2026, 12, 29)),
        Span(SpanKind.HOLIDAY, date(2026, 10, 25), date(2026, 10, 30)),
    ),
    (
        Exam(
            "e", date(2026, 9, 7), date(2026, 9, 7), Level.OFF, Periods(1, 1, 2), frozenset({"lab"}), frozenset({"7b"})
        ),
    ),
    (
        SLOT,
        replace(SLOT, id="b", window=Periods(1, 2, 2)),
        replace(SLOT, id="c", room="lab"),
        replace(SLOT, id="d", room=None, group="7b", level=Level.LOW),
        replace(SLOT, id="x", room="hall", weeks=Weeks.ODD),
        replace(SLOT, id="y", room="hall", weeks=Weeks.EVEN),
        replace(SLOT, id="v", room="attic", group="7a"),
        replace(SLOT, id="w", room="attic", group="7b"),
        replace(SLOT, id="t", room="cellar", end=date(2026, 10, 1)),
        replace(SLOT, id="u", room="cellar", begin=date(2026, 10, 2)),
    ),
    (Substitution("s", date(2026, 9, 8), "inf-1", Periods(1, 1, 2), "Bekov", "lab"),),
)
SCHOOL_ROOMS = ("attic", "cellar", "hall", "inf-1", "lab")
SCHOOL_GROUPS = ("7a", "7b")


def told(**parts: object) -> list[str]:
    return faults(replace(GOOD, **parts), SCHOOL_ROOMS, SCHOOL_GROUPS)  # type: ignore[arg-type]  # fields by name


def test_a_good_calendar_has_no_faults() -> None:
    assert told() == []
    assert faults(Calendar(), (), ()) == []


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"slots": (SLOT, replace(SLOT, room="lab"))},
            ["expected each id once, found 2 of 'a'"],
        ),
        (
            {"bells": (*GOOD.bells, Bells("empty", (), frozenset()))},
            ["the bells 'empty' have no periods"],
        ),
        (
            {"bells": (replace(BELLS, periods=(*PERIODS, Period(1, 2, 600, 645))), *GOOD.bells[1:])},
            ["the bells 'default' have shift 1, lesson 2 more than once"],
        ),
        (
            {"bells": (replace(BELLS, periods=(*PERIODS, Period(1, 3, 570, 615))), *GOOD.bells[1:])},
            ["the bells 'default': 2 (08:50-09:35) and 3 (09:30-10:15) overlap"],
        ),
        (
            {"bells": (replace(BELLS, periods=(*PERIODS, Period(2, 2, 615, 600 + 1440))), *GOOD.bells[1:])},
            ["the bells 'default': expected a lesson of at most 3 hours, found 2/2 (10:15-10:00)"],
        ),
        (
            {"bells": (*GOOD.bells, replace(BELLS, id="other", weekdays=frozenset(range(1, 6))))},
            ["expected one kind of bells on tue-fri, found 'default' and 'other'"],
        ),
        (
            {"bells_on": (BellsOn(date(2026, 9, 9), "shrot"),)},
            ["2026-09-09: there are no bells 'shrot'; known are: default, saturday, short"],
        ),
        (
            {"bells_on": (*GOOD.bells_on, BellsOn(date(2026, 9, 9), "saturday"))},
            ["2026-09-09: expected one kind of bells, found several"],
        ),
        (
            {"spans": (Span(SpanKind.TERM, date(2026, 9, 1), date(2025, 10, 25)),), "substitutions": ()},
            ["the term 2026-09-01 - 2025-10-25: the end is before the beginning"],
        ),
        (
            {"spans": (*GOOD.spans, Span(SpanKind.HOLIDAY, date(2026, 9, 2), date(2026, 9, 1)))},
            ["the holiday 2026-09-02 - 2026-09-01: the end is before the beginning"],
        ),
        (
            {"spans": (*GOOD.spans, Span(SpanKind.TERM, date(2026, 12, 29), date(2027, 3, 1)))},
            ["the term 2026-10-26 - 2026-12-29 and the term 2026-12-29 - 2027-03-01 overlap"],
        ),
        (
            {"exams": (Exam("e", date(2026, 9, 7), date(2026, 9, 6), Level.OFF, Periods(1, 2, 3), frozenset({"x"})),)},
            [
                "exam 'e': the end is before the beginning",
                "exam 'e': there is no room 'x'; known are: attic, cellar, hall, inf-1, lab",
                "exam 'e': no bells ring for 2-3",
            ],
        ),
        (
            {"exams": (Exam("e", date(2026, 9, 7), date(2026, 9, 7), Level.OFF, groups=frozenset({"x"})),)},
            ["exam 'e': there is no group 'x'; known are: 7a, 7b"],
        ),
        (
            {"slots": (replace(SLOT, room="inf-2", group="8"),)},
            [
                "slot 'a' (mon-fri 1): there is no room 'inf-2'; known are: attic, cellar, hall, inf-1, lab",
                "slot 'a' (mon-fri 1): there is no group '8'; known are: 7a, 7b",
            ],
        ),
        (
            {"slots": (replace(SLOT, weekdays=frozenset(), begin=date(2026, 9, 2), end=date(2026, 9, 1)),)},
            [
                "slot 'a' (- 1): expected at least one day of the week, found none",
                "slot 'a' (- 1): the end is before the beginning",
            ],
        ),
        (
            {"slots": (replace(SLOT, weekdays=frozenset(range(7)), window=Periods(1, 1, 2)),)},
            ["slot 'a' (mon-sun 1-2), sat-sun: no bells ring for 1-2"],
        ),
        (
            {"slots": (replace(SLOT, weekdays=frozenset({6}), window=Minutes(480, 540)),)},
            ["slot 'a' (sun 08:00-09:00), sun: no bells ring for 08:00-09:00"],
        ),
        (
            {"substitutions": (Substitution("s", date(2026, 9, 6), "inf-2", Periods(1, 1, 1), "Bekov", "lab-2"),)},
            [
                "substitution 's' of 2026-09-06: there is no room 'inf-2'; known are: attic, cellar, hall, inf-1, lab",
                "substitution 's' of 2026-09-06: there is no room 'lab-2'; known are: attic, cellar, hall, inf-1, lab",
                "substitution 's' of 2026-09-06: this is no school day",
            ],
        ),
        (
            {"substitutions": (Substitution("s", date(2026, 9, 9), "inf-1", Periods(1, 2, 2), "Bekov"),)},
            ["substitution 's' of 2026-09-09: no bells ring for 2"],
        ),
        (
            {"slots": (SLOT, replace(SLOT, id="b", weekdays=frozenset({4}), window=Minutes(520, 530)))},
            ["slot 'a' (mon-fri 1) and slot 'b' (fri 08:40-08:50) are at once"],
        ),
        (
            {"slots": (SLOT, replace(SLOT, id="b", group="7b"))},
            ["slot 'a' (mon-fri 1) and slot 'b' (mon-fri 1) are at once"],
        ),
        (
            {
                "slots": (
                    replace(SLOT, weekdays=frozenset({0}), window=Minutes(1380, 1560)),
                    replace(SLOT, id="b", weekdays=frozenset({1}), window=Minutes(60, 180)),
                )
            },
            ["slot 'a' (mon 23:00-02:00) and slot 'b' (tue 01:00-03:00) are at once"],
        ),
        (
            {
                "slots": (
                    replace(SLOT, room=None, group="7b", level=Level.LOW),
                    replace(SLOT, id="b", room=None, group="7b", level=Level.OFF, weeks=Weeks.ODD),
                )
            },
            ["slot 'a' (mon-fri 1) and slot 'b' (mon-fri 1) are at once"],
        ),
    ],
    ids=lambda value: value[0][:40] if isinstance(value, list) else "",
)
def test_each_fault_is_told_in_words_and_nothing_else(parts: dict[str, object], expected: list[str]) -> None:
    assert told(**parts) == expected


@settings(deadline=None)
@given(calendars())
def test_any_calendar_can_be_looked_at(calendar: Calendar) -> None:
    assert all(text.isprintable() for text in faults(calendar, ROOMS, GROUPS))
