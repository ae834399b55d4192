"""The school calendar: which days are school days, when the bells ring, and which lessons and exams are on now.

Asked with local naive time, it answers for what clocks on the wall show; the caller converts.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import reduce

from policy.levels import Level, stricter
from policy.planned import Cause, Planned, planned
from policy.timetable import (
    DAY,
    Bells,
    BellsOn,
    Exam,
    Minutes,
    Period,
    Periods,
    Slot,
    Span,
    SpanKind,
    Substitution,
    Weeks,
    Window,
    minutes_of,
)

__all__ = [
    "Bells",
    "BellsOn",
    "Calendar",
    "Cause",
    "Exam",
    "Held",
    "Minutes",
    "Moment",
    "Period",
    "Periods",
    "Planned",
    "Slot",
    "Span",
    "SpanKind",
    "Substitution",
    "Weeks",
    "Window",
]

LESSON = timedelta(minutes=45)
"""How long a lesson is where no bells say it."""
BREAK = timedelta(minutes=20)
"""The longest break: a lesson that is begun no longer than this before a period means that period."""

_DAY = timedelta(days=1)
_KNOWN_DAYS = 4
"""Of so many days the lessons are kept: today, yesterday, and one or two that somebody asks about."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is going on in a room or for a group. Of lessons that overlap, the one that began last gives its teacher."""

    level: Level | None
    """The strictest that they name; None if none names one."""
    cause: Cause
    teacher: str
    title: str
    until: datetime
    own: bool
    """A lesson names no level: the room's own counts, also beside `level`."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What the calendar says about one moment."""

    rooms: Mapping[str, Held] = field(default_factory=dict)
    """Lessons for everybody in a room. A room that is not here has none."""
    groups: Mapping[str, Held] = field(default_factory=dict)
    """Slots for a group, wherever it is."""
    places: Mapping[tuple[str, str], Held] = field(default_factory=dict)
    """By room and group: lessons for one group in a room, those for everybody there counted in."""
    exams: tuple[Exam, ...] = ()
    """They constrain on top of all else; no exam opens a room."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that people entered about the school's time; empty: no calendar, and every day is a school day."""

    bells: tuple[Bells, ...] = ()
    bells_on: tuple[BellsOn, ...] = ()
    spans: tuple[Span, ...] = ()
    exams: tuple[Exam, ...] = ()
    slots: tuple[Slot, ...] = ()
    substitutions: tuple[Substitution, ...] = ()
    weekly: tuple[Bells | None, ...] = field(init=False, compare=False, repr=False)
    """The bells of each weekday."""
    _dated: Mapping[date, Bells] = field(init=False, compare=False, repr=False)
    _slots: tuple[tuple[Slot, ...], ...] = field(init=False, compare=False, repr=False)
    """The slots of each weekday."""
    _substitutions: Mapping[date, list[Substitution]] = field(init=False, compare=False, repr=False)
    _overnight: bool = field(init=False, compare=False, repr=False)
    """A lesson may pass midnight."""
    _known: dict[date, tuple[Planned, ...]] = field(init=False, compare=False, repr=False)
    """The lessons of days that were asked for: today's are, at each change of the hour."""

    def __post_init__(self) -> None:
        """Sort once what is asked for by day."""
        known = {bells.id: bells for bells in self.bells}
        narrow = sorted(self.bells, key=lambda bells: (len(bells.weekdays), bells.id))
        by_date: dict[date, list[Substitution]] = {}
        for each in self.substitutions:
            by_date.setdefault(each.date, []).append(each)
        windows = [*(slot.window for slot in self.slots), *(each.window for each in self.substitutions)]
        ends = [window.end for window in windows if isinstance(window, Minutes)]
        ends += [period.end for bells in self.bells for period in bells.periods]
        tables = {
            "weekly": tuple(next((each for each in narrow if day in each.weekdays), None) for day in range(7)),
            "_dated": {each.date: known[each.bells] for each in self.bells_on if each.bells in known},
            "_slots": tuple(tuple(slot for slot in self.slots if day in slot.weekdays) for day in range(7)),
            "_substitutions": by_date,
            "_overnight": max(ends, default=0) > DAY,
            "_known": {},
        }
        for name, table in tables.items():
            object.__setattr__(self, name, table)

    # -- days and bells --------------------------------------------------------------------------------------------

    def is_school_day(self, day: date) -> bool:
        """Whether lessons are held: in a term, if there are any, in no holiday, and with bells, if there are any."""
        inside = {span.kind for span in self.spans if span.begin <= day <= span.end}
        if SpanKind.HOLIDAY in inside:
            return False
        if SpanKind.TERM not in inside and any(span.kind is SpanKind.TERM for span in self.spans):
            return False
        return not self.bells or self.bells_of(day) is not None

    def bells_of(self, day: date) -> Bells | None:
        """Return the bells of a day by its date or its weekday, school day or not."""
        return self._dated.get(day) or self.weekly[day.weekday()]

    def periods(self, day: date) -> tuple[Period, ...]:
        """Return the periods of a school day in the order in which they begin; none on another day."""
        bells = self.bells_of(day)
        if bells is None or not self.is_school_day(day):
            return ()
        return tuple(sorted(bells.periods, key=lambda period: (period.begin, period.end)))

    def minutes(self, window: Window, day: date) -> Minutes | None:
        """Return when a window is on a day, school day or not; None if the day's bells have none of its periods."""
        return minutes_of(window, self.bells_of(day))

    def bell_after(self, local: datetime, most: timedelta = LESSON) -> datetime:
        """Return the end of a lesson that begins now: that of the period going on, or about to; else now and `most`.

        Of the periods of two shifts that overlap, it is the one that began last.
        """
        spans = [
            (midnight + timedelta(minutes=period.begin), midnight + timedelta(minutes=period.end))
            for midnight in (_midnight(local) + days * _DAY for days in (-1, 0, 1))
            for period in self.periods(midnight.date())
        ]
        going = [(begin, end) for begin, end in spans if begin <= local < end]
        if going:
            return max(going)[1]
        soon = [(begin, end) for begin, end in spans if local < begin <= local + BREAK]
        return min(soon)[1] if soon else local + most

    # -- lessons and exams -----------------------------------------------------------------------------------------

    def lessons(self, day: date) -> tuple[Planned, ...]:
        """Return the lessons that begin on a day: what substitutions leave of the slots, and what they put there."""
        lessons = self._known.get(day)
        if lessons is None:
            if len(self._known) >= _KNOWN_DAYS:
                self._known.clear()
            lessons = self._known[day] = tuple(self._lessons(day))
        return lessons

    def _lessons(self, day: date) -> Iterator[Planned]:
        if not self.is_school_day(day):
            return iter(())
        slots = [slot for slot in self._slots[day.weekday()] if slot.holds_on(day)]
        changes = self._substitutions.get(day, [])
        windows = {*(slot.window for slot in slots), *(change.window for change in changes)}
        times = {window: self.minutes(window, day) for window in windows}
        return planned(
            [(slot, minutes) for slot in slots if (minutes := times[slot.window]) is not None],
            [(change, minutes) for change in changes if (minutes := times[change.window]) is not None],
        )

    def at(self, local: datetime) -> Moment:
        """Return what is going on at a moment."""
        minute, midnight = local.hour * 60 + local.minute, _midnight(local)
        going: dict[tuple[str | None, str | None], list[Planned]] = {}
        for lesson in self._around(local.date()):
            if lesson.begin <= minute < lesson.end:
                going.setdefault((lesson.room, lesson.group), []).append(lesson)
        rooms: dict[str, Held] = {}
        groups: dict[str, Held] = {}
        places: dict[tuple[str, str], Held] = {}
        for (room, group), lessons in going.items():
            if room is None and group is not None:
                groups[group] = _held(lessons, midnight)
            elif room is not None and group is None:
                rooms[room] = _held(lessons, midnight)
            elif room is not None and group is not None:
                places[room, group] = _held([*lessons, *going.get((room, None), ())], midnight)
        return Moment(rooms, groups, places, tuple(exam for exam in self.exams if self._is_on(exam, local)))

    def next_change(self, local: datetime) -> datetime | None:
        """Return the next moment at which `at` may give something else, at the latest the next midnight; or None.

        It may be early: at midnight, or where two windows touch, nothing need change.
        """
        if not (self.slots or self.substitutions or self.exams):
            return None
        minute, day = local.hour * 60 + local.minute, local.date()
        edges = {DAY}
        for lesson in self._around(day):
            edges |= {lesson.begin, lesson.end}
        for exam in self.exams:
            for back in (0, 1):
                if (minutes := self.exam_minutes(exam, day - back * _DAY)) is not None:
                    edges |= {minutes.begin - back * DAY, minutes.end - back * DAY}
        return _midnight(local) + timedelta(minutes=min(edge for edge in edges if edge > minute))

    def _around(self, day: date) -> Iterator[Planned]:
        """Yield the lessons that touch a day, in its minutes: those of the day before may pass midnight."""
        for lesson in self.lessons(day - _DAY) if self._overnight else ():
            if lesson.end > DAY:
                begin, end, began = lesson.begin - DAY, lesson.end - DAY, lesson.began - DAY
                yield lesson._replace(begin=begin, end=end, began=began)
        yield from self.lessons(day)

    def _is_on(self, exam: Exam, local: datetime) -> bool:
        minute = local.hour * 60 + local.minute
        return any(
            minutes.begin <= minute + back * DAY < minutes.end
            for back in (0, 1)
            if (minutes := self.exam_minutes(exam, local.date() - back * _DAY)) is not None
        )

    def exam_minutes(self, exam: Exam, day: date) -> Minutes | None:
        """Return when an exam is on a day: all day too where no bells say when its periods are."""
        if not exam.begin <= day <= exam.end:
            return None
        minutes = self.minutes(exam.window, day) if exam.window is not None else None
        return minutes or Minutes(0, DAY)


def _held(lessons: list[Planned], midnight: datetime) -> Held:
    last = max(lessons, key=lambda each: (each.began, each.cause is Cause.SUBSTITUTION, each.id))
    level = reduce(stricter, (each.level for each in lessons), None)
    until = midnight + timedelta(minutes=last.end)
    return Held(level, last.cause, last.teacher, last.title, until, any(each.own for each in lessons))


def _midnight(local: datetime) -> datetime:
    return datetime.combine(local.date(), time(), local.tzinfo)
