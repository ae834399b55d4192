"""Rooms, lessons, pauses and closures as JSON and back; a body that nobody here wrote is refused, never half read."""

import ipaddress
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.levels import Level
from policy.rooms import Closure, Lesson, Pause, Placed, Room, body_of, closure_of, lesson_of, pause_of, room_of

ids = st.sampled_from(["room5", "lab-2", "20261128-room5-1"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.lists(st.sampled_from(["example.org", "xn--d1acpjx3f.xn--p1ai", "_dmarc.example.net"])).map(tuple)
levels = st.sampled_from(Level)
moments = st.builds(
    lambda seconds, hours: datetime.fromtimestamp(seconds, timezone(timedelta(hours=hours))),
    st.integers(1_700_000_000, 2_000_000_000),
    st.integers(0, 6),
)
networks = st.lists(
    st.sampled_from(["10.0.5.0/24", "192.0.2.7/32", "2001:db8::/32", "0.0.0.0/0"]).map(ipaddress.ip_network)
).map(tuple)
rooms = st.builds(Room, ids, texts, networks, st.none() | ids, st.booleans(), st.none() | levels, levels, texts)
lessons = st.builds(Lesson, ids, ids, texts, moments, moments, st.none() | levels, names, names)
pauses = st.builds(Pause, ids, levels, moments, moments, texts, texts, st.none() | ids, st.none() | ids)
closures = st.builds(Closure, ids, st.just("example.org"), st.none() | ids, st.none() | ids, texts, texts)


def back(value: Placed) -> Placed:
    body = json.loads(json.dumps(body_of(value)))
    match value:
        case Room():
            return room_of(value.id, body)
        case Lesson():
            return lesson_of(value.id, body)
        case Pause():
            return pause_of(value.id, body)
        case Closure():
            return closure_of(value.id, body)


@given(rooms | lessons | pauses | closures)
def test_what_is_kept_is_read_again_as_it_was(value: Placed) -> None:
    assert back(value) == value
    assert "id" not in body_of(value)


def test_moments_are_kept_in_utc_to_the_second() -> None:
    begins = datetime(2026, 9, 2, 9, 0, 0, 999_999, timezone(timedelta(hours=5)))
    body = body_of(Lesson("l", "room5", "Asanova", begins, begins + timedelta(minutes=45)))
    assert (body["begins"], body["ends"]) == ("2026-09-02T04:00:00+00:00", "2026-09-02T04:45:00+00:00")


MORNING = datetime(2026, 9, 2, 4, tzinfo=UTC)
VALUES: list[Placed] = [
    Room("room5", "Room 5", (ipaddress.ip_network("10.0.5.0/24"),), "pupils"),
    Lesson("l", "room5", "Asanova", MORNING, MORNING, Level.HIGH, ("example.org",)),
    Pause("p", Level.LOW, MORNING, MORNING, "Bekov", "projector", "pupils"),
    Closure("c", "example.org", "room5"),
]


@pytest.mark.parametrize(
    ("kind", "key", "found"),
    [
        (Room, "title", None),
        (Room, "title", 5),
        (Room, "networks", ["10.0.5.7/24"]),
        (Room, "networks", "10.0.5.0/24"),
        (Room, "networks", [5]),
        (Room, "group", 5),
        (Room, "supervised", None),
        (Room, "supervised", "false"),
        (Room, "level", "higher"),
        (Room, "closed", None),
        (Room, "closed", ""),
        (Lesson, "room", None),
        (Lesson, "begins", "2026-09-02T04:00:00"),
        (Lesson, "ends", "in an hour"),
        (Lesson, "ends", None),
        (Lesson, "opened", ["http://example.org/"]),
        (Lesson, "closed", None),
        (Lesson, "level", "none"),
        (Pause, "level", None),
        (Pause, "person", None),
        (Pause, "ends", ""),
        (Closure, "name", "*"),
        (Closure, "room", ["room5"]),
    ],
)
def test_a_body_that_nobody_here_wrote_is_refused(kind: type[Placed], key: str, found: object) -> None:
    (value,) = [each for each in VALUES if isinstance(each, kind)]
    body = dict(body_of(value))
    assert key in body
    body[key] = found
    read = {Room: room_of, Lesson: lesson_of, Pause: pause_of, Closure: closure_of}[kind]
    with pytest.raises(ValueError, match=r"\S"):
        read("x", body)


@pytest.mark.parametrize(
    "text", ["9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+05:00"]
)
def test_a_moment_at_the_end_of_the_calendar_is_one_that_every_zone_can_show(text: str) -> None:
    said = body_of(Pause("p", Level.LOW, MORNING, MORNING, "B", "why", room="lab"))
    ends = pause_of("p", {**said, "ends": text}).ends
    assert abs(ends - datetime.fromisoformat(text)) < timedelta(days=3)
    for hours in (-23, 0, 5, 23):
        assert ends.astimezone(timezone(timedelta(hours=hours))) == ends
