"""The audit trail: each change of policy with who, when, before, after and on what document, chained and append-only.

A row's digest covers the row and the digest before it. `state` stands for all rows of policy.db that the change left
(storage/tally.py): whoever changes a table past the trail leaves rows that it does not speak of.

What it cannot show: that policy.db was put back as a whole to an earlier state, or written anew from some row on by
somebody who computed all digests. Number and digest of a row that stand on paper, or with somebody else, show that.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

import aiosqlite

from storage.database import transaction, value
from storage.errors import StorageError
from storage.guards import stranger
from storage.tally import count, watch
from translations import _

GENESIS = "0" * 64
"""What the first row follows."""
TOOK_OVER = "took over"
"""In the detail of a row whose state was counted anew: that rows were found then of which no change speaks."""


class Head(NamedTuple):
    """A row as it is written down elsewhere, such as on paper."""

    number: int
    digest: str
    """Its first digits suffice."""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the trail."""

    number: int
    """Counts up; the version of the policy that `status` shows."""
    at: datetime
    by: str
    what: str
    document: str
    """The protocol or order it rests on; empty if none was given."""
    detail: Mapping[str, object]
    state: str
    """Empty if it is not known: the change is from before there were states."""
    digest: str


class Fault(StrEnum):
    """What can be wrong with the trail."""

    NUMBER = "number"
    """A row is missing, doubled or moved."""
    DIGEST = "digest"
    """A row was changed, or one before it."""
    HEAD = "head"
    """The row that was written down elsewhere is not there."""
    STATE = "state"
    """The policy is not what the changes left."""
    STRANGER = "stranger"
    """Something in policy.db could change it unseen."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The first thing that is wrong."""

    fault: Fault
    number: int
    """The row; for Fault.STATE and Fault.STRANGER the last one."""
    detail: str = ""
    """For Fault.STRANGER: its name."""


class StrangeTrigger(StorageError):  # noqa: N818 - reads as what it is
    """Policy.db holds a trigger or view that could change it unseen: nothing is changed while it is there."""


def describe(finding: Finding) -> str:
    """Say in words what is wrong with the trail, and what to do next."""
    return _words(finding.fault).format(number=finding.number, detail=finding.detail)


def _words(fault: Fault) -> str:
    match fault:
        case Fault.NUMBER:
            return _(
                "Expected change {number} in the audit trail, found another in its place or none: rows were removed or "
                "moved. Put back the last good backup of policy.db, and keep the present file for whoever looks into "
                "this."
            )
        case Fault.DIGEST:
            return _(
                "Change {number} of the audit trail is not what it was when it was written. Put back the last good "
                "backup of policy.db, and keep the present file for whoever looks into this."
            )
        case Fault.HEAD:
            return _(
                "Expected change {number} with the digest that was written down, found another or none: the end of "
                "the audit trail was cut off, or policy.db was put back to an earlier state or written anew. Put back "
                "the last good backup of policy.db, and keep the present file for whoever looks into this."
            )
        case Fault.STATE:
            return _(
                "Policy.db holds something else than the {number} changes of the audit trail left: it was changed "
                "without the program, or the end of the trail was cut off. Compare `schoolfilter policy show` with the "
                "documents. Put back the last good backup of policy.db, and keep the present file for whoever looks "
                "into this."
            )
        case Fault.STRANGER:
            return _(
                "Policy.db holds {detail}, a trigger or view that this program did not make: it could change the "
                "policy unseen. Put back the last good backup of policy.db, and keep the present file for whoever "
                "looks into this."
            )


@asynccontextmanager
async def noted(
    connection: aiosqlite.Connection,
    now: str,
    by: str,
    what: str,
    detail: Mapping[str, object],
    document: str = "",
    *,
    anew: bool = False,
    mends: bool = False,
) -> AsyncIterator[None]:
    """Hold a transaction: what changes inside becomes one row of the trail, all of it or nothing.

    `detail` is written down at the end: what was before may be put into it meanwhile. `anew`: a person answers for what
    somebody changed past the trail: the state is counted from the tables, and the row says whether it had to be.
    `mends`: it puts back what the trail speaks of; whatever else was changed past the trail goes on missing in it.
    Raises StrangeTrigger.
    """
    tally = await watch(connection)
    async with transaction(connection):
        if name := await stranger(connection):
            raise StrangeTrigger(describe(Finding(Fault.STRANGER, (await head(connection)).number, name)))
        before = str(await value(connection, "SELECT state FROM audit ORDER BY number DESC LIMIT 1") or "")
        sound = before == await count(connection) if anew or mends else True
        took_over = {TOOK_OVER: not sound} if anew else {}
        yield
        if anew:
            state = await count(connection)
        else:
            state = before if mends and not sound else tally.carried_on(before)
        await append(connection, now, by, what, {**detail, **took_over}, document, state=state)


async def append(
    connection: aiosqlite.Connection,
    now: str,
    by: str,
    what: str,
    detail: Mapping[str, object],
    document: str = "",
    *,
    state: str,
) -> None:
    """Count the version up and write down what happened, in a transaction that the caller holds.

    For what no `noted` can hold: the first row, and migrations. `state` is that of all rows there are then
    (storage/tally.py), also after a migration that changes tables.
    """
    number, before = await head(connection)
    number += 1
    await connection.execute("UPDATE meta SET value = ? WHERE key = 'version'", (number,))
    # What is no UTF-8, because somebody else wrote it, is kept as an escape of JSON.
    text = json.dumps(detail, ensure_ascii=False, sort_keys=True).encode(errors="backslashreplace").decode()
    digest = _digest(before, number, now, by, what, document, text, state)
    await connection.execute(
        "INSERT INTO audit (number, at, by, what, document, detail, state, digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (number, now, by, what, document, text, state, digest),
    )


async def head(connection: aiosqlite.Connection) -> Head:
    """Return number and digest of the last row; 0 and GENESIS if there is none."""
    async with connection.execute("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1") as cursor:
        row = await cursor.fetchone()
    return Head(0, GENESIS) if row is None else Head(*row)


async def read(connection: aiosqlite.Connection, *, since: str = "", until: str = "9999") -> AsyncIterator[Change]:
    """Yield the changes between two stamps of time, oldest first. Raises ValueError for what nobody here wrote."""
    query = """
        SELECT number, at, by, what, document, detail, state, digest FROM audit
        WHERE at >= ? AND at <= ? ORDER BY number
    """
    async with connection.execute(query, (since, until)) as cursor:
        async for number, at, by, what, document, detail, state, digest in cursor:
            said = json.loads(detail)
            if not isinstance(said, dict):
                raise ValueError(f"expected an object in change {number}, found {detail[:80]!r}")  # noqa: TRY004 - stored
            yield Change(number, datetime.fromisoformat(at), by, what, document, said, state, digest)


async def verify(connection: aiosqlite.Connection, written: Head | None = None) -> Finding | None:
    """Return the first broken link, else what else is wrong; None if all is well.

    `written`: a row that stands elsewhere, such as on paper, and must be there.
    """
    before, expected, state, held = GENESIS, 1, "", written is None
    query = "SELECT number, at, by, what, document, detail, state, digest FROM audit ORDER BY number"
    async with connection.execute(query) as cursor:
        async for row in cursor:
            if row[0] != expected:
                return Finding(Fault.NUMBER, expected)
            if row[7] != _digest(before, *row[:7]):
                return Finding(Fault.DIGEST, expected)
            before, state = row[7], row[6]
            held = held or (written is not None and row[0] == written.number and before.startswith(written.digest))
            expected += 1
    if await value(connection, "SELECT value FROM meta WHERE key = 'version'") != expected - 1:
        return Finding(Fault.NUMBER, expected)
    if written is not None and not held:
        return Finding(Fault.HEAD, written.number)
    if name := await stranger(connection):
        return Finding(Fault.STRANGER, expected - 1, name)
    if state != await count(connection):
        return Finding(Fault.STATE, expected - 1)
    return None


def _digest(*parts: object) -> str:
    line = json.dumps(parts, ensure_ascii=False, separators=(",", ":")) + "\n"
    return sha256(line.encode(errors="surrogateescape")).hexdigest()
