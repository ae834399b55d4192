"""What policy.db holds and takes, as values, and how its rows become them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from policy.hours import Hours
from policy.levels import Level
from policy.snapshot import Entry, EntryKind, IPNetwork
from storage.errors import StorageError


class UnknownGroup(StorageError):  # noqa: N818 - reads as what it is
    """No such group; the message names those that exist."""


class UnknownEntry(StorageError):  # noqa: N818 - reads as what it is
    """Nothing in force matches what was to be removed."""


class GroupInUse(StorageError):  # noqa: N818 - reads as what it is
    """The group cannot be removed, or its id or network is taken."""


@dataclass(frozen=True, slots=True)
class Order:
    """The director's paper that an allow entry rests on."""

    number: str
    date: date

    def __str__(self) -> str:
        return f"order {self.number} of {self.date.isoformat()}"


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to add."""

    kind: EntryKind
    name: str
    group: str | None = None
    note: str = ""
    order: Order | None = None


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry as it stands in the database, with its history."""

    kind: EntryKind
    name: str
    group: str | None
    note: str
    order: Order | None
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


def stamp(moment: datetime) -> str:
    """Return an aware moment as the database keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def entry_of_row(kind: str, name: str, group: str | None, note: str, number: str, day: str) -> Entry:
    """Return what the resolver needs of an entry."""
    return Entry(EntryKind(kind), name, group, note, f"order {number} of {day}" if number else "")


def stored_of_row(
    kind: str,
    name: str,
    group: str | None,
    note: str,
    number: str,
    day: str,
    added_at: str,
    added_by: str,
    removed_at: str | None,
    removed_by: str | None,
) -> StoredEntry:
    """Return an entry with its history."""
    return StoredEntry(
        EntryKind(kind),
        name,
        group,
        note,
        Order(number, date.fromisoformat(day)) if number else None,
        datetime.fromisoformat(added_at),
        added_by,
        datetime.fromisoformat(removed_at) if removed_at else None,
        removed_by or "",
    )
