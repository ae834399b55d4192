"""The policy as the resolver needs it: read a little at a time, its director's list from orders that verify."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

import aiosqlite

from policy import devices, rooms
from policy.calendar_bodies import KINDS, calendar_of
from policy.circumstances import Schedule
from policy.devices import Directory
from policy.groups import Group
from policy.ids import require_id
from policy.ledger import Ledger, Sealed, verify
from policy.needed import Needed
from policy.orders import Listed, Scope, permit_of, replay
from policy.snapshot import Reserve, Snapshot, SnapshotBuilder
from policy.views import Entry, EntryKind
from storage.database import value
from storage.errors import StorageError, damaged
from storage.ledger_copy import LedgerCopy
from storage.ledger_rows import read_sealed
from storage.pin import read_pin
from storage.policy_db import PolicyDb
from storage.policy_groups import read_groups
from storage.policy_objects import StoredObject, read_objects
from storage.policy_rows import block_of_row

CHUNK = 256
"""Rows taken at a time: less than half a millisecond of work between two turns of the event loop."""

ROOM, DEVICE, LESSON, PAUSE, CLOSURE = "room", "device", "lesson", "pause", "closure"
"""Kinds of objects, beside those of the calendar and the groups."""


class Loaded(NamedTuple):
    """The policy, and what verification said of the ledger it rests on."""

    snapshot: Snapshot
    ledger: Ledger
    """Its orders are those in force: of policy.db, or of this machine's copy if policy.db holds less than was verified
    before; the findings say so."""
    sealed: Sequence[Sealed]
    """The orders in force as they are kept."""


class _Read(NamedTuple):
    """What stands in policy.db, taken in one look."""

    groups: list[Group]
    default_group: str
    version: int
    blocks: list[Entry]
    objects: list[StoredObject]
    sealed: list[Sealed]


class PolicyLoader:
    """Loads the policy again and again, and verifies each signature once."""

    def __init__(self, policy: PolicyDb, *, signed: bool = False, pinned: str = "") -> None:
        """`signed`: only what the director's key vouches for counts. `pinned`: its fingerprint; empty: see pin.py."""
        self.policy = policy
        self._signed = signed
        self._pinned = pinned
        self._copy = LedgerCopy(policy.path.parent)
        self._known: frozenset[str] = frozenset()
        self._remembered: list[Sealed] = []
        """What of the copy verified at the last load."""

    async def load(
        self, protected: Iterable[str], *, needed: Iterable[Needed] = (), moment: datetime | None = None
    ) -> Loaded:
        """Return the policy in force. Another thread verifies and builds it, so that a worker answers meanwhile.

        `moment` is the school's local time for what holds at times only (SnapshotBuilder.build). Raises StorageError.
        """
        try:
            async with self.policy.reading() as connection:
                read = _Read(
                    [group async for group in read_groups(connection)],
                    str(await value(connection, "SELECT value FROM meta WHERE key = 'default_group'")),
                    int(str(await value(connection, "SELECT value FROM meta WHERE key = 'version'"))),
                    [block async for block in _blocks(connection)],
                    [each async for each in read_objects(connection)],
                    [sealed async for some in read_sealed(connection) for sealed in some],
                )
            return await asyncio.to_thread(self._build, read, tuple(protected), tuple(needed), moment)
        except (StorageError, OSError, MemoryError):
            raise
        except Exception as error:
            # The one border between what stands in a file and the policy. Whoever can write the file can make its
            # tables anew and put anything into them, and no list of errors would name all that comes of it.
            raise damaged(self.policy.path, str(error) or repr(error)) from error

    def _build(
        self, read: _Read, protected: Sequence[str], needed: Sequence[Needed], moment: datetime | None
    ) -> Loaded:
        ledger, sealed = self._verified(read.sealed)
        documents = {order.sequence: order.document_text for order in ledger.orders}
        listed = [(each, _entry(each, documents)) for each in replay(ledger.orders, None).values()]
        builder = SnapshotBuilder(read.groups, read.default_group)
        builder.add(read.blocks)
        builder.add(entry for each, entry in listed if each.addition.scope is Scope.ALWAYS)
        permit = permit_of(ledger.orders)
        rests_on = next((order for order in reversed(ledger.orders) if order.permit is not None), None)
        reserve = Reserve(
            # Of entries for several groups the one that lasts longest counts.
            {entry.name: entry for _, entry in sorted(listed, key=lambda pair: pair[1].until or date.max)},
            permit.minutes if permit is not None else 0,
            documents[rests_on.sequence] if rests_on is not None else "",
        )
        of_kind = _by_kind(read.objects)
        schedule = schedule_of(read.objects)
        directory = Directory(devices.device_of(each.id, each.body) for each in of_kind(DEVICE))
        _check_ids(read.groups, schedule, directory)
        snapshot = builder.build(
            protected=protected,
            version=read.version,
            needed=needed,
            moment=moment,
            schedule=schedule,
            directory=directory,
            closures=[rooms.closure_of(each.id, each.body) for each in of_kind(CLOSURE)],
            reserve=reserve,
        )
        return Loaded(snapshot, ledger, sealed)

    def _verified(self, rows: list[Sealed]) -> tuple[Ledger, list[Sealed]]:
        """Verify the ledger; return what came of it, and the orders to go by."""
        kept, pinned = self._copy.read(), self._pinned or read_pin(self.policy.path.parent)
        if rows[: len(kept)] != kept:
            # A copy that was damaged says as much as what of it verifies.
            before = verify(kept, pinned=pinned, signed=self._signed, known=self._known)
            self._known |= before.known
            kept = kept[: len(before.orders)]
        anchor = (len(kept), kept[-1].digest) if kept else None
        ledger = verify(rows, pinned=pinned, signed=self._signed, known=self._known, anchor=anchor)
        self._known |= ledger.known
        self._remembered = kept
        held = rows[: len(ledger.orders)]
        if held[: len(kept)] == kept:
            return ledger, held
        # The ledger lacks, or tells otherwise, what this machine has verified before: that stays in force.
        before = verify(kept, pinned=pinned, signed=self._signed, known=self._known)
        if len(before.orders) > len(held) or before.orders != ledger.orders[: len(before.orders)]:
            return replace(ledger, orders=before.orders, key=before.key), kept[: len(before.orders)]
        return ledger, held

    def keep(self, loaded: Loaded) -> None:
        """Remember what was verified, if it is more than before. Blocks on the disk. Raises OSError."""
        known = self._remembered
        if list(loaded.sealed[: len(known)]) == known and list(loaded.sealed) != self._copy.read():
            self._copy.write(loaded.sealed)


async def _blocks(connection: aiosqlite.Connection) -> AsyncIterator[Entry]:
    query = "SELECT name, group_id, note, document FROM entries WHERE removed_at IS NULL"
    async with connection.execute(query) as cursor:
        while rows := await cursor.fetchmany(CHUNK):
            for row in rows:
                yield block_of_row(*row)


def _check_ids(groups: Iterable[Group], schedule: Schedule, directory: Directory) -> None:
    """Raise ValueError for an id that could forge lines of the query log, in which each stands as it is."""
    for id_ in (*(group.id for group in groups), *schedule.rooms):
        require_id(id_)
    for device in directory.devices:
        require_id(device.id)
        if device.room is not None:  # which need not exist
            require_id(device.room)


def schedule_of(objects: Sequence[StoredObject]) -> Schedule:
    """Return rooms, lessons, pauses and the calendar. Raises ValueError for a body that nobody here wrote."""
    of_kind = _by_kind(objects)
    return Schedule(
        {each.id: rooms.room_of(each.id, each.body) for each in of_kind(ROOM)},
        calendar_of((each.kind, each.id, each.body) for each in objects if each.kind in KINDS),
        tuple(rooms.lesson_of(each.id, each.body) for each in of_kind(LESSON)),
        tuple(rooms.pause_of(each.id, each.body) for each in of_kind(PAUSE)),
    )


def _by_kind(objects: Sequence[StoredObject]) -> Callable[[str], Sequence[StoredObject]]:
    found: dict[str, list[StoredObject]] = {}
    for each in objects:
        found.setdefault(each.kind, []).append(each)
    return lambda kind: found.get(kind, ())


def _entry(listed: Listed, documents: Mapping[int, str]) -> Entry:
    addition = listed.addition
    document = documents[listed.order.sequence]
    return Entry(EntryKind.ALLOW, addition.name, addition.group, addition.reason, document, addition.until)
