"""The rows of names blocked by hand in policy.db.

Each function is part of a transaction that the caller holds.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import aiosqlite

from storage.database import value
from storage.policy_rows import NewEntry, StoredEntry

_OF_PLACE = "kind = 'block' AND name = ? AND ifnull(group_id, '') = ? AND removed_at IS NULL"
"""In the form of the index entries_in_force."""
_COLUMNS = "name, group_id, note, document, added_at, added_by, removed_at, removed_by"


async def read_blocks(
    connection: aiosqlite.Connection, group: str | None = None, *, removed: bool = False
) -> AsyncIterator[StoredEntry]:
    """Yield blocks by name, all or those of a group; `removed` adds those that no longer hold."""
    query = f"""
        SELECT {_COLUMNS} FROM entries
        WHERE (:group IS NULL OR group_id = :group) AND (:removed OR removed_at IS NULL)
        ORDER BY name, group_id, row
    """  # noqa: S608 - a constant
    async with connection.execute(query, {"group": group, "removed": removed}) as cursor:
        async for row in cursor:
            yield _stored(*row)


async def put_block(
    connection: aiosqlite.Connection, block: NewEntry, document: str, now: str, by: str
) -> list[StoredEntry]:
    """Put a block in force in the place of the one for the same name and group; return that, if there was one.

    One that says the same stays, with what it rests on, unless another document is given.
    """
    query = f"SELECT document FROM entries WHERE {_OF_PLACE} AND note = ?"  # noqa: S608 - a constant
    rests_on = await value(connection, query, (block.name, block.group or "", block.note))
    if rests_on is not None and document in ("", rests_on):
        return []
    replaced = await end_block(connection, block.name, block.group, now, by)
    await connection.execute(
        "INSERT INTO entries (kind, name, group_id, note, order_number, order_date, document, added_at, added_by)"
        " VALUES ('block', ?, ?, ?, '', '', ?, ?, ?)",
        (block.name, block.group, block.note, document, now, by),
    )
    return replaced


async def end_block(
    connection: aiosqlite.Connection, name: str, group: str | None, now: str, by: str
) -> list[StoredEntry]:
    """End the block of a name for a group; return it, or nothing if none was in force."""
    query = f"UPDATE entries SET removed_at = ?, removed_by = ? WHERE {_OF_PLACE} RETURNING {_COLUMNS}"  # noqa: S608 - constants
    async with connection.execute(query, (now, by, name, group or "")) as cursor:
        return [_stored(*row) for row in await cursor.fetchall()]


def block_facts(blocks: Iterable[NewEntry | StoredEntry]) -> dict[str, object]:
    """Return blocks as the audit trail shows them: `block example.org`, for one group `block example.org pupils`."""
    return {f"block {each.name}" + (f" {each.group}" if each.group else ""): {"note": each.note} for each in blocks}


def _stored(
    name: str,
    group: str | None,
    note: str,
    document: str,
    added_at: str,
    added_by: str,
    removed_at: str | None,
    removed_by: str | None,
) -> StoredEntry:
    return StoredEntry(
        name,
        group,
        note,
        document,
        datetime.fromisoformat(added_at),
        added_by,
        datetime.fromisoformat(removed_at) if removed_at else None,
        removed_by or "",
    )
