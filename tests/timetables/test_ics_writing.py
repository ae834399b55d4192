"""Writing iCalendar: the same calendar comes back, and whoever reads only the events sees what is held when."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil.rrule import rruleset, rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

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
from policy.levels import Level
from tests.policy import calendars
from timetables.ics_reading import read_calendar
from timetables.ics_writing import Export, write_calendar

ALMATY = ZoneInfo("Asia/Almaty")
ONE_DAY = timedelta(days=1)
ROOMS = {"inf-1": "Информатика кабинеті", "r1": "Room; 1", "r2": "Бөлме, 2"}
YEAR = Export(
    date(2026, 9, 1), date(2027, 5, 25), ALMATY, datetime(2026, 8, 1, tzinfo=UTC), "№ 5", "school.example.org", ROOMS
)

BELLS = Bells("default", (Period(1, 1, 480, 525), Period(1, 2, 530, 575)), frozenset(range(5)))
SHORT = Bells("short", (Period(1, 1, 480, 510),), frozenset())
SCHOOL = Calendar(
    (BELLS, SHORT),
    (BellsOn(date(2026, 9, 9), "short"),),
    (
        Span(SpanKind.TERM, date(2026, 9, 1), date(2027, 5, 25), "2026/27"),
        Span(SpanKind.HOLIDAY, date(2026, 10, 26), date(2026, 11, 1), "Күзгі демалыс"),
    ),
    (
        Exam(
            "e",
            date(2027, 5, 10),
            date(2027, 5, 11),
            Level.OFF,
            Periods(1, 1, 2),
            frozenset({"r1", "r2"}),
            title="Физика",
        ),
    ),
    (
        Slot("a", frozenset({0, 2}), Periods(1, 1, 1), "inf-1", None, None, "Асанова; А", "Информатика"),
        Slot("b", frozenset({0}), Minutes(600, 645), "inf-1", None, Level.LOW, weeks=Weeks.ODD),
    ),
    (Substitution("s", date(2026, 9, 14), "inf-1", Periods(1, 1, 1), "Bekov", "r1"),),
)


def events(data: bytes) -> dict[str, Any]:
    """Return the events of a file by their UIDs; a property of theirs may be anything."""
    found: dict[str, Any] = {
        str(event["UID"]).partition("@")[0]: event for event in icalendar.Calendar.from_ical(data).walk("VEVENT")
    }
    assert len(found) == data.count(b"BEGIN:VEVENT")
    return found


def without_rows(data: bytes) -> bytes:
    """Return a file as a program leaves it that passes over what it does not know."""
    return re.sub(rb"X-SCHOOLFILTER-(ROW|DIGEST):.*\r\n( .*\r\n)*", b"", data)


# -- what people see -----------------------------------------------------------------------------------------------


def test_a_slot_is_a_series_without_the_days_on_which_it_is_not_held_as_usual() -> None:
    found = events(write_calendar(SCHOOL, YEAR))
    series = found["slot-a-480-0"]
    assert str(series["SUMMARY"]) == "Информатика"
    assert str(series["LOCATION"]) == "Информатика кабинеті"
    assert str(series["DESCRIPTION"]) == "teacher: Асанова; А"
    assert series["DTSTART"].dt == datetime(2026, 9, 2, 8, tzinfo=ALMATY)
    assert series["DTEND"].dt == datetime(2026, 9, 2, 8, 45, tzinfo=ALMATY)
    assert series["RRULE"].to_ical() == b"FREQ=WEEKLY;UNTIL=20270524T030000Z;BYDAY=MO,WE"
    assert [each.dt.date() for each in series["EXDATE"].dts] == [
        date(2026, 9, 9),  # a short day
        date(2026, 9, 14),  # a substitution
        date(2026, 10, 26),  # holidays
        date(2026, 10, 28),
    ]
    short = found["timetable-a-2026-09-09-480"]
    assert short["DTEND"].dt == datetime(2026, 9, 9, 8, 30, tzinfo=ALMATY)
    moved = found["substitution-s-2026-09-14-480"]
    assert (str(moved["LOCATION"]), str(moved["DESCRIPTION"])) == ("Room; 1", "teacher: Bekov")


def test_every_other_week_is_two_series_when_a_year_has_53_weeks() -> None:
    found = events(write_calendar(SCHOOL, YEAR))
    first, second = found["slot-b-600-0"], found["slot-b-600-1"]
    assert first["RRULE"].to_ical() == b"FREQ=WEEKLY;UNTIL=20261228T050000Z;INTERVAL=2;BYDAY=MO;WKST=MO"
    assert second["DTSTART"].dt == datetime(2027, 1, 4, 10, tzinfo=ALMATY)


def test_terms_holidays_and_exams_are_there_too() -> None:
    found = events(write_calendar(SCHOOL, YEAR))
    holiday = found["holiday-2026-10-26/2026-11-01"]
    assert (holiday["DTSTART"].dt, holiday["DTEND"].dt) == (date(2026, 10, 26), date(2026, 11, 2))
    assert found["term-2026-09-01/2027-05-25"]["TRANSP"] == "TRANSPARENT"
    exams = [found["exam-e-2027-05-10"], found["exam-e-2027-05-11"]]
    assert [each["DTEND"].dt for each in exams] == [datetime(2027, 5, day, 9, 35, tzinfo=ALMATY) for day in (10, 11)]
    assert str(exams[0]["LOCATION"]) == "Room; 1, Бөлме, 2"
    whole = replace(SCHOOL, exams=(Exam("w", date(2027, 5, 20), date(2027, 5, 21), Level.OFF),))
    assert events(write_calendar(whole, YEAR))["exam-w"]["DTEND"].dt == date(2027, 5, 22)


def test_only_what_lies_in_the_asked_days_is_written_but_all_comes_back() -> None:
    september = replace(YEAR, end=date(2026, 9, 30))
    data = write_calendar(SCHOOL, september)
    found = events(data)
    assert set(found) == {
        *("slot-a-480-0", "slot-b-600-0", "timetable-a-2026-09-09-480", "substitution-s-2026-09-14-480"),
        "term-2026-09-01/2027-05-25",
    }
    assert read_calendar(data, ALMATY, ROOMS).calendar == SCHOOL


def test_the_file_has_its_zone_with_it_and_only_one() -> None:
    data = write_calendar(SCHOOL, YEAR)
    file: Any = icalendar.Calendar.from_ical(data)
    assert [str(each["TZID"]) for each in file.walk("VTIMEZONE")] == ["Asia/Almaty"]
    assert str(file["X-WR-TIMEZONE"]) == "Asia/Almaty"
    assert str(file["X-WR-CALNAME"]) == "№ 5"
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    berlin = write_calendar(SCHOOL, replace(YEAR, zone=ZoneInfo("Europe/Berlin")))
    seasons: Any = icalendar.Calendar.from_ical(berlin)
    assert {each["TZOFFSETTO"].to_ical() for each in seasons.walk("DAYLIGHT")} == {"+0200"}
    assert {each["TZOFFSETTO"].to_ical() for each in seasons.walk("STANDARD")} == {"+0100"}


def test_uids_stay_the_same_when_a_file_is_written_again_and_carry_the_schools_domain() -> None:
    later = replace(YEAR, written_at=YEAR.written_at + 30 * ONE_DAY)
    renamed = replace(SCHOOL, slots=tuple(replace(slot, teacher="Bekov") for slot in SCHOOL.slots))
    assert events(write_calendar(SCHOOL, YEAR)).keys() == events(write_calendar(renamed, later)).keys()
    assert write_calendar(SCHOOL, YEAR).replace(b"\r\n ", b"").count(b"@school.example.org\r\n") == len(
        events(write_calendar(SCHOOL, YEAR))
    )


@pytest.mark.parametrize("end", [date(2026, 8, 31), date(2028, 12, 1)])
def test_a_file_covers_a_sensible_time(end: date) -> None:
    with pytest.raises(ValueError, match="expected an end after the beginning, less than 800 days later"):
        write_calendar(SCHOOL, replace(YEAR, end=end))


def test_an_empty_calendar_is_a_file_too() -> None:
    data = write_calendar(Calendar(), YEAR)
    assert events(data) == {}
    assert read_calendar(data, ALMATY, ROOMS).calendar == Calendar()


# -- there and back ------------------------------------------------------------------------------------------------

WEEKS = Export(calendars.FIRST - 3 * ONE_DAY, calendars.FIRST + 25 * ONE_DAY, ALMATY, YEAR.written_at, rooms=ROOMS)
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["a,b;c\\n", "two\nlines", 'say "x"', "\\", "^n ^^", "BEGIN:VEVENT"]
)


@st.composite
def named(draw: st.DrawFn) -> Calendar:
    """Draw a calendar with odd texts."""
    found = draw(calendars.calendars())
    return replace(
        found,
        spans=tuple(replace(each, title=draw(texts)) for each in found.spans),
        slots=tuple(replace(each, teacher=draw(texts), title=draw(texts)) for each in found.slots),
        substitutions=tuple(replace(each, teacher=draw(texts), title=draw(texts)) for each in found.substitutions),
    )


@settings(deadline=None)
@given(named())
def test_a_calendar_reads_back_as_it_was(calendar: Calendar) -> None:
    found = read_calendar(write_calendar(calendar, WEEKS), ALMATY, ROOMS)
    assert found.calendar == calendar
    assert found.notes == ()


@settings(deadline=None)
@given(calendars.calendars())
def test_the_events_say_what_is_held_when_to_a_program_that_expands_them(calendar: Calendar) -> None:
    """dateutil is the judge: it expands the rules on its own."""
    seen: set[tuple[datetime, datetime, str]] = set()
    for event in events(write_calendar(calendar, WEEKS)).values():
        if "LESSON" not in event["CATEGORIES"].cats:
            continue
        begin, length = event["DTSTART"].dt, event["DTEND"].dt - event["DTSTART"].dt
        rules = rruleset()
        if "RRULE" in event:
            rules.rrule(rrulestr(event["RRULE"].to_ical().decode(), dtstart=begin))
        else:
            rules.rdate(begin)
        for excluded in event["EXDATE"].dts if "EXDATE" in event else ():
            rules.exdate(excluded.dt)
        for each in rules:
            place = f"{event.get('LOCATION', '')}/{event.get('X-SCHOOLFILTER-GROUP', '')}/{event.get('X-TEACHER', '')}"
            seen.add((each.replace(tzinfo=None), (each + length).replace(tzinfo=None), place))
    held = set()
    for n in range((WEEKS.end - WEEKS.begin).days + 1):
        day = datetime.combine(WEEKS.begin + n * ONE_DAY, datetime.min.time())
        for lesson in calendar.lessons(day.date()):
            place = f"{ROOMS[lesson.room] if lesson.room else ''}/{lesson.group or ''}/{lesson.teacher}"
            held.add((day + timedelta(minutes=lesson.begin), day + timedelta(minutes=lesson.end), place))
    assert seen == held


@settings(deadline=None)
@given(calendars.calendars(), calendars.moments)
def test_a_program_that_knows_events_only_gives_back_the_lessons_of_rooms(calendar: Calendar, local: datetime) -> None:
    """What has a teacher, no group, and no other lesson moved on top of it can be said by events alone."""
    slots = tuple(
        replace(slot, group=None, teacher=slot.teacher or "A", title="x") for slot in calendar.slots if slot.room
    )
    changes = tuple(replace(change, to_room=None) for change in calendar.substitutions)
    plain = replace(calendar, slots=slots, exams=(), substitutions=changes)
    found = read_calendar(without_rows(write_calendar(plain, WEEKS)), ALMATY, ROOMS)
    assert all("the room's level" in note for note in found.notes)
    midnight = datetime.combine(local.date(), datetime.min.time())
    lessons = [
        (lesson.room, day + timedelta(minutes=lesson.begin), day + timedelta(minutes=lesson.end))
        for day in (midnight - ONE_DAY, midnight)
        for lesson in plain.lessons(day.date())
    ]
    edges = {edge + n * timedelta(minutes=1) for _room, *both in lessons for edge in both for n in (-1, 0)}
    for now in (local, *(each for each in edges if each.date() == local.date())):
        before, after = plain.at(now).rooms, found.calendar.at(now).rooms
        assert set(before) == set(after), now
        for room, held in before.items():
            # Of several at once the ids may say whose teacher is named, and these are new.
            if sum(place == room and begin <= now < end for place, begin, end in lessons) == 1:
                assert (held.teacher, held.until) == (after[room].teacher, after[room].until), now


def test_a_file_that_was_changed_is_read_by_its_events() -> None:
    data = write_calendar(SCHOOL, YEAR)
    changed = data.replace(b"DTSTART;TZID=Asia/Almaty:20260902T080000", b"DTSTART;TZID=Asia/Almaty:20260902T081500")
    assert changed != data
    found = read_calendar(changed, ALMATY, ROOMS)
    assert found.notes[0] == "the file was changed since it was written here: it is read as any other"
    assert found.calendar != SCHOOL
    assert any(slot.window == Minutes(495, 525) for slot in found.calendar.slots)
    rows_changed = data.replace(b'"default"', b'"Default"')
    assert read_calendar(rows_changed, ALMATY, ROOMS).calendar.bells == ()


def test_a_program_that_only_folds_lines_anew_changes_nothing() -> None:
    data = write_calendar(SCHOOL, YEAR)
    assert read_calendar(data.replace(b"\r\n ", b"").replace(b"\r\n", b"\n"), ALMATY, ROOMS).calendar == SCHOOL
    stamped = re.sub(rb"DTSTAMP:\S+", b"DTSTAMP:20270101T000000Z", data)
    assert read_calendar(stamped, ALMATY, ROOMS).calendar == SCHOOL
