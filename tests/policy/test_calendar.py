"""Golden cases: two shifts, odd weeks, nights, short days, substitutions, exams, holidays at their edges."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from policy.calendar import (
    Bells,
    BellsOn,
    Calendar,
    Cause,
    Exam,
    Held,
    Minutes,
    Moment,
    Period,
    Periods,
    Slot,
    Span,
    SpanKind,
    Substitution,
    Weeks,
)
from policy.levels import Level
from policy.timetable_texts import parse_weekdays, parse_window

ONE_DAY = timedelta(days=1)


def at(text: str) -> datetime:
    """Return a moment of local time, as `2026-09-07 08:00`."""
    return datetime.fromisoformat(text)


def bells(id_: str, weekdays: str, *periods: str) -> Bells:
    """Return bells of periods such as `2/1 13:30-14:15`."""
    found = []
    for each in periods:
        numbers, hours = map(parse_window, each.split())
        assert isinstance(numbers, Periods)
        assert isinstance(hours, Minutes)
        found.append(Period(numbers.shift, numbers.first, hours.begin, hours.end))
    return Bells(id_, tuple(found), parse_weekdays(weekdays) if weekdays else frozenset())


def slot(id_: str, weekdays: str, window: str, room: str | None = "inf-1", **more: Any) -> Slot:  # fields by name
    return Slot(id_, parse_weekdays(weekdays), parse_window(window), room, **{"teacher": "Asanova", **more})


def lesson(
    until: str,
    teacher: str = "Asanova",
    level: Level | None = None,
    *,
    own: bool | None = None,
    title: str = "",
    cause: Cause = Cause.TIMETABLE,
) -> Held:
    return Held(level, cause, teacher, title, at(until), level is None if own is None else own)


DEFAULT = bells(
    "default",
    "mon-fri",
    *("1 08:00-08:45", "2 08:50-09:35", "3 09:50-10:35", "4 10:40-11:25"),
    *("2/1 11:00-11:45", "2/2 11:50-12:35", "2/3 12:50-13:35"),
)
SATURDAY = bells("saturday", "sat", "1 09:00-09:35", "2 09:40-10:15")
SHORT = bells("short", "", "1 08:00-08:30", "2 08:35-09:05", "3 09:10-09:40")

SCHOOL = Calendar(
    (DEFAULT, SATURDAY, SHORT),
    (BellsOn(date(2026, 9, 9), "short"), BellsOn(date(2026, 9, 13), "short")),
    (
        Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 25)),
        Span(SpanKind.TERM, date(2026, 11, 2), date(2026, 12, 29)),
        Span(SpanKind.HOLIDAY, date(2026, 9, 21), date(2026, 9, 22), "repairs"),
    ),
)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-08-31", False),  # a Monday before the first term
        ("2026-09-01", True),
        ("2026-09-05", True),  # Saturday: has bells
        ("2026-09-06", False),  # Sunday: none
        ("2026-09-13", True),  # Sunday with bells of its own
        ("2026-09-18", True),
        ("2026-09-21", False),
        ("2026-09-22", False),
        ("2026-09-23", True),
        ("2026-10-24", True),
        ("2026-10-26", False),  # between the terms
        ("2026-11-02", True),
        ("2026-12-29", True),
        ("2026-12-30", False),
    ],
)
def test_a_school_day_is_in_a_term_in_no_holiday_and_has_bells(day: str, expected: bool) -> None:
    assert SCHOOL.is_school_day(date.fromisoformat(day)) is expected


def test_what_is_not_entered_makes_no_day_free() -> None:
    sunday = date(2026, 9, 6)
    assert Calendar().is_school_day(sunday)
    assert replace(SCHOOL, bells=(), bells_on=()).is_school_day(sunday)
    assert replace(SCHOOL, spans=()).is_school_day(date(2026, 7, 1))
    assert not replace(SCHOOL, spans=()).is_school_day(sunday)
    assert not Calendar(bells=(SHORT,)).is_school_day(sunday)


def test_a_holiday_closes_a_day_of_a_term_in_whatever_order_they_stand() -> None:
    backwards = replace(SCHOOL, spans=SCHOOL.spans[::-1])
    assert not backwards.is_school_day(date(2026, 9, 21))
    assert not SCHOOL.is_school_day(date(2026, 9, 21))


def test_the_bells_for_fewer_weekdays_ring_and_those_of_the_date_before_all() -> None:
    every = replace(DEFAULT, id="every day", weekdays=parse_weekdays("mon-sun"))
    calendar = replace(SCHOOL, bells=(every, SATURDAY, SHORT))
    assert calendar.bells_of(date(2026, 9, 5)) == SATURDAY
    assert calendar.bells_of(date(2026, 9, 4)) == every
    assert calendar.bells_of(date(2026, 9, 9)) == SHORT
    assert [period.number for period in calendar.periods(date(2026, 9, 5))] == [1, 2]


def test_periods_come_in_the_order_in_which_they_begin_and_on_school_days_only() -> None:
    assert [(each.shift, each.number) for each in SCHOOL.periods(date(2026, 9, 7))] == [
        *((1, 1), (1, 2), (1, 3), (1, 4)),
        *((2, 1), (2, 2), (2, 3)),
    ]
    assert SCHOOL.periods(date(2026, 9, 21)) == ()
    assert SCHOOL.periods(date(2026, 9, 6)) == ()


@pytest.mark.parametrize(
    ("now", "bell"),
    [
        ("08:00", "08:45"),
        ("08:44", "08:45"),
        ("08:45", "09:35"),  # the break before the second lesson
        ("07:40", "08:45"),  # 20 minutes before the first
        ("07:39", "08:24"),  # 21 minutes before: 45 minutes
        ("10:45", "11:25"),
        ("11:00", "11:45"),  # the second shift's lesson began last
        ("11:30", "11:45"),
        ("13:35", "14:20"),  # after the last lesson
    ],
)
def test_a_lesson_begun_now_ends_with_the_bell(now: str, bell: str) -> None:
    assert SCHOOL.bell_after(at(f"2026-09-07 {now}")) == at(f"2026-09-07 {bell}")


def test_where_no_bell_rings_a_lesson_has_its_usual_length() -> None:
    assert Calendar().bell_after(at("2026-09-07 23:50:30")) == at("2026-09-08 00:35:30")
    assert SCHOOL.bell_after(at("2026-09-06 08:10"), timedelta(minutes=30)) == at("2026-09-06 08:40")


def test_bells_ring_over_midnight() -> None:
    night = Calendar((bells("night", "mon", "1 23:30-00:15", "2 00:20-01:05"),))
    assert night.bell_after(at("2026-09-07 23:45")) == at("2026-09-08 00:15")
    assert night.bell_after(at("2026-09-08 00:05")) == at("2026-09-08 00:15")
    assert night.bell_after(at("2026-09-09 00:05")) == at("2026-09-09 00:50")
    assert night.bell_after(at("2026-09-06 23:59:30")) == at("2026-09-07 00:44:30")
    early = Calendar((bells("early", "mon", "1 00:10-00:35", "2 00:14-00:50"),))
    assert early.bell_after(at("2026-09-06 23:55")) == at("2026-09-07 00:35")


def test_lessons_go_on_over_midnight_with_their_bells() -> None:
    night = Calendar((bells("night", "mon", "1 23:30-00:15"),), slots=(slot("a", "mon", "1"),))
    assert night.at(at("2026-09-08 00:10")).rooms == {"inf-1": lesson("2026-09-08 00:15")}
    assert night.next_change(at("2026-09-08 00:10")) == at("2026-09-08 00:15")


def test_an_empty_calendar_says_nothing_and_never_changes() -> None:
    assert Calendar().at(at("2026-09-07 08:00")) == Moment()
    assert Calendar().next_change(at("2026-09-07 08:00")) is None
    assert replace(SCHOOL).next_change(at("2026-09-07 08:00")) is None


def test_a_slot_in_lessons_follows_the_bells_of_the_day() -> None:
    calendar = replace(SCHOOL, slots=(slot("a", "mon-sat", "2-3"),))
    for moment, expected in {
        "2026-09-07 08:49": None,
        "2026-09-07 08:50": "2026-09-07 10:35",
        "2026-09-07 10:34": "2026-09-07 10:35",
        "2026-09-07 10:35": None,
        "2026-09-09 08:34": None,
        "2026-09-09 08:35": "2026-09-09 09:40",  # the short day
        "2026-09-05 09:40": "2026-09-05 10:15",  # Saturday has no third lesson
        "2026-09-21 09:00": None,  # a holiday
        "2026-09-13 09:00": None,  # a Sunday, though a school day
    }.items():
        found = calendar.at(at(moment)).rooms.get("inf-1")
        assert found == (lesson(expected) if expected else None), moment


def test_two_shifts_have_their_own_lessons() -> None:
    calendar = replace(
        SCHOOL,
        slots=(slot("a", "mon", "4"), slot("b", "mon", "2/1", teacher="Bekov", level=Level.HIGH)),
    )
    assert calendar.at(at("2026-09-07 10:50")).rooms == {"inf-1": lesson("2026-09-07 11:25")}
    # Both at once: the stricter level, the teacher of the one that began last, and the room's own level counts too.
    both = lesson("2026-09-07 11:45", "Bekov", Level.HIGH, own=True)
    assert calendar.at(at("2026-09-07 11:00")).rooms == {"inf-1": both}
    assert calendar.at(at("2026-09-07 11:30")).rooms == {"inf-1": lesson("2026-09-07 11:45", "Bekov", Level.HIGH)}


def test_of_overlapping_slots_the_stricter_level_wins_even_if_it_began_first() -> None:
    calendar = Calendar(
        slots=(
            slot("a", "mon", "08:00-09:00", None, group="7b", level=Level.OFF, teacher="A"),
            slot("b", "mon", "08:30-09:30", None, group="7b", level=Level.LOW, teacher="B"),
        )
    )
    assert calendar.at(at("2026-09-07 08:45")).groups == {"7b": lesson("2026-09-07 09:30", "B", Level.OFF)}
    assert calendar.at(at("2026-09-07 09:00")).groups == {"7b": lesson("2026-09-07 09:30", "B", Level.LOW)}


def test_a_lesson_for_one_group_in_a_room_counts_in_those_for_everybody_there() -> None:
    calendar = Calendar(
        slots=(
            slot("a", "mon", "08:00-09:00", level=Level.HIGH),
            slot("b", "mon", "08:30-09:30", group="7b", level=Level.LOW, teacher="B"),
        )
    )
    both = calendar.at(at("2026-09-07 08:45"))
    assert both.places == {("inf-1", "7b"): lesson("2026-09-07 09:30", "B", Level.HIGH)}
    assert both.rooms == {"inf-1": lesson("2026-09-07 09:00", level=Level.HIGH)}
    alone = calendar.at(at("2026-09-07 09:15"))
    assert alone.places == {("inf-1", "7b"): lesson("2026-09-07 09:30", "B", Level.LOW)}
    assert alone.rooms == {}


def test_odd_and_even_weeks_are_those_of_iso_8601() -> None:
    calendar = Calendar(
        slots=(
            slot("odd", "mon", "08:00-09:00", weeks=Weeks.ODD),
            slot("even", "mon", "09:00-10:00", weeks=Weeks.EVEN),
        )
    )
    odd = [
        day for day in ("2026-12-21", "2026-12-28", "2027-01-04", "2027-01-11") if calendar.at(at(f"{day} 08:30")).rooms
    ]
    even = [
        day for day in ("2026-12-21", "2026-12-28", "2027-01-04", "2027-01-11") if calendar.at(at(f"{day} 09:30")).rooms
    ]
    assert odd == ["2026-12-28", "2027-01-04"]  # weeks 53 and 1
    assert even == ["2026-12-21", "2027-01-11"]


def test_a_slot_holds_from_its_first_to_its_last_day() -> None:
    calendar = Calendar(slots=(slot("a", "mon", "8:00-9:00", begin=date(2026, 9, 7), end=date(2026, 9, 14)),))
    mondays = [date(2026, 8, 31) + n * 7 * ONE_DAY for n in range(4)]
    assert [bool(calendar.at(at(f"{day} 08:30")).rooms) for day in mondays] == [False, True, True, False]


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    calendar = replace(
        SCHOOL,
        slots=(slot("a", "fri", "22:00-06:00"),),
        exams=(Exam("e", date(2026, 9, 12), date(2026, 9, 12), Level.OFF, Minutes(1380, 1500)),),
    )
    held = {"inf-1": lesson("2026-09-12 06:00")}
    assert calendar.at(at("2026-09-11 22:00")).rooms == held
    assert calendar.at(at("2026-09-12 05:59")).rooms == held
    assert calendar.at(at("2026-09-12 06:00")).rooms == {}
    assert calendar.at(at("2026-09-11 05:00")).rooms == {}
    # The night after the last day before a holiday goes on; that of the holiday itself never begins.
    late = replace(calendar, spans=(Span(SpanKind.HOLIDAY, date(2026, 9, 12), date(2026, 9, 18)),))
    assert late.at(at("2026-09-12 03:00")).rooms == held
    assert late.at(at("2026-09-18 23:00")).rooms == {}
    assert late.at(at("2026-09-19 03:00")).rooms == {}
    assert [exam.id for exam in calendar.at(at("2026-09-13 00:59")).exams] == ["e"]
    assert calendar.at(at("2026-09-13 01:00")).exams == ()
    assert calendar.next_change(at("2026-09-12 05:00")) == at("2026-09-12 06:00")
    assert calendar.next_change(at("2026-09-13 00:30")) == at("2026-09-13 01:00")


SUBSTITUTED = replace(
    SCHOOL,
    slots=(
        slot("a", "mon", "1-3", level=Level.LOW, title="informatics"),
        slot("b", "mon", "1-3", "lab", teacher="Bekov"),
    ),
)


def test_another_teacher_takes_over_for_the_window_of_the_substitution() -> None:
    change = Substitution("u", date(2026, 9, 7), "inf-1", Periods(1, 2, 2), "Dzhumabaeva")
    calendar = replace(SUBSTITUTED, substitutions=(change,))
    informatics = lesson("2026-09-07 08:50", level=Level.LOW, title="informatics")
    assert calendar.at(at("2026-09-07 08:49")).rooms["inf-1"] == informatics
    assert calendar.at(at("2026-09-07 08:50")).rooms["inf-1"] == replace(
        informatics, teacher="Dzhumabaeva", until=at("2026-09-07 09:35"), cause=Cause.SUBSTITUTION
    )
    assert calendar.at(at("2026-09-07 09:35")).rooms["inf-1"] == replace(informatics, until=at("2026-09-07 10:35"))
    assert calendar.at(at("2026-09-14 08:50")).rooms["inf-1"].teacher == "Asanova"


def test_a_lesson_that_goes_on_after_a_substitution_began_when_its_window_did() -> None:
    slots = (slot("b", "mon", "08:00-10:00", teacher="A"), slot("a", "mon", "08:40-10:00", teacher="B"))
    change = Substitution("u", date(2026, 9, 7), "inf-1", Minutes(510, 525), "Dzhumabaeva")
    calendar = Calendar(slots=slots, substitutions=(change,))
    assert calendar.at(at("2026-09-07 09:00")).rooms["inf-1"].teacher == "B"


def test_a_cancelled_lesson_leaves_the_room_closed() -> None:
    change = Substitution("u", date(2026, 9, 7), "inf-1", Periods(1, 1, 3))
    calendar = replace(SUBSTITUTED, substitutions=(change,))
    assert set(calendar.at(at("2026-09-07 08:10")).rooms) == {"lab"}
    assert set(calendar.at(at("2026-09-14 08:10")).rooms) == {"lab", "inf-1"}


def test_a_lesson_moves_to_another_room_with_its_level_and_two_can_change_places() -> None:
    there = Substitution("u", date(2026, 9, 7), "inf-1", Periods(1, 1, 3), "Asanova", "lab")
    back = Substitution("v", date(2026, 9, 7), "lab", Periods(1, 1, 3), "Bekov", "inf-1", "chemistry")
    moved = replace(SUBSTITUTED, slots=SUBSTITUTED.slots[:1], substitutions=(there,)).at(at("2026-09-07 08:10"))
    expected = lesson("2026-09-07 10:35", level=Level.LOW, title="informatics", cause=Cause.SUBSTITUTION)
    assert moved.rooms == {"lab": expected}
    both = replace(SUBSTITUTED, substitutions=(there, back)).at(at("2026-09-07 08:10"))
    swapped = lesson("2026-09-07 10:35", "Bekov", title="chemistry", cause=Cause.SUBSTITUTION)
    assert both.rooms == {"lab": expected, "inf-1": swapped}


def test_a_substitution_keeps_the_groups_of_the_lessons_that_it_replaces() -> None:
    halves = (slot("a", "mon", "1", group="7a", level=Level.HIGH), slot("b", "mon", "1", group="7b", level=Level.LOW))
    change = Substitution("u", date(2026, 9, 7), "inf-1", Periods(1, 1, 2), "Dzhumabaeva")
    found = replace(SCHOOL, slots=halves, substitutions=(change,)).at(at("2026-09-07 09:00"))
    assert found.rooms == {}
    held = lesson("2026-09-07 09:35", "Dzhumabaeva", Level.HIGH, cause=Cause.SUBSTITUTION)
    assert found.places == {("inf-1", "7a"): held, ("inf-1", "7b"): replace(held, level=Level.LOW)}


def test_a_substitution_for_no_slot_is_a_lesson_more_but_on_school_days_only() -> None:
    changes = tuple(Substitution(f"u{day}", date(2026, 9, day), "lab", Minutes(900, 960), "Bekov") for day in (7, 21))
    calendar = replace(SCHOOL, substitutions=changes)
    assert calendar.at(at("2026-09-07 15:30")).rooms == {
        "lab": lesson("2026-09-07 16:00", "Bekov", cause=Cause.SUBSTITUTION)
    }
    assert calendar.at(at("2026-09-21 15:30")).rooms == {}


def test_a_substitution_takes_the_strictest_level_of_what_it_replaces_and_nothing_of_what_it_only_touches() -> None:
    slots = (
        slot("a", "mon", "08:00-09:00", group="7b", level=Level.LOW),
        slot("b", "mon", "08:30-09:00", group="7b", level=Level.HIGH),
        slot("c", "mon", "09:00-10:00", group="7c", level=Level.OFF),
    )
    change = Substitution("u", date(2026, 9, 7), "inf-1", Minutes(480, 540), "Dzhumabaeva")
    found = Calendar(slots=slots, substitutions=(change,)).at(at("2026-09-07 08:10"))
    assert found.rooms == {}
    held = lesson("2026-09-07 09:00", "Dzhumabaeva", Level.HIGH, cause=Cause.SUBSTITUTION)
    assert found.places == {("inf-1", "7b"): held}
    before = replace(change, window=Minutes(420, 480))
    found = Calendar(slots=slots, substitutions=(before,)).at(at("2026-09-07 07:10"))
    assert set(found.rooms) == {"inf-1"}
    assert found.places == {}


def test_one_substitution_inside_another_leaves_what_neither_takes() -> None:
    day = date(2026, 9, 7)
    changes = (
        Substitution("u", day, "inf-1", Minutes(480, 600)),
        Substitution("v", day, "inf-1", Minutes(510, 525)),
    )
    calendar = Calendar(slots=(slot("a", "mon", "08:00-11:00"),), substitutions=changes)
    assert calendar.at(at("2026-09-07 09:00")).rooms == {}
    assert calendar.at(at("2026-09-07 10:00")).rooms == {"inf-1": lesson("2026-09-07 11:00")}


def test_of_lessons_that_began_together_a_substitution_gives_the_teacher() -> None:
    moved = Substitution("a", date(2026, 9, 7), "lab", Minutes(480, 540), "Dzhumabaeva", "inf-1")
    calendar = Calendar(slots=(slot("z", "mon", "08:00-10:00"),), substitutions=(moved,))
    assert calendar.at(at("2026-09-07 08:10")).rooms["inf-1"].teacher == "Dzhumabaeva"


def test_an_exam_inside_a_lesson_constrains_and_opens_nothing() -> None:
    exam = Exam("e", date(2026, 9, 7), date(2026, 9, 7), Level.HIGH, Periods(1, 2, 2), frozenset({"inf-1"}))
    calendar = replace(SUBSTITUTED, exams=(exam,))
    during = calendar.at(at("2026-09-07 09:00"))
    assert during.exams == (exam,)
    assert during.rooms == SUBSTITUTED.at(at("2026-09-07 09:00")).rooms
    assert calendar.at(at("2026-09-07 08:30")).exams == ()
    assert calendar.next_change(at("2026-09-07 08:30")) == at("2026-09-07 08:50")
    assert calendar.next_change(at("2026-09-07 09:00")) == at("2026-09-07 09:35")
    alone = replace(calendar, slots=())
    assert alone.at(at("2026-09-07 09:00")).rooms == {}
    assert alone.next_change(at("2026-09-07 08:30")) == at("2026-09-07 08:50")


def test_exams_hold_on_their_dates_whatever_the_day_and_all_day_where_no_bells_say_when() -> None:
    whole = Exam("whole", date(2026, 10, 24), date(2026, 10, 27), Level.OFF)
    lessons = Exam("lessons", date(2026, 10, 25), date(2026, 10, 25), Level.OFF, Periods(1, 1, 2))
    calendar = replace(SCHOOL, exams=(whole, lessons))
    assert [exam.id for exam in calendar.at(at("2026-10-23 23:59")).exams] == []
    assert [exam.id for exam in calendar.at(at("2026-10-24 00:00")).exams] == ["whole"]
    assert [exam.id for exam in calendar.at(at("2026-10-25 22:00")).exams] == ["whole", "lessons"]
    assert [exam.id for exam in calendar.at(at("2026-10-27 23:59")).exams] == ["whole"]
    assert calendar.at(at("2026-10-28 00:00")).exams == ()


def test_the_next_change_is_at_most_the_next_midnight_and_after_the_moment_even_on_an_edge() -> None:
    calendar = replace(SCHOOL, slots=(slot("a", "mon", "1"),))
    assert calendar.next_change(at("2026-09-07 07:59:59")) == at("2026-09-07 08:00")
    assert calendar.next_change(at("2026-09-07 08:00")) == at("2026-09-07 08:45")
    assert calendar.next_change(at("2026-09-07 08:45:30")) == at("2026-09-08 00:00")
    assert calendar.next_change(at("2026-07-07 12:00")) == at("2026-07-08 00:00")


def test_bells_that_nobody_can_mean_stop_nobody() -> None:
    calendar = Calendar((bells("x", "mon", "1 00:10-00:55", "2 23:30-00:20"),), slots=(slot("a", "mon", "1-2"),))
    assert calendar.at(at("2026-09-07 12:00")).rooms == {"inf-1": lesson("2026-09-08 00:09")}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Minutes(600, 600),
        lambda: Minutes(-1, 60),
        lambda: Minutes(1440, 1500),
        lambda: Minutes(60, 1500),
        lambda: Periods(0, 1, 1),
        lambda: Periods(1, 3, 2),
        lambda: Periods(1, -1, 2),
        lambda: Periods(1, 1, 100),
        lambda: Period(1, 1, 600, 500),
        lambda: Slot("a", frozenset({0}), Minutes(0, 60)),
        lambda: Slot("a", frozenset({0}), Minutes(0, 60), group="7b"),
    ],
)
def test_what_can_hold_nothing_cannot_be_made(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match="expected"):
        wrong()
