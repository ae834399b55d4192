"""Reading iCalendar: what each event comes to, and that nothing is dropped in silence."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.calendar import Calendar, Exam, Minutes, Slot, Span, SpanKind, Substitution, Weeks
from policy.levels import Level
from tests.timetables.ics import ROOMS, event, file, timed, whole
from timetables.errors import BadCalendarFile
from timetables.ics_own import digest_of
from timetables.ics_reading import Imported, read_calendar

ALMATY = ZoneInfo("Asia/Almaty")
BERLIN = ZoneInfo("Europe/Berlin")

FIRST = Minutes(480, 525)
SERIES = ("TZID=Asia/Almaty:20260907T080000", "TZID=Asia/Almaty:20260907T084500")
WEEKLY = "RRULE:FREQ=WEEKLY;UNTIL=20261228T180000Z"
SLOT = Slot(
    *("u1@example.org", frozenset({0}), FIRST, "inf-1", None, None, "Asanova", "informatics"),
    begin=date(2026, 9, 7),
    end=date(2026, 12, 28),
)


def read(*events: Iterable[str], zone: ZoneInfo = ALMATY) -> Imported:
    return read_calendar(file(*events), zone, ROOMS)


def only_slots(*events: Iterable[str], zone: ZoneInfo = ALMATY) -> tuple[Slot, ...]:
    found = read(*events, zone=zone)
    assert found.notes == ()
    assert found.calendar.substitutions == ()
    return found.calendar.slots


# -- lessons that recur --------------------------------------------------------------------------------------------


def test_a_weekly_lesson_is_a_slot_with_its_days() -> None:
    assert only_slots(timed(*SERIES, WEEKLY)) == (SLOT,)


@pytest.mark.parametrize(
    ("rule", "weekdays", "end"),
    [
        ("FREQ=WEEKLY", {0}, None),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", {0, 2, 4}, None),
        ("FREQ=WEEKLY;COUNT=3", {0}, "2026-09-21"),
        ("FREQ=WEEKLY;COUNT=4;BYDAY=MO,TU", {0, 1}, "2026-09-15"),
        ("FREQ=WEEKLY;UNTIL=20260921", {0}, "2026-09-21"),
        ("FREQ=WEEKLY;UNTIL=20260921T025959Z", {0}, "2026-09-14"),  # one second before the lesson of the 21st
        ("FREQ=WEEKLY;UNTIL=20260921T030000Z", {0}, "2026-09-21"),
        ("FREQ=DAILY", set(range(7)), None),
        ("FREQ=DAILY;COUNT=2", {0, 1}, "2026-09-08"),
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20261231", {0, 1, 2, 3, 4}, "2026-12-31"),
    ],
)
def test_rules_as_programs_write_them(rule: str, weekdays: set[int], end: str | None) -> None:
    last = date.fromisoformat(end) if end else None
    assert only_slots(timed(*SERIES, f"RRULE:{rule}")) == (replace(SLOT, weekdays=frozenset(weekdays), end=last),)


@pytest.mark.parametrize(
    ("begin", "rule", "first", "last"),
    [
        ("20260907", "COUNT=3;BYDAY=MO,SU", "2026-09-07", "2026-09-14"),
        ("20260909", "COUNT=3;BYDAY=MO,WE", "2026-09-09", "2026-09-16"),
    ],
)
def test_weekdays_that_begin_and_end_apart_share_a_slot(begin: str, rule: str, first: str, last: str) -> None:
    slots = only_slots(timed(f"{begin}T080000", f"{begin}T084500", f"RRULE:FREQ=WEEKLY;{rule}"))
    assert [(slot.begin, slot.end) for slot in slots] == [(date.fromisoformat(first), date.fromisoformat(last))]
    assert len(slots[0].weekdays) == 2


def test_every_other_week_is_odd_or_even_until_a_year_has_53_weeks() -> None:
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20270525T000000Z"
    slots = only_slots(timed(*SERIES, rule))
    assert [(slot.id, slot.weeks, slot.begin, slot.end) for slot in slots] == [
        ("u1@example.org", Weeks.ODD, date(2026, 9, 7), date(2026, 12, 28)),  # weeks 37 to 53
        ("u1@example.org_2", Weeks.EVEN, date(2027, 1, 11), date(2027, 5, 17)),
    ]


def test_every_other_week_without_an_end_is_taken_for_ten_years_and_that_is_told() -> None:
    found = read(timed(*SERIES, "RRULE:FREQ=WEEKLY;INTERVAL=2"))
    assert [slot.begin for slot in found.calendar.slots] == [date(2026, 9, 7), date(2027, 1, 11), date(2033, 1, 3)]
    assert found.notes == (
        "'informatics' (2026-09-07): recurs without an end in a way that no timetable can hold; "
        "it is taken until 2036-09-08",
    )


def test_an_excluded_date_calls_the_lesson_off() -> None:
    for excluded in (
        "EXDATE;TZID=Asia/Almaty:20260914T080000",
        "EXDATE:20260914T030000Z",
        "EXDATE:20260914T080000",
        "EXDATE;VALUE=DATE:20260914",
    ):
        found = read(timed(*SERIES, WEEKLY, excluded))
        assert found.notes == ()
        assert found.calendar.slots == (SLOT,)
        called_off = Substitution("u1@example.org_2026-09-14", date(2026, 9, 14), "inf-1", FIRST)
        assert found.calendar.substitutions == (called_off,)


def test_an_excluded_date_without_school_or_without_a_lesson_needs_no_word() -> None:
    holiday = whole("20260914", "20260916", "Каникулы", uid="h@example.org")
    exdates = "EXDATE;TZID=Asia/Almaty:20260914T080000,20260915T080000,20260921T090000"
    assert read(timed(*SERIES, WEEKLY, exdates), holiday).calendar.substitutions == ()


def test_an_excluded_date_of_the_other_week_is_none_of_the_series() -> None:
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20261228T180000Z"
    found = read(timed(*SERIES, rule, "EXDATE;TZID=Asia/Almaty:20260914T080000,20260921T080000"))
    assert [change.date for change in found.calendar.substitutions] == [date(2026, 9, 21)]


def test_an_excluded_date_is_found_however_long_the_series_goes_on() -> None:
    found = read(timed(*SERIES, "RRULE:FREQ=WEEKLY", "EXDATE;TZID=Asia/Almaty:20390905T080000"))
    assert [change.date for change in found.calendar.substitutions] == [date(2039, 9, 5)]


CHANGE = "RECURRENCE-ID;TZID=Asia/Almaty:20260914T080000"
SAME_TIME = ("TZID=Asia/Almaty:20260914T080000", "TZID=Asia/Almaty:20260914T084500")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (timed(*SAME_TIME, CHANGE, "STATUS:CANCELLED"), [("2026-09-14", "inf-1", 480, "", None, "")]),
        (timed(*SAME_TIME, CHANGE, "X-TEACHER:Bekov"), [("2026-09-14", "inf-1", 480, "Bekov", None, "")]),
        (timed(*SAME_TIME, CHANGE, "LOCATION:lab"), [("2026-09-14", "inf-1", 480, "Asanova", "lab", "")]),
        (timed(*SAME_TIME, CHANGE, "SUMMARY:physics"), [("2026-09-14", "inf-1", 480, "Asanova", None, "physics")]),
        (timed(*SAME_TIME, CHANGE), []),
        (
            timed("20260915T100000", "20260915T104500", CHANGE),
            [("2026-09-15", "inf-1", 600, "Asanova", None, "informatics"), ("2026-09-14", "inf-1", 480, "", None, "")],
        ),
        (
            timed("20260914T081000", "20260914T085500", CHANGE, "LOCATION:lab"),
            [("2026-09-14", "lab", 490, "Asanova", None, "informatics"), ("2026-09-14", "inf-1", 480, "", None, "")],
        ),
        (
            timed(*SAME_TIME, "RECURRENCE-ID:20260914T030000Z", "STATUS:CANCELLED"),
            [("2026-09-14", "inf-1", 480, "", None, "")],
        ),
    ],
    ids=["off", "teacher", "room", "title", "nothing", "day", "time", "utc"],
)
def test_a_single_change_of_a_series_is_a_substitution(change: list[str], expected: list[object]) -> None:
    found = read(change, timed(*SERIES, WEEKLY))
    assert found.notes == ()
    assert found.calendar.slots == (SLOT,)
    assert [
        (str(each.date), each.room, each.window.begin, each.teacher, each.to_room, each.title)
        for each in found.calendar.substitutions
        if isinstance(each.window, Minutes)
    ] == expected


def test_a_changed_lesson_that_cannot_be_taken_leaves_its_room_closed() -> None:
    found = read(timed(*SERIES, WEEKLY), timed(*SAME_TIME, CHANGE, "LOCATION:gym"))
    assert found.notes == (
        "'informatics' (2026-09-14): left out, expected the id or the title of a room in LOCATION, found 'gym'",
    )
    assert [(each.date, each.teacher) for each in found.calendar.substitutions] == [(date(2026, 9, 14), "")]


def test_a_moved_lesson_of_one_group_is_not_for_everybody_in_the_room() -> None:
    series = timed(*SERIES, WEEKLY, "X-SCHOOLFILTER-GROUP:7b")
    found = read(series, timed("20260915T100000", "20260915T104500", CHANGE))
    assert found.notes == (
        "'informatics' (2026-09-15): left out, expected a single lesson for everybody in the room, found one for '7b'",
    )
    assert [(each.date, each.teacher) for each in found.calendar.substitutions] == [(date(2026, 9, 14), "")]


def test_a_change_whose_series_is_not_in_the_file_is_a_lesson_of_its_own() -> None:
    found = read(timed(*SAME_TIME, CHANGE), timed(*SAME_TIME, CHANGE, "STATUS:CANCELLED", uid="u2@example.org"))
    assert found.notes == ()
    assert [(each.date, each.teacher) for each in found.calendar.substitutions] == [(date(2026, 9, 14), "Asanova")]


def test_rows_that_are_none_of_ours_do_not_count_even_with_their_digest() -> None:
    for row in ("[1]", "{", '["slot", "a", {}]', '["slot", "a", []]', '["party", "a", {}]'):
        lines = [f"X-SCHOOLFILTER-ROW:{row}", f"X-SCHOOLFILTER-DIGEST:{digest_of('', [row])}"]
        found = read(lines)
        assert found.calendar == Calendar()
        assert len(found.notes) == 1


def test_a_lesson_called_off_for_ever_is_none() -> None:
    assert read(timed(*SERIES, WEEKLY, "STATUS:CANCELLED")) == read()


def test_extra_dates_of_a_series_are_lessons_more() -> None:
    found = read(timed(*SERIES, WEEKLY, "RDATE;TZID=Asia/Almaty:20260910T100000"))
    extra = Substitution(
        "u1@example.org_2026-09-10", date(2026, 9, 10), "inf-1", Minutes(600, 645), "Asanova", None, "informatics"
    )
    assert found.calendar.substitutions == (extra,)


def test_a_lesson_for_a_group_says_so_in_properties_of_ours() -> None:
    group = ("X-SCHOOLFILTER-GROUP:7b", "X-SCHOOLFILTER-LEVEL:low")
    with_room = read(timed(*SERIES, WEEKLY, *group)).calendar.slots
    assert with_room == (replace(SLOT, group="7b", level=Level.LOW),)
    alone = read(timed(*SERIES, WEEKLY, *group, room=None)).calendar.slots
    assert alone == (replace(SLOT, room=None, group="7b", level=Level.LOW),)


@pytest.mark.parametrize(
    ("lines", "teacher"),
    [
        (("X-TEACHER:Асанова\\, А.",), "Асанова, А."),
        (("X-TEACHER:", "DESCRIPTION:Room 5\\nTeacher: Bekov \\nbring books"), "Bekov"),
        (("X-TEACHER:", "DESCRIPTION:Мұғалім: Бекова"), "Бекова"),
        (("X-TEACHER:", 'ORGANIZER;CN="Джумабаева, Б.":mailto:d@example.org'), "Джумабаева, Б."),
        (("X-TEACHER:", "ORGANIZER;CN=calendar:mailto:c@example.org", "DESCRIPTION:teacher: Bekov"), "Bekov"),
        (("X-TEACHER:", "ORGANIZER:mailto:d@example.org"), ""),
    ],
)
def test_the_teacher_is_named_in_one_of_three_places(lines: tuple[str, ...], teacher: str) -> None:
    assert only_slots(timed(*SERIES, WEEKLY, *lines))[0].teacher == teacher


@pytest.mark.parametrize("place", ["lab", "LAB", "Lab\\, 2", " lab\\,   2"])
def test_a_room_is_known_by_its_id_or_title(place: str) -> None:
    assert only_slots(timed(*SERIES, WEEKLY, f"LOCATION:{place}"))[0].room == "lab"


# -- zones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("20260907T080000", "20260907T084500"),  # floating
        ("20260907T030000Z", "20260907T034500Z"),
        ("TZID=Europe/Berlin:20260907T050000", "TZID=Europe/Berlin:20260907T054500"),
        ('TZID="Central Asia Standard Time":20260907T090000', 'TZID="Central Asia Standard Time":20260907T094500'),
    ],
    ids=["floating", "utc", "iana", "windows"],
)
def test_times_are_converted_to_the_schools_zone(begin: str, end: str) -> None:
    found = read(timed(begin, end))
    assert found.notes == ()
    assert [each.window for each in found.calendar.substitutions] == [FIRST]


def test_a_zone_that_nobody_knows_is_told_and_taken_as_the_schools() -> None:
    found = read(timed("TZID=School/Time:20260907T080000", "TZID=School/Time:20260907T084500", WEEKLY))
    assert found.calendar.slots == (SLOT,)
    assert found.notes == ("informatics: the time zone 'School/Time' is unknown, its times are taken as the school's",)


def test_rules_of_a_zone_in_the_file_count_less_than_its_name() -> None:
    stale = ["BEGIN:VTIMEZONE", "TZID:Asia/Almaty", "BEGIN:STANDARD", "DTSTART:19700101T000000"]
    stale += ["TZOFFSETFROM:+0600", "TZOFFSETTO:+0600", "END:STANDARD", "END:VTIMEZONE"]
    assert only_slots(stale, timed(*SERIES, WEEKLY)) == (SLOT,)


def test_a_zone_whose_rules_never_end_stops_nobody() -> None:
    endless = ["BEGIN:VTIMEZONE", "TZID:School/Time", "BEGIN:STANDARD", "DTSTART:19700101T000000"]
    endless += ["RRULE:FREQ=SECONDLY", "TZOFFSETFROM:+0600", "TZOFFSETTO:+0600", "END:STANDARD"]
    for first, last in (
        ("BEGIN:VTIMEZONE", "END:VTIMEZONE"),
        ("begin;x=y:vtimezone", "end:vtimezone"),
        ("BEGIN:VTIME\r\n ZONE", "END:VTIMEZONE "),
    ):
        lesson = timed("TZID=School/Time:20260907T080000", "TZID=School/Time:20260907T084500", WEEKLY)
        assert read([first, *endless[1:], last], lesson).calendar.slots == (SLOT,)


def test_a_lesson_of_another_zone_moves_when_its_clocks_do() -> None:
    slots = only_slots(timed("TZID=Europe/Berlin:20260907T050000", "TZID=Europe/Berlin:20260907T054500", WEEKLY))
    assert [(slot.window, slot.begin, slot.end) for slot in slots] == [
        (FIRST, date(2026, 9, 7), date(2026, 10, 19)),
        (Minutes(540, 585), date(2026, 10, 26), date(2026, 12, 28)),
    ]


def test_a_lesson_stays_at_its_hour_when_the_country_changes_its_clocks() -> None:
    lesson = timed("TZID=Asia/Almaty:20240226T080000", "TZID=Asia/Almaty:20240226T084500", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert [slot.window for slot in only_slots(lesson)] == [FIRST]
    in_utc = timed("20240226T020000Z", "20240226T024500Z", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert [slot.window for slot in only_slots(in_utc)] == [FIRST, Minutes(420, 465)]


def test_a_lesson_over_midnight_belongs_to_the_day_on_which_it_begins_here() -> None:
    late = timed(
        "TZID=Europe/Berlin:20261109T193000", "TZID=Europe/Berlin:20261109T203000", "RRULE:FREQ=WEEKLY;COUNT=2"
    )
    assert [(slot.weekdays, slot.window) for slot in only_slots(late)] == [(frozenset({0}), Minutes(1410, 1470))]


# -- days ----------------------------------------------------------------------------------------------------------


def test_whole_days_are_holidays_terms_and_exams() -> None:
    found = read(
        whole("20261026", "20261102", "Осенние каникулы", uid="1"),
        whole("20261216", "20261217", "Тәуелсіздік күні", "CATEGORIES:Мереке", uid="2"),
        event("DTSTART;VALUE=DATE:20270322", "SUMMARY:Nooruz holiday", uid="3", room=None),
        event("DTSTART;VALUE=DATE:20270101", "DURATION:P7D", "SUMMARY:Эс алуу", uid="4", room=None),
        whole("20260901", "20261026", "I тоқсан", uid="5"),
        whole("20270601", "20270603", "Емтихан: физика", "LOCATION:lab", uid="6"),
        whole("20270610", "20270611", "Экзамен", "X-SCHOOLFILTER-LEVEL:off", "X-SCHOOLFILTER-GROUP:9a\\, 9b", uid="7"),
        timed("20270501T000000", "20270502T000000", "SUMMARY:Праздник", uid="8"),
    )
    assert found.notes == ()
    assert found.calendar.spans == (
        Span(SpanKind.HOLIDAY, date(2026, 10, 26), date(2026, 11, 1), "Осенние каникулы"),
        Span(SpanKind.HOLIDAY, date(2026, 12, 16), date(2026, 12, 16), "Тәуелсіздік күні"),
        Span(SpanKind.HOLIDAY, date(2027, 3, 22), date(2027, 3, 22), "Nooruz holiday"),
        Span(SpanKind.HOLIDAY, date(2027, 1, 1), date(2027, 1, 7), "Эс алуу"),
        Span(SpanKind.TERM, date(2026, 9, 1), date(2026, 10, 25), "I тоқсан"),
        Span(SpanKind.HOLIDAY, date(2027, 5, 1), date(2027, 5, 1), "Праздник"),
    )
    lab = frozenset({"lab"})
    assert found.calendar.exams == (
        Exam("6", date(2027, 6, 1), date(2027, 6, 2), Level.HIGH, None, lab, title="Емтихан: физика"),
        Exam(
            "7", date(2027, 6, 10), date(2027, 6, 10), Level.OFF, None, groups=frozenset({"9a", "9b"}), title="Экзамен"
        ),
    )


def test_an_exam_with_hours_holds_in_them() -> None:
    one = timed("20270601T090000", "20270601T120000", "SUMMARY:Exam: physics")
    three = timed(
        "20270601T090000", "20270601T120000", "SUMMARY:Exam", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20270602T090000"
    )
    assert read(one).calendar.exams == (
        Exam(
            "u1@example.org",
            date(2027, 6, 1),
            date(2027, 6, 1),
            Level.HIGH,
            Minutes(540, 720),
            frozenset({"inf-1"}),
            title="Exam: physics",
        ),
    )
    assert [exam.begin for exam in read(three).calendar.exams] == [date(2027, 6, 1), date(2027, 6, 3)]


# -- what is told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (
            [timed(*SERIES, "RRULE:FREQ=MONTHLY")],
            "expected a lesson that recurs every week or every other week, found FREQ=MONTHLY",
        ),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;INTERVAL=3")], "found FREQ=WEEKLY;INTERVAL=3"),
        ([timed(*SERIES, "RRULE:FREQ=DAILY;INTERVAL=2")], "found FREQ=DAILY;INTERVAL=2"),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;BYDAY=1MO")], "found FREQ=WEEKLY;BYDAY=1MO"),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;BYHOUR=8,9")], "found FREQ=WEEKLY;BYHOUR=8,9"),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;INTERVAL=0")], "every other week"),
        ([timed(*SERIES, "RRULE:FREQ=SECONDLY")], "found FREQ=SECONDLY"),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;COUNT=2;UNTIL=20270101")], "expected UNTIL or COUNT in a rule, found both"),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;UNTIL=20250101")], "expected a rule that gives a date, found none"),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;COUNT=100000")], "expected at most 4000 lessons of a series"),
        ([timed(*SERIES, "RRULE:FREQ=WEEKLY;BYDAY=XX")], "RRULE cannot be read"),
        ([timed(*SERIES, "RRULE;=:FREQ=WEEKLY")], "a line cannot be read"),
        ([timed(*SERIES, WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=3")], "expected one RRULE, found several"),
        ([timed(*SERIES, WEEKLY, "EXDATE:garbage")], "EXDATE cannot be read"),
        ([timed(*SERIES, WEEKLY, room=None)], "expected a room (LOCATION), found none"),
        ([timed(*SERIES, WEEKLY, "LOCATION:gym")], "expected the id or the title of a room in LOCATION, found 'gym'"),
        (
            [timed(*SERIES, WEEKLY, "X-SCHOOLFILTER-LEVEL:hgih")],
            "expected a level of high, medium, low, off, open, found 'hgih'",
        ),
        ([timed(*SERIES, room=None)], "expected a room (LOCATION) of the lesson of 2026-09-07, found none"),
        ([timed(*SERIES, "X-TEACHER:")], "expected a teacher of a single lesson"),
        (
            [timed(*SERIES, "X-SCHOOLFILTER-GROUP:7b")],
            "expected a single lesson for everybody in the room, found one for '7b'",
        ),
        ([timed(*SERIES, "X-SCHOOLFILTER-LEVEL:low")], "a single lesson has the room's level, not 'low'"),
        ([event("SUMMARY:x")], "expected a beginning (DTSTART), found none"),
        ([event("DTSTART:20261301T080000")], "DTSTART cannot be read"),
        ([event("DTSTART:00010101T080000", "DTEND:00010101T090000")], "expected a date in DTSTART, found"),
        ([event("DTSTART:20260907T080000")], "expected an end after the beginning, at most a year later"),
        ([timed("20260907T080000", "20260907T080000")], "expected an end after the beginning"),
        ([timed("20260907T080000", "20260906T080000")], "expected an end after the beginning"),
        ([timed("20260907T080000", "20260908T083000")], "expected a lesson of less than a day, found 1 day, 0:30:00"),
        (
            [event("DTSTART:20260907T080000", "DTEND;VALUE=DATE:20260908")],
            "expected dates, or dates and times, for both",
        ),
        ([whole("20260907", "20260908", "Parents' evening")], "expected a holiday, a term or an exam"),
        (
            [whole("20260907", "20260908", "Holiday", "RRULE:FREQ=YEARLY")],
            "expected days that do not recur; enter each year's",
        ),
        (
            [timed(*SERIES, "SUMMARY:Exam", "RRULE:FREQ=WEEKLY")],
            "expected an exam that recurs at most 40 times",
        ),
        (
            [timed(*SERIES, WEEKLY), timed(*SAME_TIME, "RECURRENCE-ID:20260914T090000")],
            "found none at 2026-09-14 09:00:00",
        ),
        (
            [timed(*SERIES, WEEKLY), timed(*SAME_TIME, "RECURRENCE-ID;RANGE=THISANDFUTURE:20260914T080000")],
            "expected a change of one lesson, found one of all that follow",
        ),
        (
            [timed("20260907T000000", "20260908T000000", "RDATE:20260910T080000")],
            "expected a lesson of less than a day",
        ),
        ([timed(*SERIES, WEEKLY, "RDATE;VALUE=DATE:20260910")], "expected moments in RDATE, found the date 2026-09-10"),
        ([whole("20260907", "20260908", "Holiday", "RDATE;VALUE=DATE:20260910")], "expected days that do not recur"),
        ([timed(*SERIES, WEEKLY, "RDATE;VALUE=PERIOD:20260910T080000/PT1H")], "expected dates in RDATE, found"),
        ([timed(*SERIES, WEEKLY, "RDATE:20260910T080000", "X-SCHOOLFILTER-LEVEL:low")], "a single lesson has the room"),
        ([timed(*SERIES), timed(*SAME_TIME, CHANGE)], "expected a change of a lesson that recurs"),
        ([timed(*SERIES), timed(*SERIES, WEEKLY)], "another event has the same UID"),
        ([["BEGIN:VTODO", "UID:t", "SUMMARY:x", "END:VTODO"]], "VTODO: left out, expected events (VEVENT)"),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) else "",
)
def test_what_cannot_be_taken_is_told(events: list[list[str]], told: str) -> None:
    notes = read(*events).notes
    assert len(notes) == 1
    assert told in notes[0]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "expected an iCalendar file"),
        (b"hello", "expected an iCalendar file"),
        (b"<html>", "expected an iCalendar file"),
        (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "found VEVENT; export the calendar again as .ics"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "expected an iCalendar file"),
        ("BEGIN:VCALENDAR\r\nX-A:пн\r\nEND:VCALENDAR".encode("cp1251"), "found text that is not UTF-8"),
        (b"BEGIN:VCALENDAR\r\n" + b" " * 5_300_000, "expected a calendar of at most 5 MB, found 5.1"),
        (file(*[timed(*SERIES)] * 5_001), "expected at most 5000 events"),
    ],
    ids=["empty", "text", "html", "event", "cut", "cp1251", "large", "many"],
)
def test_what_is_no_calendar_file_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(BadCalendarFile, match=told):
        read_calendar(data, ALMATY, ROOMS)


def test_a_file_of_more_lessons_than_any_school_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timetables.ics_reading.MOST_LESSONS", 20)
    assert read(timed(*SERIES, "RRULE:FREQ=DAILY;COUNT=20")).notes == ()
    with pytest.raises(BadCalendarFile, match="expected at most 20 lessons; export a shorter time"):
        read(timed(*SERIES, "RRULE:FREQ=DAILY;COUNT=20"), timed(*SERIES, "RRULE:FREQ=DAILY;COUNT=1", uid="u2"))


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN:VTIMEZONE\n" * 300_000,
        "BEGIN:VEVENT\nX-SCHOOLFILTER-ROW:x\n" * 4_000,
        "BEGIN:VEVENT\nDESCRIPTION:" + "\\n" * 2_000_000 + "\nEND:VEVENT\n",
        "BEGIN:VEVENT\nDESCRIPTION:" + "teacher: a" + " " * 4_000_000 + "b\nEND:VEVENT\n",
        "BEGIN:VEVENT\nSUMMARY:" + "exa" * 1_500_000 + "\nEND:VEVENT\n",
        "BEGIN:VEVENT" + "\n" * 4_000_000,
        "A;" + "B=C;" * 100_000,
        "BEGIN:VTIME\n\n  ZONE\nBEGIN:STANDARD\nDTSTART:19700101T000000\nRRULE:FREQ=SECONDLY\nTZOFFSETFROM:+0600\n"
        "TZOFFSETTO:+0600\nEND:STANDARD\nEND:VTIME\n\n  ZONE\n",
    ],
    ids=["zones", "events", "lines", "spaces", "title", "nothing", "parameters", "folded zone"],
)
def test_a_hostile_file_stops_nobody(text: str) -> None:
    """What takes more than linear time takes hours here."""
    data = f"BEGIN:VCALENDAR\nX-SCHOOLFILTER-ROW:[]\n{text}\nEND:VCALENDAR\n".encode()
    try:
        assert read_calendar(data, ALMATY, ROOMS).notes
    except BadCalendarFile as error:
        assert "iCalendar" in str(error)  # noqa: PT017 - either answer is good


def test_two_calendars_in_one_file_and_a_mark_at_its_beginning_are_read() -> None:
    data = b"\xef\xbb\xbf" + file(timed(*SERIES, WEEKLY)) + file(timed(*SERIES, WEEKLY, uid="u2@example.org"))
    assert [slot.id for slot in read_calendar(data, ALMATY, ROOMS).calendar.slots] == [
        "u1@example.org",
        "u2@example.org",
    ]


def test_reading_twice_gives_the_same_ids_and_long_uids_give_short_ones() -> None:
    long = file(timed(*SERIES, WEEKLY, uid="0400000082" * 12), timed(*SERIES, WEEKLY, uid="a b"))
    first = read_calendar(long, ALMATY, ROOMS).calendar
    assert first == read_calendar(long, ALMATY, ROOMS).calendar
    assert all(len(slot.id) == 12 for slot in first.slots)


LINES = st.sampled_from(
    [
        *(
            "BEGIN:VEVENT",
            "END:VEVENT",
            "BEGIN:VALARM",
            "END:VALARM",
            "BEGIN:VTIMEZONE",
            "END:VTIMEZONE",
            "END:VCALENDAR",
        ),
        *("DTSTART:20260907T080000", "DTSTART;VALUE=DATE:20260907", "DTSTART;TZID=Europe/Berlin:20260907T080000"),
        *(
            "DTSTART;VALUE=PERIOD:20260907T080000/PT1H",
            "DTSTART:080000",
            "DTEND:20260907T090000",
            "DTEND;VALUE=DATE:20260908",
        ),
        *("DURATION:PT45M", "DURATION:-PT45M", "DURATION:P9999999W", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY;COUNT=-1"),
        *(
            "RRULE:FREQ=WEEKLY;UNTIL=20261001",
            "RRULE:",
            "EXDATE:20260914T080000,20260921",
            "RDATE;VALUE=PERIOD:20260910T080000/PT1H",
        ),
        *("RECURRENCE-ID:20260914T080000", "RECURRENCE-ID;VALUE=DATE:20260914", "STATUS:CANCELLED", "UID:a", "UID:b"),
        *("SUMMARY:exam", "SUMMARY:holiday", "SUMMARY:lesson", "LOCATION:inf-1", "X-TEACHER:A", "CATEGORIES:exam,x"),
        *("X-SCHOOLFILTER-ROW:[1]", "X-SCHOOLFILTER-DIGEST:x", "ORGANIZER:x", "DTSTART:99991231T235959Z", " folded"),
        *(
            "RRULE:FREQ=WEEKLY;WKST=XX",
            "RRULE:FREQ=WEEKLY;INTERVAL=1.5",
            "DTSTART;TZID=/x/..:20260907T080000",
            "TZID:x",
        ),
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES | st.text(max_size=20), max_size=25))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    for data in (file(lines), file(["BEGIN:VEVENT", *lines, "END:VEVENT"]), "\n".join(lines).encode()):
        try:
            found = read_calendar(data, BERLIN, ROOMS)
        except BadCalendarFile:
            continue
        found.calendar.at(datetime(2026, 9, 14, 8, 0))  # noqa: DTZ001 - local time
