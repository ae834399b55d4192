"""Rooms, lessons that a teacher opens in them, pauses, and exceptions for a room or a device.

R1 2.9: pupils have no internet without a responsible teacher's supervision. A supervised room is at its closed level
until a lesson begins, by the timetable or by a teacher's word, and falls back by itself when it ends.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from policy.levels import Level
from policy.moments import shown
from policy.names import parse_name
from policy.networks import IPNetwork


@dataclass(frozen=True, slots=True)
class Room:
    """A place with clients in it (R1 1.3). It restricts supervised groups only: a teacher's own computer is theirs."""

    id: str
    title: str
    networks: tuple[IPNetwork, ...] = ()
    group: str | None = None
    """The group of clients in its networks that no device, and no longer network of a group, says more about."""
    supervised: bool = True
    level: Level | None = None
    """In lessons, and at any time in a room that is not supervised; None: as the group's."""
    closed: Level = Level.OFF
    """Outside lessons, if the room is supervised."""
    responsible: str = ""
    """Who answers for the room by the director's order (R1 1.3)."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A room opened under a named teacher (R1 2.8) until the bell."""

    id: str
    room: str
    teacher: str
    begins: datetime
    ends: datetime
    """Both aware; what is taught after the end is taught without internet."""
    level: Level | None = None
    """None: as the room's. A teacher may restrict more than the room does (R4: `high` there), never less."""
    opened: tuple[str, ...] = ()
    """Names opened for this room in this lesson, as far as the director's orders permit."""
    closed: tuple[str, ...] = ()
    """Names closed for this room in this lesson."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Another level for a group or a room for a while. It always has an end, a person and a reason."""

    id: str
    level: Level
    begins: datetime
    ends: datetime
    person: str
    reason: str
    group: str | None = None
    room: str | None = None
    """Exactly one of the two is given."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A name, with all below it, that is closed in one room or for one device, whatever the director's list says."""

    id: str
    name: str
    room: str | None = None
    device: str | None = None
    """Exactly one of the two is given."""
    note: str = ""
    document: str = ""


Placed = Room | Lesson | Pause | Closure


def body_of(value: Placed) -> dict[str, object]:
    """Return a value as the JSON that storage keeps, without its id."""
    match value:
        case Room():
            return {
                "title": value.title,
                "networks": [str(network) for network in value.networks],
                "group": value.group,
                "supervised": value.supervised,
                "level": value.level,
                "closed": value.closed,
                "responsible": value.responsible,
            }
        case Lesson():
            return {
                "room": value.room,
                "teacher": value.teacher,
                "begins": _stamp(value.begins),
                "ends": _stamp(value.ends),
                "level": value.level,
                "opened": list(value.opened),
                "closed": list(value.closed),
            }
        case Pause():
            return {
                "level": value.level,
                "begins": _stamp(value.begins),
                "ends": _stamp(value.ends),
                "person": value.person,
                "reason": value.reason,
                "group": value.group,
                "room": value.room,
            }
        case Closure():
            return {
                "name": value.name,
                "room": value.room,
                "device": value.device,
                "note": value.note,
                "document": value.document,
            }


def room_of(id_: str, body: Mapping[str, object]) -> Room:
    """Return the room of a stored body. Raises ValueError for one that nobody here wrote, as do the functions below."""
    return Room(
        id_,
        _text(body, "title"),
        tuple(ipaddress.ip_network(text) for text in _texts(body, "networks")),
        _maybe(body, "group"),
        _flag(body, "supervised"),
        _level(body, "level"),
        Level(_text(body, "closed")),
        _text(body, "responsible"),
    )


def lesson_of(id_: str, body: Mapping[str, object]) -> Lesson:
    """Return the lesson of a stored body."""
    return Lesson(
        id_,
        _text(body, "room"),
        _text(body, "teacher"),
        _moment(body, "begins"),
        _moment(body, "ends"),
        _level(body, "level"),
        tuple(parse_name(text) for text in _texts(body, "opened")),
        tuple(parse_name(text) for text in _texts(body, "closed")),
    )


def pause_of(id_: str, body: Mapping[str, object]) -> Pause:
    """Return the pause of a stored body."""
    return Pause(
        id_,
        Level(_text(body, "level")),
        _moment(body, "begins"),
        _moment(body, "ends"),
        _text(body, "person"),
        _text(body, "reason"),
        _maybe(body, "group"),
        _maybe(body, "room"),
    )


def closure_of(id_: str, body: Mapping[str, object]) -> Closure:
    """Return the closure of a stored body."""
    return Closure(
        id_,
        parse_name(_text(body, "name")),
        _maybe(body, "room"),
        _maybe(body, "device"),
        _text(body, "note"),
        _text(body, "document"),
    )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _moment(body: Mapping[str, object], key: str) -> datetime:
    moment = datetime.fromisoformat(_text(body, key))
    if moment.tzinfo is None:
        raise ValueError(f"expected a moment with its offset in {key}, found {moment}")
    return shown(moment)


def _text(body: Mapping[str, object], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str):
        raise ValueError(f"expected a text in {key}, found {value!r}")  # noqa: TRY004 - one kind of error for what is stored
    return value


def _flag(body: Mapping[str, object], key: str) -> bool:
    value = body.get(key)
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false in {key}, found {value!r}")  # noqa: TRY004 - as above
    return value


def _maybe(body: Mapping[str, object], key: str) -> str | None:
    return None if body.get(key) is None else _text(body, key)


def _level(body: Mapping[str, object], key: str) -> Level | None:
    text = _maybe(body, key)
    return None if text is None else Level(text)


def _texts(body: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = body.get(key)
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError(f"expected texts in {key}, found {values!r}")
    return tuple(values)
