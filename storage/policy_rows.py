"""What policy.db holds and takes, as values, and how its rows become them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from policy.groups import Group
from policy.hours import Hours
from policy.levels import Level
from policy.networks import IPNetwork
from policy.views import Entry, EntryKind
from storage.errors import StorageError
from storage.policy_objects import FOREVER


class UnknownGroup(StorageError):  # noqa: N818 - reads as what it is
    """No such group; the message names those that exist."""


class UnknownEntry(StorageError):  # noqa: N818 - reads as what it is
    """Nothing in force matches what was to be removed."""


class GroupInUse(StorageError):  # noqa: N818 - reads as what it is
    """The group cannot be removed, or its id or network is taken."""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A block to add."""

    name: str
    group: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """A block as it stands in the database, with its history."""

    name: str
    group: str | None
    note: str
    document: str
    added_at: datetime
    added_by: str
    removed_at: datetime | None = None
    removed_by: str = ""


@dataclass(frozen=True, slots=True)
class GroupChange:
    """What to change about a group; what is None or empty stays."""

    level: Level | None = None
    title: str | None = None
    block: tuple[str, ...] = ()
    """Categories and services; those that were blocked in other hours are from now on blocked in these."""
    unblock: tuple[str, ...] = ()
    networks: tuple[IPNetwork, ...] = ()
    drop_networks: tuple[IPNetwork, ...] = ()
    hours: Hours | None = None
    """When that of `block` is blocked; None means at any time."""
    safe_search: tuple[tuple[str, str], ...] = ()
    """Engine and mode."""
    supervised: bool | None = None


def stamp(moment: datetime) -> str:
    """Return an aware moment as the database keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def at_stamp(moment: datetime | None) -> str:
    """Return a moment as the database compares it; None means now, and what was just written is in force by then."""
    return FOREVER if moment is None else stamp(moment)


def group_facts(group: Group) -> dict[str, object]:
    """Return a group as the audit trail shows it."""
    return {
        "title": group.title,
        "level": group.level,
        "supervised": group.supervised,
        "blocked": sorted(group.blocked_categories),
        "hours": {id_: str(hours) for id_, hours in sorted(group.hours.items())},
        "networks": sorted(str(network) for network in group.networks),
        "safe_search": dict(sorted(group.safe_search.items())),
    }


def asked_facts(change: GroupChange) -> dict[str, object]:
    """Return what a change of a group asks for, as the audit trail shows it: also what holds already."""
    facts: dict[str, object] = {
        "title": change.title,
        "level": change.level,
        "supervised": change.supervised,
        "block": list(change.block),
        "hours": str(change.hours or ""),
        "unblock": list(change.unblock),
        "networks": [str(network) for network in change.networks],
        "drop_networks": [str(network) for network in change.drop_networks],
        "safe_search": dict(change.safe_search),
    }
    return {key: fact for key, fact in facts.items() if fact is not None and fact not in ("", [], {})}


def block_of_row(name: str, group: str | None, note: str, document: str) -> Entry:
    """Return what the resolver needs of a block."""
    return Entry(EntryKind.BLOCK, name, group, note, document)
