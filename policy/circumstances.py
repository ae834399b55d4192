"""What holds in rooms and for groups at one moment: lessons, the timetable, exams, pauses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from policy.calendar import Calendar, Exam, Held
from policy.decision import Why
from policy.groups import Group
from policy.levels import Level, stricter
from policy.moments import shown
from policy.rooms import Lesson, Pause, Room


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything about times: what is planned, and what people began by hand."""

    rooms: Mapping[str, Room] = field(default_factory=dict)
    calendar: Calendar = field(default_factory=Calendar)
    lessons: tuple[Lesson, ...] = ()
    pauses: tuple[Pause, ...] = ()

    def next_change(self, now: datetime) -> datetime | None:
        """Return the next moment at which `circumstances` may give something else, in the zone of `now`; or None."""
        return min(self._changes(now), default=None)

    def _changes(self, now: datetime) -> Iterator[datetime]:
        spans = [(each.begins, each.ends) for each in self.lessons]
        spans += [(each.begins, each.ends) for each in self.pauses]
        for span in spans:
            yield from (shown(moment).astimezone(now.tzinfo) for moment in span if moment > now)
        wall = self.calendar.next_change(now.replace(tzinfo=None))
        if wall is not None:
            yield wall.replace(tzinfo=now.tzinfo)


@dataclass(frozen=True, slots=True)
class Standing:
    """The level of a room or a group now, and what made it so."""

    level: Level | None
    """None: the room does not restrict."""
    cause: Why = Why.LEVEL
    lesson: Lesson | None = None
    """The lesson that a teacher opened by hand."""
    held: Held | None = field(default=None, compare=False)
    """What the timetable says, for people: teacher, title, end."""
    pause: Pause | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds now. Two that are equal mean the same for everybody."""

    rooms: Mapping[str, Standing] = field(default_factory=dict)
    """Every room."""
    groups: Mapping[str, Standing] = field(default_factory=dict)
    """Groups that are not at their own level."""
    places: Mapping[tuple[str, str], Standing] = field(default_factory=dict)
    """By room and group: lessons of the timetable that are for one group only."""
    exams: tuple[Exam, ...] = ()

    def level_of(self, group: Group, room: str = "") -> tuple[Level, Why]:
        """Return the level of a group, in a room if one is given, and what made it so.

        Rooms restrict supervised groups only, and never free: of group, room and exam the strictest counts.
        """
        own = self.groups.get(group.id)
        level, cause = (group.level, Why.LEVEL) if own is None or own.level is None else (own.level, own.cause)
        standings = []
        if group.supervised and room in self.rooms:
            standings.append(self.places.get((room, group.id), self.rooms[room]))
        standings += [
            Standing(exam.level, Why.EXAM)
            for exam in self.exams
            if (room in exam.rooms if exam.rooms else True)
            and (group.id in exam.groups if exam.groups else group.supervised)
        ]
        for standing in standings:
            if standing.level is not None and stricter(standing.level, level) is not level:
                level, cause = standing.level, standing.cause
        # What else is closed is not closed by the level: all that get the same shall have the same view.
        return level, cause if level in (Level.OFF, Level.HIGH) else Why.LEVEL

    def lesson_in(self, room: str) -> Lesson | None:
        """Return the lesson that a teacher opened in a room."""
        standing = self.rooms.get(room)
        return standing.lesson if standing is not None else None


def circumstances(schedule: Schedule, now: datetime) -> Circumstances:
    """Return what holds at an aware moment in the school's zone.

    A pause stands above all but exams; a teacher's word above the timetable; that above the room's own rule.
    """
    moment = schedule.calendar.at(now.replace(tzinfo=None))
    lessons = {each.room: each for each in schedule.lessons if each.begins <= now < each.ends}
    pauses = [each for each in schedule.pauses if each.begins <= now < each.ends]
    paused_rooms = {each.room: each for each in pauses if each.room is not None}
    paused_groups = {each.group: each for each in pauses if each.group is not None}
    rooms = {}
    places = {}
    for room in schedule.rooms.values():
        lesson, held = lessons.get(room.id), moment.rooms.get(room.id)
        if room.id in paused_rooms:
            pause = paused_rooms[room.id]
            rooms[room.id] = Standing(pause.level, Why.PAUSE, lesson, pause=pause)
        elif lesson is not None:
            rooms[room.id] = Standing(stricter(lesson.level, room.level), Why.LESSON, lesson)
        elif held is not None:
            rooms[room.id] = _by_timetable(room, held)
        elif room.supervised:
            rooms[room.id] = Standing(room.closed, Why.LESSON)
        else:
            rooms[room.id] = Standing(room.level)
        if room.id not in paused_rooms and lesson is None:
            for (where, group), held in moment.places.items():
                if where == room.id:
                    places[where, group] = _by_timetable(room, held)
    groups = {id_: Standing(held.level, Why.TIMETABLE, held=held) for id_, held in moment.groups.items()}
    groups |= {id_: Standing(pause.level, Why.PAUSE, pause=pause) for id_, pause in paused_groups.items()}
    return Circumstances(rooms, groups, places, moment.exams)


def _by_timetable(room: Room, held: Held) -> Standing:
    level = stricter(held.level, room.level) if held.own else held.level
    return Standing(level, Why.TIMETABLE, held=held)
