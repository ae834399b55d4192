"""The policy matrix (R1 2.6): what each group gets, since when, by whom, on what document, and how two days differ."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from policy.categories import BY_ID
from policy.groups import Group, closed_categories
from policy.levels import Level
from policy.orders import Order, replay


class Topic(StrEnum):
    """What a fact may be about, besides objects such as rooms, whose kind is the topic."""

    GROUP = "group"
    """Its title, level and supervision."""
    SUBJECT = "subject"
    """A category or service blocked for a group."""
    SAFE_SEARCH = "safe search"
    NETWORK = "network"
    BLOCK = "block"
    """A name blocked by hand."""
    LISTED = "listed"
    """A name on the director's list."""


EVERYONE = ""
"""The holder of what is for every group."""


class Key(NamedTuple):
    """What a fact is about."""

    topic: str
    """A Topic, or the kind of an object, such as `room`."""
    holder: str
    """The group, or the id of the object."""
    item: str
    """What of it: a field, a category or service, an engine, a network, a name."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a fact rests on."""

    since: datetime
    by: str
    document: str
    """Protocol or order; empty if none was given."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What holds, and what it rests on."""

    value: object
    """As JSON has it."""
    origin: Origin


Facts = Mapping[Key, Fact]


@dataclass(frozen=True, slots=True)
class Difference:
    """What holds of one thing on two days; None: nothing."""

    key: Key
    before: Fact | None
    after: Fact | None

    @property
    def only_document(self) -> bool:
        """Whether the same holds, and rests on another document."""
        return self.before is not None and self.after is not None and self.before.value == self.after.value


def differences(before: Facts, after: Facts) -> list[Difference]:
    """Return what is different, by what it is about. To be entered again, by whomever, is no difference."""
    found = []
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        if one is None or other is None or (one.value, one.origin.document) != (other.value, other.origin.document):
            found.append(Difference(key, one, other))
    return found


def listed_facts(orders: Iterable[Order], on: date) -> dict[Key, Fact]:
    """Return the director's list that these orders leave in force on a day, as facts."""
    return {
        Key(Topic.LISTED, group or EVERYONE, name): Fact(
            {
                "scope": str(each.addition.scope),
                "until": None if each.addition.until is None else each.addition.until.isoformat(),
            },
            Origin(each.order.entered_at, each.order.entered_by, each.order.document_text),
        )
        for (name, group), each in replay(orders, on).items()
    }


def noted_facts(said: Mapping[str, object], origin: Origin) -> dict[Key, Fact]:
    """Return as facts what the audit trail notes under names such as `group pupils`, `block example.org`, `room r5`.

    What was noted in another way is left out.
    """
    found: dict[Key, Fact] = {}
    for label, body in said.items():
        kind, _space, rest = label.partition(" ")
        if not isinstance(body, Mapping):
            continue
        if kind == Topic.GROUP:
            values = dict(_noted_group(rest, body))
        elif kind == Topic.BLOCK:
            name, _space, group = rest.partition(" ")
            values = {Key(Topic.BLOCK, group or EVERYONE, name): body.get("note")}
        else:
            values = {Key(kind, rest, str(field)): value for field, value in body.items()}
        found.update((key, Fact(value, origin)) for key, value in values.items())
    return found


def _noted_group(id_: str, body: Mapping[object, object]) -> Iterator[tuple[Key, object]]:
    for field in ("title", "level", "supervised"):
        if field in body:
            yield Key(Topic.GROUP, id_, field), body[field]
    blocked, networks = body.get("blocked"), body.get("networks")
    hours, modes = body.get("hours"), body.get("safe_search")
    times = hours if isinstance(hours, Mapping) else {}
    for each in blocked if isinstance(blocked, list) else ():
        yield Key(Topic.SUBJECT, id_, str(each)), times.get(each, "")
    for each in networks if isinstance(networks, list) else ():
        yield Key(Topic.NETWORK, id_, str(each)), ""
    for engine, mode in modes.items() if isinstance(modes, Mapping) else ():
        yield Key(Topic.SAFE_SEARCH, id_, str(engine)), mode


class Cell(StrEnum):
    """What a group gets of a category or a service."""

    LAW = "law"
    """Closed for everybody, whatever the council says."""
    CLOSED = "closed"
    HOURS = "hours"
    """Closed at times."""
    IDLE = "idle"
    """Blocked for the group, and its level leaves it open all the same."""
    OPEN = "open"
    LIST = "list"
    """Only what the director's list opens."""
    OFF = "off"
    """Nothing opens."""


def cell(group: Group, id_: str) -> Cell:
    """Return what a group gets of a category or a service at its own level, outside rooms."""
    if id_ in BY_ID and BY_ID[id_].locked:
        return Cell.LAW
    if group.level is Level.OFF:
        return Cell.OFF
    if group.level is Level.HIGH:
        return Cell.LIST
    if id_ not in closed_categories(group.level, group.blocked_categories):
        return Cell.IDLE if id_ in group.blocked_categories else Cell.OPEN
    # A level may close what the council blocked in some hours only at any time.
    at_times = id_ in group.hours and id_ not in closed_categories(group.level, frozenset())
    return Cell.HOURS if at_times else Cell.CLOSED
