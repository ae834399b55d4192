"""Random schools in which pauses, lessons, the timetable, exams and closures meet, and what an oracle says of them.

The oracle asks everything anew for each place and minute, keeps no table, and shares nothing with the snapshot but the
calendar, which has an oracle of its own (test_calendar_oracle.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from hypothesis import strategies as st

from policy.calendar import Calendar, Held
from policy.circumstances import Schedule
from policy.devices import Device, Directory
from policy.groups import Group
from policy.levels import Level, stricter
from policy.rooms import Closure, Lesson, Pause, Room
from policy.snapshot import Place, Reserve, Snapshot, build_snapshot
from policy.views import Entry, EntryKind
from tests.policy.calendars import FIRST, GROUPS, ROOMS, calendars, levels

ZONE = timezone(timedelta(hours=5))
MINUTE = timedelta(minutes=1)
TEACHERS = "teachers"
"""The group that nobody supervises."""
DEVICES = ("", "d1")
NAMES = ("example.org", "www.example.org", "example.net", "a.b.example.net")
ASKED = (*NAMES, "deep.www.example.org", "example.com")
FREEDOM = [Level.OFF, Level.HIGH, Level.MEDIUM, Level.LOW, Level.OPEN]
PLACES = [Place(group, room, device) for group in (*GROUPS, TEACHERS) for room in ("", *ROOMS) for device in DEVICES]

names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple)
some_room = st.sampled_from(ROOMS)
some_level = st.none() | levels


@dataclass(frozen=True)
class School:
    """A policy, and the moment around which its lessons lie."""

    groups: tuple[Group, ...]
    schedule: Schedule
    closures: tuple[Closure, ...]
    listed: tuple[Entry, ...]
    """The director's list."""
    reserve: Reserve
    around: datetime

    def snapshot(self) -> Snapshot:
        """Return the policy as it is loaded."""
        return build_snapshot(
            self.groups,
            self.listed,
            default_group=GROUPS[0],
            schedule=self.schedule,
            directory=Directory([Device("d1", "")]),
            closures=self.closures,
            reserve=self.reserve,
        )


@st.composite
def spans(draw: st.DrawFn, around: datetime) -> tuple[datetime, datetime]:
    """Draw the begin and the end of something that is on at a moment, or not far from it."""
    begins = around + draw(st.integers(-120, 60)) * MINUTE
    return begins, begins + draw(st.integers(1, 200)) * MINUTE


@st.composite
def entries(draw: st.DrawFn, name: str, day: date, group: str | None = None) -> Entry:
    """Draw an entry of the director's list that ends about this day, or never."""
    until = draw(st.none() | st.integers(-1, 1).map(lambda days: day + timedelta(days=days)))
    return Entry(EntryKind.ALLOW, name, group, "", f"order {name} {group}", until)


@st.composite
def schools(draw: st.DrawFn) -> School:
    """Draw a school: two rooms, two groups of pupils, teachers, and a crowd of rules about them."""
    day = FIRST + timedelta(days=draw(st.integers(1, 5)))
    minute = draw(st.sampled_from([600, 30, 1410]) | st.integers(0, 1439))
    around = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZONE)
    groups = [Group(id_, "", draw(levels), frozenset({"games"}), supervised=True) for id_ in GROUPS]
    groups.append(Group(TEACHERS, "", draw(levels), frozenset({"games"}), supervised=False))
    rooms = {
        id_: Room(
            id_, "", supervised=draw(st.booleans()), level=draw(some_level), closed=draw(levels), responsible="Asanova"
        )
        for id_ in ROOMS
    }
    lessons = [
        Lesson(f"l{n}", draw(some_room), f"T{n}", *draw(spans(around)), draw(some_level), draw(names), draw(names))
        for n in range(draw(st.integers(0, 3)))
    ]
    pauses = []
    for n in range(draw(st.integers(0, 3))):
        room = draw(st.none() | some_room)
        group = draw(st.sampled_from([*GROUPS, TEACHERS])) if room is None else None
        pauses.append(Pause(f"p{n}", draw(levels), *draw(spans(around)), "Bekov", "projector", group, room))
    closures = [
        Closure(
            f"c{n}", draw(st.sampled_from(NAMES)), *draw(st.sampled_from([("r1", None), ("r2", None), (None, "d1")]))
        )
        for n in range(draw(st.integers(0, 2)))
    ]
    listed = [draw(entries(name, day)) for name in draw(names)]
    listed += [draw(entries(name, day, "g1")) for name in draw(names)]
    kept = {entry.name: entry for entry in [*listed, *(draw(entries(name, day)) for name in draw(names))]}
    return School(
        tuple(groups),
        Schedule(rooms, draw(calendars() | st.just(Calendar())), tuple(lessons), tuple(pauses)),
        tuple({(each.name, each.room, each.device): each for each in closures}.values()),
        tuple(listed),
        Reserve(kept, draw(st.sampled_from([0, 10, 90])), "order 9"),
        around,
    )


def parents(name: str) -> Iterator[str]:
    """Yield a name and what is above it."""
    labels = name.split(".")
    return (".".join(labels[n:]) for n in range(len(labels)))


def level_for(school: School, place: Place, now: datetime) -> tuple[Level, str]:
    """Say which level a place has and what made it so, by asking every rule."""
    moment = school.schedule.calendar.at(now.replace(tzinfo=None))
    (group,) = [each for each in school.groups if each.id == place.group]
    level, cause = group.level, "level"
    if place.group in moment.groups:
        planned = moment.groups[place.group].level
        assert planned is not None
        level, cause = planned, "timetable"
    for pause in school.schedule.pauses:
        if pause.group == place.group and pause.begins <= now < pause.ends:
            level, cause = pause.level, "pause"
    restrictions = []
    if group.supervised and place.room:
        restrictions.append(_of_room(school, place, now))
    for exam in moment.exams:
        for_group = place.group in exam.groups if exam.groups else group.supervised
        if for_group and (not exam.rooms or place.room in exam.rooms):
            restrictions.append((exam.level, "exam"))
    for restriction, why in restrictions:
        if restriction is not None and FREEDOM.index(restriction) < FREEDOM.index(level):
            level, cause = restriction, why
    return level, cause if level in ("off", "high") else "level"


def _of_room(school: School, place: Place, now: datetime) -> tuple[Level | None, str]:
    moment = school.schedule.calendar.at(now.replace(tzinfo=None))
    room = school.schedule.rooms[place.room]
    pauses = [each for each in school.schedule.pauses if each.room == room.id and each.begins <= now < each.ends]
    if pauses:
        return pauses[-1].level, "pause"
    lesson = lesson_for(school, room.id, now)
    if lesson is not None:
        return stricter(lesson.level, room.level), "lesson"
    held: Held | None = moment.places.get((room.id, place.group)) or moment.rooms.get(room.id)
    if held is not None:
        named = [each for each in (held.level, room.level if held.own else None) if each is not None]
        return min(named, key=FREEDOM.index) if named else None, "timetable"
    return (room.closed, "lesson") if room.supervised else (room.level, "level")


def lesson_for(school: School, room: str, now: datetime) -> Lesson | None:
    """Say which lesson a teacher opened in a room; the last that was entered counts."""
    on = [each for each in school.schedule.lessons if each.room == room and each.begins <= now < each.ends]
    return on[-1] if on else None


def exception_for(school: School, place: Place, name: str, now: datetime) -> tuple[str, bool] | None:
    """Say which way an exception decides about a name, and whether it is a limited one; None if there is none."""
    supervised = place.group != TEACHERS
    lesson = lesson_for(school, place.room, now) if supervised and place.room else None
    for each in parents(name):
        if place.device and any(closure.device == place.device and closure.name == each for closure in school.closures):
            return "block", False
        if lesson is not None and each in lesson.closed:
            return "block", False
        if lesson is not None and each in lesson.opened:
            if any(
                above in school.reserve.entries and _lasts(school.reserve.entries[above], now)
                for above in parents(each)
            ):
                return "allow", False
            if now < lesson.begins + school.reserve.minutes * MINUTE:
                return "allow", True
        if supervised and any(closure.room == place.room and closure.name == each for closure in school.closures):
            return "block", False
    return None


def order_for(school: School, group: str, name: str, now: datetime) -> str | None:
    """Say by which order a name is on the director's list for a group; None if it is not."""
    for each in parents(name):
        for audience in (group, None):
            for entry in school.listed[::-1]:
                if (entry.name, entry.group) == (each, audience) and _lasts(entry, now):
                    return entry.document
    return None


def _lasts(entry: Entry, now: datetime) -> bool:
    return entry.until is None or now.date() <= entry.until
