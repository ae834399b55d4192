"""Requests of teachers in policy.db: names to go on the director's list or off it, and what became of each.

Each function is part of a transaction that the caller holds.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import aiosqlite

from policy.names import display_name
from policy.orders import Scope
from storage.errors import StorageError
from translations import _


class RequestKind(StrEnum):
    """What is asked for."""

    ALLOW = "allow"
    REMOVE = "remove"


class Outcome(StrEnum):
    """What became of a request."""

    OPEN = ""
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class UnknownRequest(StorageError):  # noqa: N818 - reads as what it is
    """No such open request."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What a teacher asks for."""

    kind: RequestKind
    name: str
    group: str | None = None
    scope: Scope = Scope.ALWAYS
    until: date | None = None
    reason: str = ""
    warnings: str = ""
    """What the checks of the name said, in the language of who asked; the director reads it, too."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its fate."""

    id: int
    kind: RequestKind
    name: str
    group: str | None
    scope: Scope
    until: date | None
    reason: str
    warnings: str
    asked_at: datetime
    asked_by: str
    outcome: Outcome = Outcome.OPEN
    decided_at: datetime | None = None
    decided_by: str = ""
    answer: str = ""
    sequence: int | None = None
    """The order that answers it."""


async def add(connection: aiosqlite.Connection, requests: Sequence[NewRequest], now: str, by: str) -> list[int]:
    """Enter requests; one that is open for the same already takes the new words. Return their numbers."""
    ids = []
    for request in requests:
        query = """
            INSERT INTO requests (kind, name, group_id, scope, until, reason, warnings, asked_at, asked_by)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (kind, name, ifnull(group_id, ''), scope) WHERE outcome = '' DO UPDATE SET
                until = excluded.until, reason = excluded.reason, warnings = excluded.warnings,
                asked_at = excluded.asked_at, asked_by = excluded.asked_by
            RETURNING id
        """
        until = request.until.isoformat() if request.until else None
        words = (request.kind, request.name, request.group, request.scope, until, request.reason, request.warnings)
        async with connection.execute(query, (*words, now, by)) as cursor:
            ids += [int(row[0]) for row in await cursor.fetchall()]
    return ids


async def read(connection: aiosqlite.Connection, *, only_open: bool = True) -> AsyncIterator[Request]:
    """Yield requests, oldest first."""
    query = """
        SELECT id, kind, name, group_id, scope, until, reason, warnings, asked_at, asked_by,
            outcome, decided_at, decided_by, answer, sequence
        FROM requests WHERE outcome = '' OR NOT :only_open ORDER BY id
    """
    async with connection.execute(query, {"only_open": only_open}) as cursor:
        async for row in cursor:
            id_, kind, name, group, scope, until, reason, warnings, asked_at, asked_by, outcome, decided_at, *rest = row
            yield Request(
                id_,
                RequestKind(kind),
                name,
                group,
                Scope(scope),
                date.fromisoformat(until) if until else None,
                reason,
                warnings,
                datetime.fromisoformat(asked_at),
                asked_by,
                Outcome(outcome),
                datetime.fromisoformat(decided_at) if decided_at else None,
                rest[0] or "",
                rest[1],
                rest[2],
            )


async def decide(
    connection: aiosqlite.Connection,
    ids: Sequence[int],
    outcome: Outcome,
    now: str,
    by: str,
    *,
    answer: str = "",
    sequence: int | None = None,
) -> list[str]:
    """Close open requests; return their names. Raises UnknownRequest, which names every number that is not open."""
    names, missing = [], []
    for id_ in ids:
        query = """
            UPDATE requests SET outcome = ?, decided_at = ?, decided_by = ?, answer = ?, sequence = ?
            WHERE id = ? AND outcome = '' RETURNING name
        """
        async with connection.execute(query, (outcome, now, by, answer, sequence, id_)) as cursor:
            row = await cursor.fetchone()
        if row is None:
            missing.append(str(id_))
        else:
            names.append(display_name(row[0]))
    if missing:
        message = _("expected open requests, found that these are not: {ids}. `schoolfilter requests` lists them.")
        raise UnknownRequest(message.format(ids=", ".join(missing)))
    return names
