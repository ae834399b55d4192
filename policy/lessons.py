"""The rules for lessons that a teacher opens and for pauses: when they end, what opens in one, what holds in a room.

What is now, in the school's zone, is an argument.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar

from policy.calendar import Calendar, Held
from policy.circumstances import Circumstances
from policy.decision import Why
from policy.levels import Level
from policy.moments import LAST
from policy.names import with_parents
from policy.rooms import Lesson, Pause
from policy.snapshot import Snapshot
from policy.views import Entry, EntryKind
from translations import _

LONGEST_LESSON = timedelta(hours=4)
LONGEST_PAUSE = timedelta(hours=8)
MOST_NAMES = 500
"""Names opened or closed in one lesson: a bundle and some more; the worker reads them at each change of policy."""

_MINUTE = timedelta(minutes=1)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[:.]([0-5][0-9])")

Timed = TypeVar("Timed", Lesson, Pause)


class InvalidEnd(ValueError):  # noqa: N818 - reads as what it is: "except InvalidEnd"
    """No lesson or pause can end then; the message says what was expected and what was found."""


# -- when they end -----------------------------------------------------------------------------------------------------


def lesson_end(calendar: Calendar, now: datetime, minutes: int | None, until: str | None) -> datetime:
    """Return when a lesson that begins now ends; without `minutes` or `until` at the bell. Raises InvalidEnd."""
    if minutes is not None or until is not None:
        return _checked(now, _asked(now, now, minutes, until), LONGEST_LESSON)
    bell = calendar.bell_after(now.replace(tzinfo=None)).replace(tzinfo=now.tzinfo)
    return min(bell, _later(now, LONGEST_LESSON), key=_absolute)


def extended_end(lesson: Lesson, now: datetime, minutes: int | None, until: str | None) -> datetime:
    """Return the later end of a lesson that is on; `minutes` are added to its end. Raises InvalidEnd."""
    before = lesson.ends.astimezone(now.tzinfo)
    ends = _asked(before, now, minutes, until)
    if _absolute(ends) <= _absolute(before):
        expected = _("expected an end later than {end}, when the lesson ends now, found {found}")
        raise InvalidEnd(expected.format(end=f"{before:%H:%M}", found=f"{ends:%H:%M}"))
    return _checked(lesson.begins.astimezone(now.tzinfo), ends, LONGEST_LESSON)


def pause_end(now: datetime, minutes: int) -> datetime:
    """Return when a pause that begins now ends. Raises InvalidEnd."""
    return _checked(now, _after(now, minutes), LONGEST_PAUSE)


def _asked(since: datetime, now: datetime, minutes: int | None, until: str | None) -> datetime:
    return _after(since, minutes) if minutes is not None else next_time(until or "", now)


def next_time(text: str, now: datetime) -> datetime:
    """Return when clocks at school show a time such as 09:45 next. Raises InvalidEnd."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise InvalidEnd(_("expected a time such as 09:45, found {text}").format(text=repr(text[:40])))
    clock = time(int(found[1]), int(found[2]))
    days = (now.date(), now.date() + timedelta(days=1))
    # In the night in which clocks are put back a time comes twice.
    times = [datetime.combine(day, clock, now.tzinfo).replace(fold=fold) for day in days for fold in (0, 1)]
    return min((each for each in times if _absolute(each) > _absolute(now)), key=_absolute)


def _checked(begins: datetime, ends: datetime, longest: timedelta) -> datetime:
    latest = _later(begins, longest)
    if _absolute(ends) > _absolute(latest):
        expected = _("expected at most {count} hours, so an end by {latest}, found {found}")
        shown = f"{ends:%H:%M}" if ends.date() == latest.date() else f"{ends:%Y-%m-%d %H:%M}"
        hours = longest // timedelta(hours=1)
        raise InvalidEnd(expected.format(count=hours, latest=f"{latest:%H:%M}", found=shown))
    return ends


def _after(moment: datetime, minutes: int) -> datetime:
    try:
        return _later(moment, minutes * _MINUTE)
    except OverflowError:  # too long to be a moment, so too long to be permitted: `_checked` says so
        return LAST.astimezone(moment.tzinfo)


def _later(moment: datetime, span: timedelta) -> datetime:
    # Added up in UTC: a lesson in the night in which clocks are put back is not an hour longer.
    return (moment.astimezone(UTC) + span).astimezone(moment.tzinfo)


def _absolute(moment: datetime) -> datetime:
    # Two moments of one zone are compared as clocks show them, also in the hour that comes twice.
    return moment.astimezone(UTC)


# -- which are on ------------------------------------------------------------------------------------------------------


def lessons_on(lessons: Iterable[Lesson], room: str, now: datetime) -> list[Lesson]:
    """Return the lessons that teachers opened in a room and that are on: one, unless two began at the same moment."""
    return [each for each in lessons if each.room == room and each.begins <= now < each.ends]


def pauses_on(pauses: Iterable[Pause], room: str | None, group: str | None, now: datetime) -> list[Pause]:
    """Return the pauses of exactly this room or group that are on."""
    return [each for each in pauses if (each.room, each.group) == (room, group) and each.begins <= now < each.ends]


def outdated(planned: Iterable[Timed], now: datetime) -> list[str]:
    """Return the ids of what ended before today: nobody asks for it any more, and what is kept costs time to load."""
    midnight = datetime.combine(now.date(), time(), now.tzinfo)
    return [each.id for each in planned if _absolute(each.ends) < _absolute(midnight)]


def ended(planned: Iterable[Timed], now: datetime) -> list[Timed]:
    """Return the same with now as their end: what was before stays to be read that day, with the end it had."""
    return [replace(each, ends=now) for each in planned]


def new_id(day: date, place: str, taken: Iterable[str]) -> str:
    """Return an id such as 20261128-room5-2: people type it, and those of a day stand together.

    It holds the room or the group, so that two teachers who begin at the same bell never get the same one.
    """
    prefix = f"{day:%Y%m%d}-{place}-"
    numbers = [id_.removeprefix(prefix) for id_ in taken if id_.startswith(prefix)]
    return f"{prefix}{max((int(each) for each in numbers if each.isdecimal()), default=0) + 1}"


def by_hand(now_holds: Circumstances, room: str, now: datetime, id_: str, person: str) -> Lesson | None:
    """Return the lesson of the timetable that is on in a room as one that a teacher opened, for names to be opened in.

    None if there is none, or if groups have lessons of their own there: one by hand would be for everybody. `person`
    stands in for a teacher whom the timetable does not name.
    """
    standing = now_holds.rooms[room]
    held = standing.held
    if held is None or any(where == room for where, _group in now_holds.places):
        return None
    ends = min(held.until.replace(tzinfo=now.tzinfo), _later(now, LONGEST_LESSON), key=_absolute)
    return Lesson(id_, room, held.teacher or person, now, ends, standing.level)


# -- what opens in a lesson --------------------------------------------------------------------------------------------


def permit_for(snapshot: Snapshot, lesson: Lesson, name: str, now: datetime) -> Entry | None:
    """Return by what a teacher may open a name in a lesson; None if no order of the director permits it now."""
    listed = snapshot.permitted(name)
    if listed is not None:
        return replace(listed, kind=EntryKind.ALLOW, name=name, group=None)
    if now < free_until(snapshot, lesson):
        return Entry(EntryKind.ALLOW, name, document=snapshot.reserve.document, limited=True)
    return None


def free_until(snapshot: Snapshot, lesson: Lesson) -> datetime:
    """Return until when a lesson may have open what no order names; its begin, if no order permits that."""
    return lesson.begins + timedelta(minutes=snapshot.reserve.minutes)


def with_opened(lesson: Lesson, names: Iterable[str]) -> Lesson:
    """Return the lesson with these names open. The last word counts, for a name and all below it."""
    wanted = tuple(dict.fromkeys(names))
    return replace(lesson, opened=_joined(lesson.opened, wanted), closed=_without(lesson.closed, wanted))


def with_closed(lesson: Lesson, names: Iterable[str]) -> Lesson:
    """Return the lesson with these names closed, as `with_opened`."""
    wanted = tuple(dict.fromkeys(names))
    return replace(lesson, opened=_without(lesson.opened, wanted), closed=_joined(lesson.closed, wanted))


def no_longer_closed(lesson: Lesson, names: Iterable[str]) -> Lesson:
    """Return the lesson without the closures of these names: the rules decide about them again."""
    return replace(lesson, closed=_without(lesson.closed, tuple(names)))


def _joined(names: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, *more)))


def _without(names: tuple[str, ...], roots: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in names if not any(parent in roots for parent in with_parents(name)))


# -- what holds in a room ----------------------------------------------------------------------------------------------


class State(StrEnum):
    """What a room is under."""

    PAUSE = "pause"
    LESSON = "lesson"
    """A teacher opened it by hand."""
    TIMETABLE = "timetable"
    CLOSED = "closed"
    """No lesson is on."""
    OWN = "own"
    """It is not supervised: its own level holds at any time."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What holds in a room for those whom it restricts, as people are told it."""

    state: State
    level: Level | None
    """None: the room restricts nobody further."""
    who: str = ""
    """The teacher, or who began the pause."""
    about: str = ""
    """The title in the timetable, or the reason of the pause."""
    until: datetime | None = None


def holding(now_holds: Circumstances, room: str, now: datetime) -> Holding:
    """Return what holds in a room. Raises KeyError for one that does not exist."""
    standing = now_holds.rooms[room]
    if standing.pause is not None:
        pause = standing.pause
        return Holding(State.PAUSE, standing.level, pause.person, pause.reason, pause.ends.astimezone(now.tzinfo))
    if standing.lesson is not None:
        lesson = standing.lesson
        return Holding(State.LESSON, standing.level, lesson.teacher, "", lesson.ends.astimezone(now.tzinfo))
    if standing.held is not None:
        return of_timetable(standing.held, standing.level, now)
    return Holding(State.CLOSED if standing.cause is Why.LESSON else State.OWN, standing.level)


def of_timetable(held: Held, level: Level | None, now: datetime) -> Holding:
    """Return what the timetable says of a room, or of a group in it."""
    return Holding(State.TIMETABLE, level, held.teacher, held.title, held.until.replace(tzinfo=now.tzinfo))


def levels_in(snapshot: Snapshot, room: str) -> Mapping[Level, list[str]]:
    """Return the levels that the supervised groups have in a room now, and which have each."""
    found: dict[Level, list[str]] = {}
    for group in snapshot.groups.values():
        if group.supervised:
            level, _cause = snapshot.circumstances.level_of(group, room)
            found.setdefault(level, []).append(group.id)
    return found
