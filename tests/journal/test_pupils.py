"""What papers say is closed to pupils."""

import pytest

from journal.documents.pupils import ClosedToPupils, closed_to_pupils, written_contact
from policy.circumstances import Schedule
from policy.groups import Group
from policy.hours import parse_hours
from policy.levels import Level
from policy.rooms import Room
from policy.snapshot import Snapshot, SnapshotBuilder

LOCKED = ("terrorism", "extremism", "hatred", "drugs")


def group(id_: str, *blocked: str, level: Level = Level.MEDIUM, supervised: bool = True, hours: str = "") -> Group:
    limited = {each: parse_hours(hours) for each in blocked} if hours else {}
    return Group(id_, id_.title(), level, frozenset(blocked), hours=limited, supervised=supervised)


def snapshot(*groups: Group, rooms: tuple[Room, ...] = ()) -> Snapshot:
    schedule = Schedule(rooms={room.id: room for room in rooms})
    return SnapshotBuilder(groups, groups[0].id).build(schedule=schedule)


def test_what_all_groups_have_in_common_stands_apart_the_gravest_first() -> None:
    policy = snapshot(group("pupils", "games", "adult"), group("senior", "adult", "youtube"))
    assert closed_to_pupils(policy) == ClosedToPupils((*LOCKED, "adult"), ("games", "youtube"), only_list=False)


def test_teachers_are_no_pupils() -> None:
    policy = snapshot(group("pupils", "adult"), group("staff", level=Level.OPEN, supervised=False))
    assert closed_to_pupils(policy) == ClosedToPupils((*LOCKED, "adult"), (), only_list=False)


def test_what_is_closed_at_some_hours_is_not_always_closed_unless_the_law_forbids_it() -> None:
    policy = snapshot(group("pupils", "games", "drugs", hours="08:00-14:00"))
    assert closed_to_pupils(policy) == ClosedToPupils(LOCKED, ("games",), only_list=False)


@pytest.mark.parametrize(
    ("level", "room", "only_list"),
    [
        (Level.MEDIUM, Room("room-5", "Room 5", supervised=False), False),
        (Level.HIGH, Room("room-5", "Room 5"), True),
        (Level.MEDIUM, Room("room-5", "Room 5", level=Level.HIGH), True),
        (Level.LOW, Room("room-5", "Room 5", level=Level.MEDIUM), False),
    ],
)
def test_the_white_list_alone_counts_in_groups_and_rooms(level: Level, room: Room, only_list: bool) -> None:
    policy = snapshot(group("pupils", "adult", level=level), rooms=(room,))
    assert closed_to_pupils(policy).only_list is only_list


def test_of_one_group_the_rooms_say_nothing() -> None:
    pupils = group("pupils", "adult")
    policy = snapshot(pupils, group("senior", "games"), rooms=(Room("room-5", "Room 5", level=Level.HIGH),))
    assert closed_to_pupils(policy, [pupils]) == ClosedToPupils((*LOCKED, "adult"), (), only_list=False)


def test_a_school_without_supervised_groups_tells_of_its_default_group() -> None:
    policy = snapshot(group("all", "adult", supervised=False), group("staff", supervised=False))
    assert closed_to_pupils(policy).always == (*LOCKED, "adult")


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("mailto:it@example.org", "it@example.org"),
        ("tel:+77000000000", "+77000000000"),
        ("https://example.org/x", "https://example.org/x"),
        ("", ""),
    ],
)
def test_a_contact_is_written_without_its_scheme(contact: str, expected: str) -> None:
    assert written_contact(contact) == expected
