"""A calendar from an iCalendar file: lessons, holidays, terms, exams and single changes; what is none of these is told.

A lesson that recurs is a slot; a single one, one that is moved, and one that is called off is a substitution. LOCATION
is the id or the title of a room. A file of our own that nobody has changed is taken as it was written.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256

from policy.calendar import Calendar, Exam, Minutes, Slot, Span, SpanKind, Substitution
from policy.levels import Level
from timetables.errors import BadCalendarFile
from timetables.ics_events import Event, Unusable, read_file
from timetables.ics_own import own_calendar
from timetables.series import Occurrence, Series, lesson_at, occurrence, series
from translations import _

MOST_EXAMS = 40
"""Times that one exam may recur: each is an exam of its own."""
MOST_LESSONS = 400_000
"""Lessons of all series of a file that are looked at, one by one: some seconds."""
_LONG_ID = 40
"""A longer UID is shortened to a digest: people type ids."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file came to."""

    calendar: Calendar
    notes: tuple[str, ...]
    """What is not in the calendar as it was in the file, and why, for people."""


def read_calendar(data: bytes, zone: tzinfo, rooms: Mapping[str, str], exam_level: Level = Level.HIGH) -> Imported:
    """Return what an iCalendar file says, in the school's zone.

    `rooms` are titles by id; `exam_level` is for exams that name none. Raises BadCalendarFile for what is no such file
    or more than any school's calendar.
    """
    file = read_file(data, zone)
    own = own_calendar(file)
    if own is not None:
        return Imported(own, ())
    notes = list(file.notes)
    if file.rows:
        notes.append(_("the file was changed since it was written here: it is read as any other"))
    by_uid: dict[str, list[Event]] = {}
    for event in file.events:
        by_uid.setdefault(event.uid, []).append(event)
    reading = _Reading(zone, _by_name(rooms), exam_level, notes)
    for events in by_uid.values():
        reading.take(events)
    return Imported(reading.calendar(), tuple(notes))


def _by_name(rooms: Mapping[str, str]) -> dict[str, str]:
    """Return the ids of rooms by what people call them."""
    return {_folded(name): id_ for id_, title in rooms.items() for name in (title, id_)}


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


@dataclass(slots=True)
class _Reading:
    """What was found so far in a file."""

    zone: tzinfo
    rooms: Mapping[str, str]
    exam_level: Level
    notes: list[str]
    spans: list[Span] = field(default_factory=list)
    exams: list[Exam] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    changes: list[Substitution] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    lessons: int = 0
    """How many lessons of series were looked at."""
    numbers: Counter[str] = field(default_factory=Counter)
    """How many ids were made of each UID."""

    def calendar(self) -> Calendar:
        """Return the calendar. Of a day without school nobody need be told that a lesson is called off."""
        days = Calendar(spans=tuple(self.spans))
        changes = (each for each in self.changes if each.teacher or days.is_school_day(each.date))
        return Calendar((), (), tuple(self.spans), tuple(self.exams), tuple(self.slots), tuple(changes))

    def take(self, events: list[Event]) -> None:
        """Take the events of one UID: one event, or a series with its single changes."""
        masters = [event for event in events if event.replaces is None]
        changes = [event for event in events if event.replaces is not None]
        for event in masters[:-1]:
            self._leave(event, _("another event has the same UID"))
        if not masters:
            for event in changes:
                self._try(event, self._single)
            return
        master = masters[-1]
        if master.cancelled:
            return
        if master.all_day:
            self._try(master, self._days)
        elif master.kind == "exam":
            self._try(master, self._exam)
        elif master.rule:
            self._try(master, self._series, changes)
            return
        else:
            self._try(master, self._single)
        for event in changes:
            self._leave(event, _("expected a change of a lesson that recurs"))

    def _try(self, event: Event, take: Callable[..., None], *others: object) -> None:
        try:
            take(event, *others)
        except Unusable as error:
            self._leave(event, str(error))

    def _leave(self, event: Event, problem: str) -> None:
        self.notes.append(_("{title}: left out, {problem}").format(title=event, problem=problem))

    # -- days and exams --------------------------------------------------------------------------------------------

    def _days(self, event: Event) -> None:
        if event.rule or event.extra:
            raise Unusable(_("expected days that do not recur; enter each year's"))
        begin, end = event.start.date(), (event.start + event.length - timedelta(days=1)).date()
        if event.kind == "exam":
            self._add_exam(event, begin, end, None)
        elif event.kind in tuple(SpanKind):
            self.spans.append(Span(SpanKind(event.kind), begin, end, event.title))
        else:
            raise Unusable(_("expected a holiday, a term or an exam: the title or a category says which"))

    def _exam(self, event: Event) -> None:
        begin, first = occurrence(event.start, event, self.zone)
        found = {begin: first}
        if event.rule:
            recurring = self._looked_at(event)
            if recurring.endless or len(recurring.occurrences) > MOST_EXAMS:
                raise Unusable(_("expected an exam that recurs at most {most} times").format(most=MOST_EXAMS))
            found = dict(recurring.occurrences)
        for moment, each in [*found.items(), *self._extra(event)]:
            if not _is_excluded(moment, event.excluded):
                self._add_exam(event, each.date, each.date, each.minutes)

    def _add_exam(self, event: Event, begin: date, end: date, minutes: Minutes | None) -> None:
        rooms = self._rooms(event)
        groups = frozenset(each for part in event.group.split(",") if (each := part.strip()))
        level = event.level or self.exam_level
        self.exams.append(Exam(self._id(event), begin, end, level, minutes, rooms, groups, event.title))

    # -- lessons ---------------------------------------------------------------------------------------------------

    def _series(self, event: Event, changes: Iterable[Event]) -> None:
        room, found = self._room(event), self._looked_at(event)
        if room is None and not (event.group and event.level):
            raise Unusable(_("expected a room (LOCATION), found none"))
        for each in found.patterns:
            self.slots.append(
                Slot(
                    self._id(event),
                    each.weekdays,
                    each.minutes,
                    room,
                    event.group or None,
                    event.level,
                    event.teacher,
                    event.title,
                    each.weeks,
                    each.begin,
                    each.end,
                )
            )
        if found.cut is not None:
            text = _("{title}: recurs without an end in a way that no timetable can hold; it is taken until {day}")
            self.notes.append(text.format(title=event, day=found.cut))
        for moment in sorted(event.excluded, key=str):
            if (lesson := found.find(moment)) is not None:
                self._try(event, self._cancel, room, lesson)
        for _moment, lesson in self._extra(event):
            self._try(event, self._add_lesson, lesson, room, event.teacher)
        for change in changes:
            if change.replaces is not None and not _is_excluded(change.replaces, event.excluded):
                self._try(change, self._change, event, room, found.find(change.replaces))

    def _looked_at(self, event: Event) -> Series:
        found = series(event, self.zone)
        self.lessons += len(found.occurrences)
        if self.lessons > MOST_LESSONS:
            raise BadCalendarFile(_("expected at most {most} lessons; export a shorter time").format(most=MOST_LESSONS))
        return found

    def _single(self, event: Event) -> None:
        if event.cancelled:
            return
        begin, first = occurrence(event.start, event, self.zone)
        for moment, each in [(begin, first), *self._extra(event)]:
            if not _is_excluded(moment, event.excluded):
                self._add_lesson(event, each, self._room(event), event.teacher)

    def _change(self, change: Event, master: Event, room: str | None, old: Occurrence | None) -> None:
        """Take a change of one lesson of a series: called off, or with another teacher, title, place or time."""
        if old is None:
            text = _("expected a change of a lesson of its series, found none at {moment}")
            raise Unusable(text.format(moment=change.replaces))
        if change.following:
            raise Unusable(_("expected a change of one lesson, found one of all that follow"))
        if change.cancelled:
            self._cancel(master, room, old)
            return
        # What the change does not say, the series does: a lesson of one group is not for all at another time.
        change = replace(change, group=change.group or master.group, level=change.level or master.level)
        _begin, new = occurrence(change.start, change, self.zone)
        teacher = change.teacher or master.teacher
        try:
            place = self._room(change) or room
            if new != old:
                self._add_lesson(change, new, place, teacher)
                self._cancel(master, room, old)
            elif (teacher, place) != (master.teacher, room) or (teacher and change.title != master.title):
                title = change.title if change.title != master.title else ""
                self._add(master, old, room, _given(teacher), place if place != room else None, title)
        except Unusable:
            # It is held elsewhere or in another way, nobody knows how: its room must not stand open for it.
            self._cancel(master, room, old)
            raise

    def _cancel(self, master: Event, room: str | None, lesson: Occurrence) -> None:
        self._add(master, lesson, room, "", None, "")

    def _add_lesson(self, event: Event, lesson: Occurrence, room: str | None, teacher: str) -> None:
        """Add a lesson that no slot has. It has no group and no level of its own."""
        if event.group:
            text = _("expected a single lesson for everybody in the room, found one for {group!r}")
            raise Unusable(text.format(group=event.group))
        if event.level is not None:
            text = _("{title}: a single lesson has the room's level, not {level!r}")
            self.notes.append(text.format(title=event, level=str(event.level)))
        self._add(event, lesson, room, _given(teacher), None, event.title)

    def _add(
        self, event: Event, lesson: Occurrence, room: str | None, teacher: str, to_room: str | None, title: str
    ) -> None:
        if room is None:
            raise Unusable(_("expected a room (LOCATION) of the lesson of {date}, found none").format(date=lesson.date))
        id_ = self._id(event, f"_{lesson.date}")
        self.changes.append(Substitution(id_, lesson.date, room, lesson.minutes, teacher, to_room, title))

    # -- what events name ------------------------------------------------------------------------------------------

    def _extra(self, event: Event) -> list[tuple[datetime, Occurrence]]:
        """Return the lessons that an event has besides (RDATE), of the length of the others."""
        found = []
        for each in event.extra:
            if not isinstance(each, datetime):
                raise Unusable(_("expected moments in RDATE, found the date {date}").format(date=each))
            found.append((each, lesson_at(each, event.length)))
        return found

    def _room(self, event: Event) -> str | None:
        return self._known(event.place) if event.place else None

    def _rooms(self, event: Event) -> frozenset[str]:
        """Return one room, or several between commas."""
        if _folded(event.place) in self.rooms:
            return frozenset({self._known(event.place)})
        return frozenset(self._known(part) for part in event.place.split(",") if part.strip())

    def _known(self, place: str) -> str:
        room = self.rooms.get(_folded(place))
        if room is None:
            text = _("expected the id or the title of a room in LOCATION, found {place!r}")
            raise Unusable(text.format(place=place[:80]))
        return room

    def _id(self, event: Event, suffix: str = "") -> str:
        """Return an id that follows from the UID, so that a file read again gives the same."""
        uid = event.uid
        if len(uid) > _LONG_ID or not uid.isprintable() or " " in uid:
            uid = sha256(uid.encode()).hexdigest()[:12]
        base = f"{uid}{suffix}"
        while True:
            self.numbers[base] += 1
            id_ = base if self.numbers[base] == 1 else f"{base}_{self.numbers[base]}"
            if id_ not in self.ids:
                self.ids.add(id_)
                return id_


def _given(teacher: str) -> str:
    if not teacher:
        raise Unusable(_("expected a teacher of a single lesson (a line 'teacher: …' in its text), found none"))
    return teacher


def _is_excluded(moment: date, excluded: Collection[date]) -> bool:
    """Whether a moment stands among moments, or its day among dates."""
    return moment in excluded or (isinstance(moment, datetime) and moment.date() in excluded)
