"""policy.db: groups, networks, what is blocked, safe search and hand-made entries, each with its history.

Every change is one transaction that also counts `version` up and notes who did what. Nothing is deleted.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosqlite

from policy.hours import Hours
from policy.levels import Level
from policy.names import display_name
from policy.needed import Needed
from policy.snapshot import EntryKind, Group, IPNetwork, Snapshot, SnapshotBuilder
from storage.database import database, transaction, value
from storage.errors import damaged, translated
from storage.policy_groups import (
    block,
    drop_network,
    insert_group,
    read_groups,
    require_group,
    set_safe_search,
    take_network,
    unblock,
)
from storage.policy_rows import (
    GroupChange,
    GroupInUse,
    NewEntry,
    StoredEntry,
    UnknownEntry,
    entry_of_row,
    stamp,
    stored_of_row,
)
from storage.policy_schema import DEFAULT_GROUP, FIRST_BLOCKED, FIRST_SAFE, MIGRATIONS, first_groups
from translations import _

CHUNK = 256
"""Rows taken at a time: less than half a millisecond of work between two turns of the event loop."""


SETTLED_SECONDS = 0.1
"""A file changed less than this ago may change again within the same tick of its time stamp (4 ms, 2 s on FAT)."""

DataVersion = tuple[object, ...]
"""Differs from the one before whenever the policy may have changed."""


async def open_policy(path: Path) -> "PolicyDb":
    """Open policy.db; a new one begins with the groups of policy_schema.first_groups. Raises StorageError."""
    async with database(path, MIGRATIONS, create=True) as connection:
        await _begin(connection)
    return PolicyDb(path)


class PolicyDb:
    """The policy in one file. Each call opens the file and closes it (storage/database.py says why)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the use of the file; nothing is held between calls, but who opened it need not rely on that."""

    # reading

    async def data_version(self) -> DataVersion:
        """Return a value that differs from the last one if anybody has changed the policy, or the file, since.

        Costs two calls of stat: cheap enough for several times a second. Raises StorageError if there is no file.
        PRAGMA data_version would need a connection that stays open, and would not see a file put in the place of ours.
        """
        with translated(self.path):
            file = self.path.stat()
            stamps = [file.st_dev, file.st_ino, file.st_mtime_ns, file.st_size]
            newest = file.st_mtime
            try:
                log = self.path.with_name(f"{self.path.name}-wal").stat()
            except FileNotFoundError:
                log = None
            # Whoever reads makes an empty log and removes it again: that is no change.
            if log is not None and log.st_size:
                stamps += [log.st_ino, log.st_mtime_ns, log.st_size]
                newest = max(newest, log.st_mtime)
        return (*stamps, time.time() - newest > SETTLED_SECONDS)

    async def load_snapshot(
        self, protected: Iterable[str], *, needed: Iterable[Needed] = (), moment: datetime | None = None
    ) -> Snapshot:
        """Return the policy in force, built a few rows at a time between the turns of the event loop.

        `moment` is the school's local time for what is blocked in some hours only (SnapshotBuilder.build).
        """
        try:
            async with self._read() as connection:
                groups = [group async for group in read_groups(connection)]
                default = await value(connection, "SELECT value FROM meta WHERE key = 'default_group'")
                version = await value(connection, "SELECT value FROM meta WHERE key = 'version'")
                builder = SnapshotBuilder(groups, str(default))
                query = """
                    SELECT kind, name, group_id, note, order_number, order_date FROM entries WHERE removed_at IS NULL
                """
                async with connection.execute(query) as cursor:
                    while rows := await cursor.fetchmany(CHUNK):
                        builder.add(entry_of_row(*row) for row in rows)
        except ValueError as error:  # a level, network or default group that somebody else wrote
            raise damaged(self.path, str(error)) from error
        number = version if isinstance(version, int) else 0
        return builder.build(protected=protected, version=number, needed=needed, moment=moment)

    async def groups(self) -> list[Group]:
        """Return the groups in force, by id."""
        async with self._read() as connection:
            return [group async for group in read_groups(connection)]

    async def default_group(self) -> str:
        """Return the group of clients whose network nobody entered."""
        async with self._read() as connection:
            return str(await value(connection, "SELECT value FROM meta WHERE key = 'default_group'"))

    async def version(self) -> int:
        """Return the number of the last change."""
        async with self._read() as connection:
            found = await value(connection, "SELECT value FROM meta WHERE key = 'version'")
        return found if isinstance(found, int) else 0

    async def entries(
        self, kind: EntryKind | None = None, *, group: str | None = None, removed: bool = False
    ) -> list[StoredEntry]:
        """Return entries by name; `removed` adds those that no longer hold."""
        query = """
            SELECT kind, name, group_id, note, order_number, order_date, added_at, added_by, removed_at, removed_by
            FROM entries
            WHERE (:kind IS NULL OR kind = :kind) AND (:group IS NULL OR group_id = :group)
                AND (:removed OR removed_at IS NULL)
            ORDER BY name, kind, group_id, row
        """
        async with self._read() as connection:
            arguments = {"kind": kind, "group": group, "removed": removed}
            async with connection.execute(query, arguments) as cursor:
                return [stored_of_row(*row) async for row in cursor]

    # changing

    async def add_entries(self, entries: Sequence[NewEntry], *, at: datetime, by: str) -> list[StoredEntry]:
        """Add all entries or none; each takes the place of one in force for the same name. Return those replaced.

        Raises UnknownGroup.
        """
        now = stamp(at)
        detail = {"entries": [[entry.kind, entry.name, entry.group or "", str(entry.order or "")] for entry in entries]}
        replaced: list[StoredEntry] = []
        async with self._change(now, by, "add entries", detail) as connection:
            for group in sorted({entry.group for entry in entries if entry.group is not None}):
                await require_group(connection, group)
            for entry in entries:
                replaced += await _close_entries(connection, entry.kind, entry.name, entry.group, now, by)
                await connection.execute(
                    "INSERT INTO entries (kind, name, group_id, note, order_number, order_date, added_at, added_by)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        entry.kind,
                        entry.name,
                        entry.group,
                        entry.note,
                        entry.order.number if entry.order else "",
                        entry.order.date.isoformat() if entry.order else "",
                        now,
                        by,
                    ),
                )
        return replaced

    async def remove_entries(
        self, names: Sequence[str], *, kind: EntryKind | None = None, group: str | None = None, at: datetime, by: str
    ) -> list[StoredEntry]:
        """End the entries for these names, of one kind or both, for the group (None: for everyone); all or none.

        Raises UnknownEntry, which names every name without an entry.
        """
        now = stamp(at)
        kinds = list(EntryKind) if kind is None else [kind]
        ended: list[StoredEntry] = []
        async with self._change(
            now, by, "remove entries", {"names": names, "kind": kind, "group": group}
        ) as connection:
            if group is not None:
                await require_group(connection, group)
            missing = []
            for name in names:
                found = [
                    entry for each in kinds for entry in await _close_entries(connection, each, name, group, now, by)
                ]
                ended += found
                if not found:
                    missing.append(display_name(name))
            if missing:
                message = _("no entry in force for: {names}. `schoolfilter allow --list` and `block --list` show them.")
                raise UnknownEntry(message.format(names=", ".join(missing)))
        return ended

    async def add_group(
        self,
        id_: str,
        title: str,
        level: Level,
        blocked: Iterable[str],
        networks: Iterable[IPNetwork] = (),
        *,
        hours: Hours | None = None,
        safe_search: Mapping[str, str] | None = None,
        at: datetime,
        by: str,
    ) -> None:
        """Add a group, or one of that id that was removed; `hours` are those of `blocked`. Raises GroupInUse."""
        now, modes, closed = stamp(at), dict(safe_search or {}), tuple(blocked)
        detail: dict[str, object] = {
            "group": id_,
            "title": title,
            "level": level,
            "block": closed,
            "hours": str(hours or ""),
            "safe_search": modes,
        }
        async with self._change(now, by, "add group", detail) as connection:
            if await value(connection, "SELECT 1 FROM groups WHERE id = ? AND removed_at IS NULL", (id_,)) is not None:
                message = _("there is a group {group} already: change it with `schoolfilter groups set {group}`.")
                raise GroupInUse(message.format(group=id_))
            await insert_group(connection, id_, title, level, now, by)
            await block(connection, id_, closed, hours, now, by)
            await set_safe_search(connection, id_, modes, now, by)
            for network in networks:
                await take_network(connection, id_, network, now, by)

    async def set_group(self, id_: str, change: GroupChange, *, at: datetime, by: str) -> None:
        """Change a group. Raises UnknownGroup, or GroupInUse if a network belongs to another group."""
        now = stamp(at)
        detail: dict[str, object] = {
            "group": id_,
            "level": change.level,
            "title": change.title,
            "block": change.block,
            "hours": str(change.hours or ""),
            "unblock": change.unblock,
            "networks": [str(network) for network in change.networks],
            "drop_networks": [str(network) for network in change.drop_networks],
            "safe_search": dict(change.safe_search),
        }
        async with self._change(now, by, "set group", detail) as connection:
            await require_group(connection, id_)
            # The row of a group keeps no history of its own: the note holds what it was before.
            before = "SELECT level || ' ' || title FROM groups WHERE id = ?"
            detail["before"] = await value(connection, before, (id_,))
            await connection.execute(
                "UPDATE groups SET level = ifnull(?, level), title = ifnull(?, title) WHERE id = ?",
                (change.level, change.title, id_),
            )
            await block(connection, id_, change.block, change.hours, now, by)
            for category in change.unblock:
                await unblock(connection, id_, category, now, by)
            await set_safe_search(connection, id_, dict(change.safe_search), now, by)
            for network in change.drop_networks:
                await drop_network(connection, id_, network, now, by)
            for network in change.networks:
                await take_network(connection, id_, network, now, by)

    async def remove_group(self, id_: str, *, force: bool = False, at: datetime, by: str) -> None:
        """Remove a group. With `force` its networks fall to the default group and its entries end.

        Raises UnknownGroup, or GroupInUse for the default group and, without `force`, for one with networks or entries.
        """
        now = stamp(at)
        async with self._change(now, by, "remove group", {"group": id_}) as connection:
            await require_group(connection, id_)
            if await value(connection, "SELECT value FROM meta WHERE key = 'default_group'") == id_:
                message = _("{group} is the group of every client whose network nobody entered: it cannot be removed.")
                raise GroupInUse(message.format(group=id_))
            networks = await value(
                connection, "SELECT count(*) FROM networks WHERE group_id = ? AND removed_at IS NULL", (id_,)
            )
            entries = await value(
                connection, "SELECT count(*) FROM entries WHERE group_id = ? AND removed_at IS NULL", (id_,)
            )
            if (networks or entries) and not force:
                message = _(
                    "{group} still has networks: {networks}, entries: {entries}. With --force the networks fall to the "
                    "default group and the entries end."
                )
                raise GroupInUse(message.format(group=id_, networks=networks, entries=entries))
            for statement in (
                "UPDATE networks SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
                "UPDATE entries SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
                "UPDATE group_categories SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
                "UPDATE group_safe_search SET removed_at = ?, removed_by = ? WHERE group_id = ? AND removed_at IS NULL",
            ):
                await connection.execute(statement, (now, by, id_))
            await connection.execute("UPDATE groups SET removed_at = ?, removed_by = ? WHERE id = ?", (now, by, id_))

    # inside

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[aiosqlite.Connection]:
        async with database(self.path, MIGRATIONS) as connection, transaction(connection, write=False):
            yield connection

    @asynccontextmanager
    async def _change(
        self, now: str, by: str, what: str, detail: Mapping[str, object]
    ) -> AsyncIterator[aiosqlite.Connection]:
        async with database(self.path, MIGRATIONS) as connection, transaction(connection):
            yield connection
            await _note(connection, now, by, what, detail)


async def _begin(connection: aiosqlite.Connection) -> None:
    """Enter the first groups if there have never been any."""
    if await value(connection, "SELECT 1 FROM groups LIMIT 1") is not None:
        return
    now, by, groups = stamp(datetime.now(UTC)), "schoolfilter", first_groups()
    async with transaction(connection):
        # Workers of one server open the file at the same moment: the first has done it for all.
        if await value(connection, "SELECT 1 FROM groups LIMIT 1") is not None:
            return
        for id_, title, level in groups:
            await insert_group(connection, id_, title, level, now, by)
            await block(connection, id_, FIRST_BLOCKED, None, now, by)
            await set_safe_search(connection, id_, FIRST_SAFE.get(id_, {}), now, by)
        await connection.execute("INSERT INTO meta (key, value) VALUES ('default_group', ?)", (DEFAULT_GROUP,))
        await _note(connection, now, by, "begin", {"groups": [group[0] for group in groups]})


async def _note(connection: aiosqlite.Connection, now: str, by: str, what: str, detail: Mapping[str, object]) -> None:
    """Count the version up and write down what happened, in the transaction in which it happens."""
    await connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'version'")
    await connection.execute(
        "INSERT INTO changes (version, at, by, what, detail) SELECT value, ?, ?, ?, ? FROM meta WHERE key = 'version'",
        (now, by, what, json.dumps(detail, ensure_ascii=False)),
    )


async def _close_entries(
    connection: aiosqlite.Connection, kind: EntryKind, name: str, group: str | None, now: str, by: str
) -> list[StoredEntry]:
    query = """
        UPDATE entries SET removed_at = ?, removed_by = ?
        WHERE kind = ? AND name = ? AND group_id IS ? AND removed_at IS NULL
        RETURNING kind, name, group_id, note, order_number, order_date, added_at, added_by, removed_at, removed_by
    """
    async with connection.execute(query, (now, by, kind, name, group)) as cursor:
        return [stored_of_row(*row) for row in await cursor.fetchall()]
