"""Rooms, devices, lessons, pauses, exceptions and the calendar in policy.db: a body in JSON for each, with its history.

Each function is part of a transaction that the caller holds. What a body means is said in policy/.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiosqlite

from storage.database import value

FOREVER = "9999"
"""A stamp of time after all others: what is in force then is in force now."""

Body = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One row: what held from `added_at` until `removed_at`."""

    kind: str
    id: str
    body: Body
    document: str
    added_at: str
    added_by: str
    removed_at: str | None = None
    removed_by: str | None = None


async def read_objects(
    connection: aiosqlite.Connection, kind: str | None = None, *, at: str = FOREVER
) -> AsyncIterator[StoredObject]:
    """Yield what was in force at a stamp of time, oldest first. Raises ValueError for what nobody here wrote."""
    query = """
        SELECT kind, id, body, document, added_at, added_by, removed_at, removed_by FROM objects
        WHERE (:kind IS NULL OR kind = :kind) AND added_at <= :at AND (removed_at IS NULL OR removed_at > :at)
        ORDER BY row
    """
    async with connection.execute(query, {"kind": kind, "at": at}) as cursor:
        async for kind_, id_, body, *rest in cursor:
            yield StoredObject(kind_, id_, _body(kind_, id_, body), *rest)


async def put(
    connection: aiosqlite.Connection, kind: str, id_: str, body: Body, document: str, now: str, by: str
) -> Body | None:
    """Put a body in force in the place of the one of the same id; return that, or None if there was none."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    before = await drop(connection, kind, id_, now, by)
    await connection.execute(
        "INSERT INTO objects (kind, id, body, document, added_at, added_by) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, id_, text, document, now, by),
    )
    return before


async def drop(connection: aiosqlite.Connection, kind: str, id_: str, now: str, by: str) -> Body | None:
    """End what is in force under an id; return its body, or None if nothing was."""
    query = "SELECT body FROM objects WHERE kind = ? AND id = ? AND removed_at IS NULL"
    found = await value(connection, query, (kind, id_))
    if found is None:
        return None
    await connection.execute(
        "UPDATE objects SET removed_at = ?, removed_by = ? WHERE kind = ? AND id = ? AND removed_at IS NULL",
        (now, by, kind, id_),
    )
    return _body(kind, id_, str(found))


def _body(kind: str, id_: str, text: str) -> Body:
    body = json.loads(text)
    if not isinstance(body, dict):
        raise ValueError(f"expected an object for {kind} {id_}, found {text[:80]!r}")  # noqa: TRY004 - stored
    return body
