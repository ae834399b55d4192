"""policy.db: groups, networks, what is blocked, safe search and hand-made entries, each with its history.

Every change is one transaction that also counts `version` up and notes who did what. Nothing is deleted.
"""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosqlite

from policy.groups import Group
from policy.hours import Hours
from policy.levels import Level
from policy.names import display_name
from policy.networks import IPNetwork
from storage import audit
from storage.database import database, frozen, transaction, value
from storage.errors import damaged, translated
from storage.guards import guard
from storage.policy_blocks import block_facts, end_block, put_block, read_blocks
from storage.policy_groups import (
    GROUP,
    block,
    confirm,
    drop_network,
    end_group,
    insert_group,
    put_group,
    read_groups,
    require_group,
    set_safe_search,
    take_network,
    unblock,
)
from storage.policy_objects import FOREVER, Body, StoredObject, drop, put, read_objects
from storage.policy_rows import (
    GroupChange,
    GroupInUse,
    NewEntry,
    StoredEntry,
    UnknownEntry,
    asked_facts,
    at_stamp,
    group_facts,
    stamp,
)
from storage.policy_schema import DEFAULT_GROUP, FIRST_BLOCKED, FIRST_SAFE, MIGRATIONS, first_groups
from storage.tally import count
from translations import _

SETTLED_SECONDS = 0.1
"""A file changed less than this ago may change again within the same tick of its time stamp (4 ms, 2 s on FAT)."""

DataVersion = tuple[object, ...]
"""Differs from the one before whenever the policy may have changed."""


async def open_policy(path: Path) -> "PolicyDb":
    """Open policy.db; a new one begins with the groups of policy_schema.first_groups. Raises StorageError."""
    async with database(path, MIGRATIONS, create=True) as connection:
        await _begin(connection)
        await guard(connection)
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

    async def groups(self, *, at: datetime | None = None) -> list[Group]:
        """Return the groups in force now or at a moment, oldest first."""
        async with self.reading() as connection:
            return await self._groups(connection, at_stamp(at))

    async def default_group(self) -> str:
        """Return the group of clients whose network nobody entered."""
        async with self.reading() as connection:
            return str(await value(connection, "SELECT value FROM meta WHERE key = 'default_group'"))

    async def version(self) -> int:
        """Return the number of the last change."""
        async with self.reading() as connection:
            found = await value(connection, "SELECT value FROM meta WHERE key = 'version'")
        return found if isinstance(found, int) else 0

    async def blocks(self, *, group: str | None = None, removed: bool = False) -> list[StoredEntry]:
        """Return hand-made blocks by name; `removed` adds those that no longer hold."""
        async with self.reading() as connection:
            return [block async for block in read_blocks(connection, group, removed=removed)]

    async def objects(self, kind: str | None = None, *, at: datetime | None = None) -> list[StoredObject]:
        """Return rooms, devices, lessons and the like in force now or at a moment (storage/policy_objects.py)."""
        async with self.reading() as connection:
            return [each async for each in read_objects(connection, kind, at=at_stamp(at))]

    async def changes(self, *, since: datetime | None = None, until: datetime | None = None) -> list[audit.Change]:
        """Return the audit trail between two moments, oldest first."""
        bounds = {"since": stamp(since) if since else "", "until": at_stamp(until)}
        async with self.reading() as connection:
            return [change async for change in audit.read(connection, **bounds)]

    async def verify_audit(self, written: audit.Head | None = None) -> audit.Finding | None:
        """Return what is wrong with the audit trail; None if all is well. `written`: see audit.verify."""
        async with self.reading() as connection:
            return await audit.verify(connection, written)

    async def accept_state(self, reason: str, *, document: str = "", at: datetime, by: str) -> None:
        """Go on from what is there, though no change speaks of it; the row that says so stays for ever."""
        async with self.changing(stamp(at), by, "state accepted", {"reason": reason}, document, anew=True):
            pass

    async def audit_head(self) -> audit.Head:
        """Return number and digest of the last change, for papers: they show whether the trail was cut off later."""
        async with self.reading() as connection:
            return await audit.head(connection)

    # changing

    async def change_objects(
        self,
        what: str,
        puts: Sequence[tuple[str, str, Body]] = (),
        drops: Sequence[tuple[str, str]] = (),
        *,
        document: str = "",
        at: datetime,
        by: str,
    ) -> None:
        """Put objects in force (kind, id, body), each in the place of the one of its id, and end others (kind, id).

        All or nothing. Raises UnknownEntry, which names every id to be ended that is not in force.
        """
        now = stamp(at)
        before: dict[str, object] = {}
        after: dict[str, object] = {f"{kind} {id_}": dict(body) for kind, id_, body in puts}
        detail: dict[str, object] = {"before": before, "after": after}
        async with self.changing(now, by, what, detail, document) as connection:
            missing = []
            for kind, id_ in drops:
                ended = await drop(connection, kind, id_, now, by)
                before[f"{kind} {id_}"] = ended
                if ended is None:
                    missing.append(id_)
            if missing:
                message = _("expected what is in force, found that these are not: {ids}. Nothing was changed.")
                raise UnknownEntry(message.format(ids=", ".join(missing)))
            for kind, id_, body in puts:
                replaced = await put(connection, kind, id_, body, document, now, by)
                if replaced is not None:
                    before[f"{kind} {id_}"] = dict(replaced)

    async def add_blocks(
        self, blocks: Sequence[NewEntry], *, document: str = "", at: datetime, by: str
    ) -> list[StoredEntry]:
        """Add all blocks or none; each takes the place of one in force for the same name. Return those replaced.

        Raises UnknownGroup.
        """
        now = stamp(at)
        before: dict[str, object] = {}
        detail = {"before": before, "after": block_facts(blocks)}
        replaced: list[StoredEntry] = []
        async with self.changing(now, by, "add blocks", detail, document) as connection:
            for group in sorted({entry.group for entry in blocks if entry.group is not None}):
                await require_group(connection, group)
            for entry in blocks:
                replaced += await put_block(connection, entry, document, now, by)
            before |= block_facts(replaced)
        return replaced

    async def remove_blocks(
        self, names: Sequence[str], *, group: str | None = None, document: str = "", at: datetime, by: str
    ) -> list[StoredEntry]:
        """End the blocks of these names for the group (None: for everyone); all or none.

        Raises UnknownEntry, which names every name without a block.
        """
        now = stamp(at)
        ended: list[StoredEntry] = []
        before: dict[str, object] = {}
        detail = {"before": before, "after": {}}
        async with self.changing(now, by, "remove blocks", detail, document) as connection:
            if group is not None:
                await require_group(connection, group)
            missing = []
            for name in names:
                found = await end_block(connection, name, group, now, by)
                ended += found
                if not found:
                    missing.append(display_name(name))
            if missing:
                message = _("no entry in force for: {names}. `schoolfilter allow --list` and `block --list` show them.")
                raise UnknownEntry(message.format(names=", ".join(missing)))
            before |= block_facts(ended)
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
        supervised: bool = True,
        document: str = "",
        at: datetime,
        by: str,
    ) -> None:
        """Add a group, or one of that id that was removed; `hours` are those of `blocked`. Raises GroupInUse."""
        now = stamp(at)
        detail: dict[str, object] = {"before": {}}
        async with self.changing(now, by, "add group", detail, document) as connection:
            if await value(connection, "SELECT 1 FROM groups WHERE id = ? AND removed_at IS NULL", (id_,)) is not None:
                message = _("there is a group {group} already: change it with `schoolfilter groups set {group}`.")
                raise GroupInUse(message.format(group=id_))
            await insert_group(connection, id_, now, by)
            body = {"title": title, "level": level, "supervised": supervised}
            await put_group(connection, id_, body, document, now, by)
            await block(connection, id_, blocked, hours, document, now, by)
            await set_safe_search(connection, id_, safe_search or {}, document, now, by)
            for network in networks:
                await take_network(connection, id_, network, document, now, by)
            detail["after"] = await self._facts(connection, id_)

    async def set_group(self, id_: str, change: GroupChange, *, document: str = "", at: datetime, by: str) -> None:
        """Change a group. What is asked for and holds already rests on the document from now on, if one is given.

        If nothing is asked for, all that holds for the group on no document yet rests on this one. Raises UnknownGroup,
        or GroupInUse if a network belongs to another group.
        """
        now = stamp(at)
        detail: dict[str, object] = {"asked": asked_facts(change)}
        async with self.changing(now, by, "set group", detail, document) as connection:
            await require_group(connection, id_)
            detail["before"] = await self._facts(connection, id_)
            if change == GroupChange() and document:
                found = {group.id: group for group in await self._groups(connection)}
                await confirm(connection, found[id_], document, now, by)
            own = {"title": change.title, "level": change.level, "supervised": change.supervised}
            await put_group(connection, id_, own, document, now, by)
            await block(connection, id_, change.block, change.hours, document, now, by)
            for category in change.unblock:
                await unblock(connection, id_, category, now, by)
            await set_safe_search(connection, id_, dict(change.safe_search), document, now, by)
            for network in change.drop_networks:
                await drop_network(connection, id_, network, document, now, by)
            for network in change.networks:
                await take_network(connection, id_, network, document, now, by)
            detail["after"] = await self._facts(connection, id_)

    async def remove_group(self, id_: str, *, force: bool = False, document: str = "", at: datetime, by: str) -> None:
        """Remove a group. With `force` its networks fall to the default group and its entries end.

        Raises UnknownGroup, or GroupInUse for the default group and, without `force`, for one with networks or entries.
        """
        now = stamp(at)
        before: dict[str, object] = {}
        async with self.changing(now, by, "remove group", {"before": before, "after": {}}, document) as connection:
            await require_group(connection, id_)
            before |= await self._facts(connection, id_)
            if await value(connection, "SELECT value FROM meta WHERE key = 'default_group'") == id_:
                message = _("{group} is the group of every client whose network nobody entered: it cannot be removed.")
                raise GroupInUse(message.format(group=id_))
            networks = await value(
                connection, "SELECT count(*) FROM networks WHERE group_id = ? AND removed_at IS NULL", (id_,)
            )
            entries = [entry async for entry in read_blocks(connection, id_)]
            if (networks or entries) and not force:
                message = _(
                    "{group} still has networks: {networks}, entries: {entries}. With --force the networks fall to the "
                    "default group and the entries end."
                )
                raise GroupInUse(message.format(group=id_, networks=networks, entries=len(entries)))
            before |= block_facts(entries)
            await end_group(connection, id_, now, by)

    # inside

    async def _groups(self, connection: aiosqlite.Connection, at: str = FOREVER) -> list[Group]:
        try:
            return [group async for group in read_groups(connection, at)]
        except (ValueError, KeyError) as error:  # what nobody here wrote
            raise damaged(self.path, str(error)) from error

    async def _facts(self, connection: aiosqlite.Connection, id_: str) -> dict[str, object]:
        """Return a group as the audit trail shows it, under the name that it has there."""
        found = await self._groups(connection)
        return {f"{GROUP} {group.id}": group_facts(group) for group in found if group.id == id_}

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """Open the file for a look at one state of it. What stands there and nobody here wrote is a DamagedDatabase."""
        async with database(self.path, MIGRATIONS) as connection, transaction(connection, write=False):
            try:
                yield connection
            except (ValueError, RecursionError) as error:  # the last for [[[[[[…
                raise damaged(self.path, str(error)) from error

    @asynccontextmanager
    async def changing(
        self,
        now: str,
        by: str,
        what: str,
        detail: Mapping[str, object],
        document: str = "",
        *,
        anew: bool = False,
        mends: bool = False,
    ) -> AsyncIterator[aiosqlite.Connection]:
        """Open the file for one change, which is noted in the audit trail (audit.noted): all of it or nothing."""
        async with (
            database(self.path, MIGRATIONS) as connection,
            audit.noted(connection, now, by, what, detail, document, anew=anew, mends=mends),
        ):
            yield connection


class PolicyCopy(PolicyDb):
    """The last good copy (last_good.py), looked at without writing anything: it is only ever replaced as a whole."""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """Open the copy for a look. Raises a StorageError also for one that another version made."""
        async with frozen(self.path, MIGRATIONS) as connection:
            try:
                yield connection
            except (ValueError, RecursionError) as error:
                raise damaged(self.path, str(error)) from error


async def _begin(connection: aiosqlite.Connection) -> None:
    """Enter the first groups if there have never been any."""
    if await value(connection, "SELECT 1 FROM groups LIMIT 1") is not None:
        return
    now, by, groups = stamp(datetime.now(UTC)), "schoolfilter", first_groups()
    async with transaction(connection):
        # Workers of one server open the file at the same moment: the first has done it for all.
        if await value(connection, "SELECT 1 FROM groups LIMIT 1") is not None:
            return
        for group in groups:
            await insert_group(connection, group.id, now, by)
            body = {"title": group.title, "level": group.level, "supervised": group.supervised}
            await put_group(connection, group.id, body, "", now, by)
            await block(connection, group.id, FIRST_BLOCKED, None, "", now, by)
            await set_safe_search(connection, group.id, FIRST_SAFE.get(group.id, {}), "", now, by)
        await connection.execute("INSERT INTO meta (key, value) VALUES ('default_group', ?)", (DEFAULT_GROUP,))
        detail = {"groups": [group.id for group in groups]}
        await audit.append(connection, now, by, "begin", detail, state=await count(connection))
