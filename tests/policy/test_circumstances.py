"""What holds in rooms and for groups: pause, lesson, timetable, the room's own rule; exams constrain everything."""

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.calendar import Calendar, Exam, Minutes, Slot
from policy.circumstances import Schedule, circumstances
from policy.decide import entry_for
from policy.devices import Device, Directory
from policy.groups import Group
from policy.levels import Level
from policy.rooms import Lesson, Pause, Room
from policy.snapshot import Place, Snapshot, build_snapshot
from tests.policy.schools import (
    ASKED,
    MINUTE,
    PLACES,
    ZONE,
    School,
    exception_for,
    level_for,
    order_for,
    schools,
)

NINE = datetime(2026, 9, 2, 9, tzinfo=ZONE)
"""A Wednesday."""
HOUR = timedelta(hours=1)
EVERY_DAY = frozenset(range(7))
NINE_TO_TEN = Minutes(540, 600)

PUPILS = Group("pupils", "", Level.MEDIUM, frozenset(), supervised=True)
PRIMARY = Group("primary", "", Level.HIGH, frozenset(), supervised=True)
TEACHERS = Group("teachers", "", Level.LOW, frozenset())
ROOM = Room("lab", "Lab")
PAUSE = Pause("p", Level.LOW, NINE, NINE + HOUR, "Bekov", "projector", room="lab")
LESSON = Lesson("l", "lab", "Asanova", NINE, NINE + HOUR)
SLOT = Slot("s", EVERY_DAY, NINE_TO_TEN, room="lab", level=Level.HIGH, teacher="Asanova")
EXAM = Exam("e", NINE.date(), NINE.date(), Level.OFF, NINE_TO_TEN)


def level(schedule: Schedule, group: Group = PUPILS, room: str = "lab", at: datetime = NINE) -> tuple[str, str]:
    return circumstances(schedule, at).level_of(group, room)


def lab(
    *,
    room: Room = ROOM,
    slots: tuple[Slot, ...] = (),
    exams: tuple[Exam, ...] = (),
    lessons: tuple[Lesson, ...] = (),
    pauses: tuple[Pause, ...] = (),
) -> Schedule:
    return Schedule({room.id: room}, Calendar(slots=slots, exams=exams), lessons, pauses)


HIGH_LESSON = Lesson("l", "lab", "Asanova", NINE, NINE + HOUR, Level.HIGH)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        pytest.param(lab(), ("off", "lesson"), id="no lesson: closed"),
        pytest.param(lab(room=Room("lab", "", closed=Level.HIGH)), ("high", "lesson"), id="its own closed level"),
        pytest.param(lab(room=Room("lab", "", supervised=False)), ("medium", "level"), id="not supervised"),
        pytest.param(
            lab(room=Room("lab", "", supervised=False, level=Level.HIGH)), ("high", "level"), id="not supervised, high"
        ),
        pytest.param(
            lab(room=Room("lab", "", supervised=False, level=Level.OPEN)), ("medium", "level"), id="rooms never free"
        ),
        pytest.param(lab(slots=(SLOT,)), ("high", "timetable"), id="timetable"),
        pytest.param(lab(slots=(SLOT,), lessons=(LESSON,)), ("medium", "level"), id="lesson over timetable"),
        pytest.param(lab(lessons=(HIGH_LESSON,)), ("high", "lesson"), id="the lesson's own level"),
        pytest.param(
            lab(room=Room("lab", "", level=Level.HIGH), lessons=(LESSON,)),
            ("high", "lesson"),
            id="the room's in lessons",
        ),
        pytest.param(
            lab(slots=(SLOT,), lessons=(HIGH_LESSON,), pauses=(PAUSE,)), ("medium", "level"), id="pause over lesson"
        ),
        pytest.param(
            lab(lessons=(LESSON,), pauses=(Pause("p", Level.OFF, NINE, NINE + HOUR, "B", "r", room="lab"),)),
            ("off", "pause"),
            id="a pause may close",
        ),
        pytest.param(
            lab(pauses=(Pause("p", Level.LOW, NINE, NINE + HOUR, "B", "r", group="pupils"),)),
            ("off", "lesson"),
            id="a pause of the group does not open the room",
        ),
        pytest.param(lab(exams=(EXAM,), lessons=(LESSON,)), ("off", "exam"), id="exam over lesson"),
        pytest.param(lab(exams=(EXAM,), pauses=(PAUSE,)), ("off", "exam"), id="exam over pause"),
        pytest.param(
            lab(exams=(Exam("e", NINE.date(), NINE.date(), Level.OPEN, NINE_TO_TEN),)),
            ("off", "lesson"),
            id="no exam opens a room",
        ),
    ],
)
def test_what_stands_above_what(schedule: Schedule, expected: tuple[str, str]) -> None:
    assert level(schedule) == expected


def test_everything_begins_and_ends_at_its_moment() -> None:
    second = timedelta(seconds=1)
    for schedule in (lab(slots=(SLOT,)), lab(lessons=(HIGH_LESSON,))):
        found = [level(schedule, at=at)[0] for at in (NINE - second, NINE, NINE + HOUR - second, NINE + HOUR)]
        assert found == ["off", "high", "high", "off"]
    schedule = lab(room=Room("lab", "", supervised=False), pauses=(PAUSE,))
    found = [level(schedule, TEACHERS, at=at)[0] for at in (NINE - second, NINE, NINE + HOUR)]
    assert found == ["low", "low", "low"]


def test_a_group_that_is_not_supervised_is_not_touched_by_room_lesson_or_exam() -> None:
    schedule = lab(slots=(SLOT,), exams=(EXAM,), lessons=(HIGH_LESSON,))
    assert level(schedule, TEACHERS) == ("low", "level")
    assert level(schedule, PUPILS) == ("off", "exam")


def test_two_groups_in_one_room_keep_each_the_stricter_of_its_level_and_the_rooms() -> None:
    schedule = lab(room=Room("lab", "", level=Level.MEDIUM), lessons=(LESSON,))
    assert level(schedule, PUPILS) == ("medium", "level")
    assert level(schedule, PRIMARY) == ("high", "level")
    assert level(schedule, TEACHERS) == ("low", "level")


def test_a_lesson_for_one_group_leaves_the_room_closed_for_others() -> None:
    schedule = lab(slots=(Slot("s", EVERY_DAY, NINE_TO_TEN, room="lab", group="primary", teacher="A"),))
    assert level(schedule, PRIMARY) == ("high", "level")
    assert level(schedule, PUPILS) == ("off", "lesson")


def test_a_pause_of_a_room_stands_above_a_lesson_for_one_group() -> None:
    slot = Slot("s", EVERY_DAY, NINE_TO_TEN, room="lab", group="pupils", level=Level.OFF)
    assert level(lab(slots=(slot,))) == ("off", "timetable")
    assert level(lab(slots=(slot,), pauses=(PAUSE,))) == ("medium", "level")


def test_a_teachers_lesson_is_for_everybody_in_the_room() -> None:
    slot = Slot("s", EVERY_DAY, NINE_TO_TEN, room="lab", group="primary", level=Level.OFF)
    assert level(lab(slots=(slot,)), PRIMARY) == ("off", "timetable")
    assert level(lab(slots=(slot,), lessons=(LESSON,)), PRIMARY) == ("high", "level")
    assert level(lab(slots=(slot,), lessons=(LESSON,)), PUPILS) == ("medium", "level")


def test_another_room_and_outside_are_as_before() -> None:
    schedule = Schedule({"lab": ROOM, "gym": Room("gym", "")}, lessons=(LESSON,))
    assert level(schedule, room="lab") == ("medium", "level")
    assert level(schedule, room="gym") == ("off", "lesson")
    assert level(schedule, room="") == ("medium", "level")
    assert level(schedule, room="a room that is no more") == ("medium", "level")


# -- the whole, against an oracle -----------------------------------------------------------------------------------


def seen(snapshot: Snapshot) -> Iterator[tuple[object, ...]]:
    """Yield all that makes a difference to clients, place by place."""
    for place in PLACES:
        view = snapshot.view(place)
        exceptions = [entry_for(view.overrides, name) for name in ASKED]
        orders = [entry_for(view.allow, name) for name in ASKED]
        yield (
            place,
            view.level,
            view.cause,
            tuple((each.kind, each.limited) if each else None for each in exceptions),
            tuple(each.document if each else None for each in orders),
        )


def oracle(
    school: School, now: datetime, places: Sequence[Place] = PLACES, names: Sequence[str] = ASKED
) -> Iterator[tuple[object, ...]]:
    for place in places:
        level, cause = level_for(school, place, now)
        yield (
            place,
            level,
            cause,
            tuple(exception_for(school, place, name, now) for name in names),
            tuple(order_for(school, place.group, name, now) for name in names),
        )


@settings(deadline=None, max_examples=100)
@given(schools(), st.lists(st.integers(-150, 300), min_size=1, max_size=6))
def test_every_place_gets_what_the_oracle_says(school: School, minutes: list[int]) -> None:
    snapshot = school.snapshot()
    for each in minutes:
        now = school.around + each * MINUTE
        assert list(seen(snapshot.at(now))) == list(oracle(school, now))


@settings(deadline=None, max_examples=40)
@given(schools(), st.integers(-150, 200))
def test_nothing_changes_before_the_next_change(school: School, minute: int) -> None:
    """Minute by minute, for at most two hours: what is said once holds until the moment that `next_change` names."""
    snapshot, now = school.snapshot(), school.around + minute * MINUTE
    change = snapshot.next_change(now)
    some = [place for place in PLACES if not place.device], ("www.example.org", "a.b.example.net")
    before = list(oracle(school, now, *some))
    assert change is None or change > now
    then = now + MINUTE
    while then < min(change or now + 2 * HOUR, now + 2 * HOUR):
        assert list(oracle(school, then, *some)) == before
        then += MINUTE
    assert snapshot.at(then - MINUTE).same_as(snapshot.at(now))


@settings(deadline=None, max_examples=50)
@given(schools(), st.integers(-150, 300), st.integers(-150, 300))
def test_moments_that_are_called_the_same_are_the_same(school: School, one: int, other: int) -> None:
    """The resolver keeps its replies over a change after which `same_as` holds."""
    snapshot = school.snapshot()
    first, second = (snapshot.at(school.around + each * MINUTE) for each in (one, other))
    if first.same_as(second):
        assert list(seen(first)) == list(seen(second))


def test_a_place_is_found_by_device_network_and_room() -> None:
    room = Room("lab", "", (ipaddress.ip_network("10.0.5.0/24"),), group="primary")
    devices = [
        Device("desk", "", group="teachers", addresses=("10.0.5.2",)),
        Device("trolley", "", room="lab", addresses=("10.0.9.9",), macs=("02:00:5e:10:00:01",)),
    ]
    snapshot = build_snapshot(
        [PUPILS, PRIMARY, TEACHERS],
        (),
        default_group="pupils",
        schedule=Schedule({"lab": room}),
        directory=Directory(devices),
    )
    assert snapshot.place_of("10.0.5.7") == Place("primary", "lab")
    assert snapshot.place_of("10.0.5.2") == Place("teachers", "lab", "desk")
    assert snapshot.place_of("10.0.9.9") == Place("primary", "lab", "trolley")
    assert snapshot.place_of("10.0.1.1", "02:00:5e:10:00:01") == Place("primary", "lab", "trolley")
    assert snapshot.place_of("10.0.1.1") == Place("pupils")
    closed = snapshot.at(NINE)
    assert closed.view(closed.place_of("10.0.5.7")).level is Level.OFF
    assert closed.view(closed.place_of("10.0.5.2")).level is Level.LOW
