"""The calendar as an iCalendar file that phones and Google Calendar show: what is held when, by the bells of each day.

Times carry the school's zone (TZID, with its VTIMEZONE: Outlook asks for it), so that a lesson stays at its hour when a
country changes its clocks. A lesson that recurs without a change is a series; where a day differs - other bells, a
substitution - the series leaves it out and the day's lessons are events of their own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

import icalendar

from policy.calendar import Calendar, Cause, Exam, Planned, Slot, SpanKind, Weeks
from policy.calendar_bodies import row
from policy.levels import Level
from policy.timetable import minutes_of
from timetables.ics_events import unfolded
from timetables.ics_own import DIGEST, ROW, digest_of, own_rows
from timetables.series import parity
from translations import _

LONGEST = 800
"""Days that a file may cover."""

_DAY = timedelta(days=1)
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class Export:
    """What a file shall cover and be called."""

    begin: date
    end: date
    """The last day."""
    zone: ZoneInfo
    written_at: datetime
    """An aware moment."""
    name: str = ""
    """What programs call the calendar."""
    domain: str = "schoolfilter.invalid"
    """Behind the UIDs: the school's, so that those of two schools never meet."""
    rooms: Mapping[str, str] = field(default_factory=dict)
    """Titles by id."""


def write_calendar(calendar: Calendar, export: Export) -> bytes:
    """Return the file. `read_calendar` reads the same calendar back, as long as nobody changes an event.

    UIDs stay the same from file to file. Raises ValueError for more than two school years.
    """
    if not 0 <= (export.end - export.begin).days < LONGEST:
        text = _("expected an end after the beginning, less than {most} days later, found {begin} - {end}")
        raise ValueError(text.format(most=LONGEST, begin=export.begin, end=export.end))
    file = icalendar.Calendar()
    file.add("PRODID", "-//schoolfilter//timetable//EN")
    file.add("VERSION", "2.0")
    file.add("METHOD", "PUBLISH")
    if export.name:
        file.add("X-WR-CALNAME", icalendar.vText(export.name))
    file.add("X-WR-TIMEZONE", icalendar.vText(export.zone.key))
    for event in (*_spans(calendar, export), *_exams(calendar, export), *_lessons(calendar, export)):
        file.add_component(event)
    file.subcomponents.insert(0, _zone(export.zone.key, export.begin - _DAY, export.end + 2 * _DAY))
    rows = own_rows(calendar)
    digest = digest_of(unfolded(file.to_ical()), rows)
    for each in rows:
        file.add(ROW, icalendar.vText(each))
    file.add(DIGEST, icalendar.vText(digest))
    data: bytes = file.to_ical()
    return data


@lru_cache(maxsize=8)
def _zone(key: str, first: date, last: date) -> icalendar.Timezone:
    """Return the rules of a zone between two days; to find them takes longer than all the rest."""
    return icalendar.Timezone.from_tzid(key, first_date=first, last_date=last)


# -- days and exams ------------------------------------------------------------------------------------------------


def _spans(calendar: Calendar, export: Export) -> Iterator[icalendar.Event]:
    for span in calendar.spans:
        if span.begin <= span.end and span.begin <= export.end and export.begin <= span.end:
            title = span.title or (_("holiday") if span.kind is SpanKind.HOLIDAY else _("term"))
            uid = "-".join(row(span)[:2])
            yield _event(export, uid, title, span.begin, span.end + _DAY, span.kind.upper())


def _exams(calendar: Calendar, export: Export) -> Iterator[icalendar.Event]:
    for exam in calendar.exams:
        first, last = max(exam.begin, export.begin), min(exam.end, export.end)
        if exam.window is None:
            if first <= last:
                yield _exam(export, exam, f"exam-{exam.id}", exam.begin, exam.end + _DAY)
            continue
        for day in _days(first, last):
            minutes = calendar.exam_minutes(exam, day)
            if minutes is not None:
                yield _exam(export, exam, f"exam-{exam.id}-{day}", *_times(day, minutes.begin, minutes.end))


def _exam(export: Export, exam: Exam, uid: str, begin: date, end: date) -> icalendar.Event:
    event = _event(export, uid, exam.title or _("exam"), begin, end, "EXAM")
    if exam.rooms:
        event.add("LOCATION", ", ".join(export.rooms.get(room, room) for room in sorted(exam.rooms)))
    if exam.groups:
        event.add("X-SCHOOLFILTER-GROUP", icalendar.vText(", ".join(sorted(exam.groups))))
    event.add("X-SCHOOLFILTER-LEVEL", icalendar.vText(exam.level))
    return event


# -- lessons -------------------------------------------------------------------------------------------------------


def _lessons(calendar: Calendar, export: Export) -> Iterator[icalendar.Event]:
    """Yield a series for each slot and time of day, and an event for each lesson that none of them has."""
    slots = {slot.id: slot for slot in calendar.slots}
    usual: dict[tuple[str, int, int], list[date]] = {}
    for day in _days(export.begin, export.end):
        by_slot: dict[tuple[Cause, str], list[Planned]] = {}
        for lesson in calendar.lessons(day):
            by_slot.setdefault((lesson.cause, lesson.id), []).append(lesson)
        for (cause, id_), lessons in by_slot.items():
            first = lessons[0]
            if cause is Cause.TIMETABLE and len(lessons) == 1 and _is_usual(calendar, slots[id_], first, day):
                usual.setdefault((id_, first.begin, first.end), []).append(day)
            else:
                yield from (_single(export, lesson, day) for lesson in lessons)
    for (id_, begin, end), days in usual.items():
        for number, run in enumerate(_runs(slots[id_], days)):
            yield _series(export, slots[id_], begin, end, run, f"slot-{id_}-{begin}-{number}")


def _is_usual(calendar: Calendar, slot: Slot, lesson: Planned, day: date) -> bool:
    minutes = minutes_of(slot.window, calendar.weekly[day.weekday()])
    return minutes is not None and (minutes.begin, minutes.end) == (lesson.begin, lesson.end)


def _runs(slot: Slot, days: Iterable[date]) -> Iterator[list[date]]:
    """Yield the days of a slot, cut where every other week is no longer an odd one: after a week 53."""
    if slot.weeks is Weeks.EVERY:
        yield list(days)
        return
    # Counted from the year 1, the weeks of a run are all even or all odd.
    for _odd, run in groupby(days, key=lambda day: (day.toordinal() - 1) // 7 % 2):
        yield list(run)


def _single(export: Export, lesson: Planned, day: date) -> icalendar.Event:
    uid = f"{lesson.cause}-{lesson.id}-{day}-{lesson.begin}"
    uid = uid if lesson.group is None else f"{uid}-{lesson.group}"
    category = "LESSON" if lesson.cause is Cause.TIMETABLE else "LESSON,SUBSTITUTION"
    event = _event(export, uid, lesson.title or _("lesson"), *_times(day, lesson.begin, lesson.end), category)
    _describe(event, export, lesson.room, lesson.group, lesson.level, lesson.teacher)
    return event


def _series(export: Export, slot: Slot, begin: int, end: int, days: list[date], uid: str) -> icalendar.Event:
    event = _event(export, uid, slot.title or _("lesson"), *_times(days[0], begin, end), "LESSON")
    last = _times(days[-1], begin, end)[0].replace(tzinfo=export.zone)
    rule: dict[str, object] = {"FREQ": "WEEKLY", "UNTIL": last.astimezone(UTC)}
    if slot.weeks is not Weeks.EVERY:
        rule |= {"INTERVAL": 2, "WKST": "MO"}
    weekdays = sorted({day.weekday() for day in days})
    event.add("RRULE", {**rule, "BYDAY": [_WEEKDAYS[day] for day in weekdays]})
    left_out = {
        day
        for day in _days(days[0], days[-1])
        if day.weekday() in weekdays and slot.weeks in (Weeks.EVERY, parity(day))
    } - set(days)
    if left_out:
        moments = [_times(day, begin, end)[0].replace(tzinfo=export.zone) for day in sorted(left_out)]
        event.add("EXDATE", moments)
    _describe(event, export, slot.room, slot.group, slot.level, slot.teacher)
    return event


def _describe(
    event: icalendar.Event, export: Export, room: str | None, group: str | None, level: Level | None, teacher: str
) -> None:
    """Add where and for whom a lesson is, and who gives it; people read it in the text, programs in the rest."""
    text = []
    if room is not None:
        event.add("LOCATION", export.rooms.get(room, room))
    if teacher:
        event.add("X-TEACHER", icalendar.vText(teacher))
        text.append(_("teacher: {teacher}").format(teacher=teacher))
    if group is not None:
        event.add("X-SCHOOLFILTER-GROUP", icalendar.vText(group))
        text.append(_("group: {group}").format(group=group))
    if level is not None:
        event.add("X-SCHOOLFILTER-LEVEL", icalendar.vText(level))
        text.append(_("restriction level: {level}").format(level=level))
    if text:
        event.add("DESCRIPTION", "\n".join(text))


# -- events --------------------------------------------------------------------------------------------------------


def _event(export: Export, uid: str, title: str, begin: date, end: date, category: str) -> icalendar.Event:
    event = icalendar.Event()
    event.add("UID", f"{uid}@{export.domain}")
    event.add("DTSTAMP", export.written_at.astimezone(UTC))
    event.add("SUMMARY", title)
    for name, moment in (("DTSTART", begin), ("DTEND", end)):
        event.add(name, moment.replace(tzinfo=export.zone) if isinstance(moment, datetime) else moment)
    event.add("CATEGORIES", category.split(","))
    if not isinstance(begin, datetime):
        event.add("TRANSP", "TRANSPARENT")
    return event


def _times(day: date, begin: int, end: int) -> tuple[datetime, datetime]:
    """Return minutes of a day as moments of the school's time."""
    midnight = datetime.combine(day, time())
    return midnight + timedelta(minutes=begin), midnight + timedelta(minutes=end)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + n * _DAY for n in range((last - first).days + 1))
