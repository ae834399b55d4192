"""journal.db: the chain of evidence, and what the tailer goes on from (storage/journal_schema.py).

Who changes something does so in one `changing`: its records and all that follows from them are there together or not at
all. Several processes may write: each waits for the other.
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import aiosqlite

from storage.database import database, transaction, value
from storage.errors import of_the_journal
from storage.evidence import (
    PROGRAM,
    START,
    Body,
    Head,
    Kind,
    Record,
    Stored,
    body_of,
    canonical,
    digest_of,
    link_of,
    seal_of,
    stamp,
)
from storage.journal_schema import MIGRATIONS


class Tally(NamedTuple):
    """What queries are counted by."""

    room: str
    group: str
    action: str
    reason: str
    category: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far a segment has been taken in; the end of a line."""

    taken: int
    """Octets, the header among them."""
    lines: int
    """Without the header."""
    damaged: int
    """Lines among them that do not have the form of the log."""
    first: str
    """Time column of the first line; empty if there is none yet."""
    last: str
    digest: str
    """SHA-256 of the octets taken."""
    days: tuple[str, ...] = ()
    """The days (YYYY-MM-DD) of all lines, in order: a clock that is put right takes a segment from one to another."""


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment that is closed and taken in whole."""

    name: str
    record: int
    """Its Kind.SEGMENT record."""
    bytes: int
    lines: int
    digest: str
    archive: str
    """The file that holds it, inside the archive's folder; empty: not archived yet."""
    removed: int
    """1: the segment itself is gone from the query log's folder; else 0."""


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """What a file of the archive has to be now."""

    file: str
    """Inside the archive's folder: `date=2026-09-02/0001.parquet`."""
    day: str
    rows: int
    bytes: int
    digest: str
    record: int
    """The record that says so: Kind.ARCHIVE or Kind.REWRITTEN."""


class SignedHead(NamedTuple):
    """A head with the device's signature over it."""

    number: int
    link: str
    at: str
    key: str
    """The public key as OpenSSH writes it."""
    signature: str


class Inspector(NamedTuple):
    """An account that may look and export, until a day."""

    name: str
    secret: str
    """Argon2id of the passphrase; empty: revoked."""
    until: str
    """Its last day."""
    record: int


@asynccontextmanager
async def open_journal(path: Path, *, create: bool = False) -> AsyncIterator["JournalDb"]:
    """Open journal.db for as long as the block lasts. Raises StorageError, also for any trouble of SQLite inside."""
    with of_the_journal(path):
        async with database(path, MIGRATIONS, create=create) as connection:
            for statement in GUARDS:
                await connection.execute(statement)
            yield JournalDb(connection)


# An accident with the sqlite3 program must not cost evidence; who means to change it is found by the chain.
GUARDS = (
    *(
        f"CREATE TRIGGER IF NOT EXISTS chain_{verb.lower()} BEFORE {verb} ON chain"
        " BEGIN SELECT RAISE(ABORT, 'chain: records are only ever added'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "CREATE TRIGGER IF NOT EXISTS chain_next BEFORE INSERT ON chain"
    " WHEN NEW.number IS NOT (SELECT ifnull(max(number), 0) + 1 FROM chain)"
    " BEGIN SELECT RAISE(ABORT, 'chain: records are only ever added, under the next number'); END",
)

_COLUMNS = "number, at, kind, by, body, seal, link"


class JournalDb:
    """An open journal.db."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    # reading

    async def head(self) -> Head:
        """Return where the chain stands; START if it is empty."""
        return await _head(self._connection)

    async def stored(self, *, after: int = 0, until: int | None = None) -> AsyncIterator[Stored]:
        """Yield the records behind a number, as they are kept, oldest first. For verifying and for proofs."""
        query = f"SELECT {_COLUMNS} FROM chain WHERE number > ? AND number <= ? ORDER BY number"  # noqa: S608 - a constant
        last = until if until is not None else (1 << 62)
        async with self._connection.execute(query, (after, last)) as cursor:
            async for row in cursor:
                yield Stored(*row)

    async def records(
        self,
        kinds: Sequence[Kind] = (),
        *,
        after: int = 0,
        since: datetime | None = None,
        until: datetime | None = None,
        private: bool = False,
    ) -> AsyncIterator[Record]:
        """Yield records of these kinds (all if none is named), oldest first, `since` <= at < `until`.

        What cannot be read is left out, so that one such record ends nobody's work: verifying names it. `private`: with
        what is personal, as far as it was not erased. Who asks for it says so in an access record.
        """
        named = ", ".join("?" * len(kinds))
        query = (
            f"SELECT {_COLUMNS}, sealed.body FROM chain LEFT JOIN sealed USING (number)"  # noqa: S608 - constants, question marks
            f" WHERE number > ? AND at >= ? AND at < ? {f'AND kind IN ({named})' if kinds else ''} ORDER BY number"
        ).replace("body, seal", "chain.body, seal")
        bounds = (after, stamp(since) if since else "", stamp(until) if until else "9999")
        async with self._connection.execute(query, (*bounds, *kinds)) as cursor:
            async for *columns, hidden in cursor:
                record = _read(Stored(*columns), hidden if private else None)
                if record is not None:
                    yield record

    async def record(self, number: int, *, private: bool = False) -> Record | None:
        """Return one record; None if there is none of that number, or it cannot be read."""
        query = (
            f"SELECT {_COLUMNS}, sealed.body FROM chain LEFT JOIN sealed USING (number) WHERE number = ?"  # noqa: S608 - a constant
        ).replace("body, seal", "chain.body, seal")
        async with self._connection.execute(query, (number,)) as cursor:
            row = await cursor.fetchone()
        if row is None:
            return None
        *columns, hidden = row
        return _read(Stored(*columns), hidden if private else None)

    async def heads(self) -> list[SignedHead]:
        """Return the signed heads, oldest first."""
        query = "SELECT number, link, at, key, signature FROM heads ORDER BY number"
        async with self._connection.execute(query) as cursor:
            return [SignedHead(*row) async for row in cursor]

    async def last_head(self) -> SignedHead | None:
        """Return the signed head that stands furthest; None if there is none."""
        query = "SELECT number, link, at, key, signature FROM heads ORDER BY number DESC LIMIT 1"
        async with self._connection.execute(query) as cursor:
            async for row in cursor:
                return SignedHead(*row)
        return None

    async def positions(self) -> dict[str, Position]:
        """Return how far each segment that is still followed has been taken in, by its name."""
        query = "SELECT segment, taken, lines, damaged, first, last, digest, days FROM positions"
        async with self._connection.execute(query) as cursor:
            found = {name: Position(*rest) async for name, *rest in cursor}
        return {name: replace(each, days=tuple(str(each.days).split())) for name, each in found.items()}

    async def segments(self) -> list[StoredSegment]:
        """Return the closed segments, oldest first."""
        query = "SELECT name, record, bytes, lines, digest, archive, removed FROM segments ORDER BY name"
        async with self._connection.execute(query) as cursor:
            return [StoredSegment(*row) async for row in cursor]

    async def segment(self, name: str) -> StoredSegment | None:
        """Return a closed segment; None if there is none of that name."""
        query = "SELECT name, record, bytes, lines, digest, archive, removed FROM segments WHERE name = ?"
        async with self._connection.execute(query, (name,)) as cursor:
            row = await cursor.fetchone()
        return None if row is None else StoredSegment(*row)

    async def archives(self) -> list[StoredArchive]:
        """Return the files of the archive, oldest first."""
        query = "SELECT file, day, rows, bytes, digest, record FROM archives ORDER BY file"
        async with self._connection.execute(query) as cursor:
            return [StoredArchive(*row) async for row in cursor]

    async def stored_files(self) -> tuple[set[str], list[StoredArchive]]:
        """Return what is archived or removed of the segments, and the files of the archive, as of one moment."""
        async with transaction(self._connection, write=False):
            segments = {each.name for each in await self.segments() if each.archive or each.removed}
            return segments, await self.archives()

    async def days_of_records(self, since: datetime, until: datetime) -> set[str]:
        """Return the days (UTC, YYYY-MM-DD) on which something was entered, `since` <= at < `until`."""
        query = "SELECT DISTINCT substr(at, 1, 10) FROM chain WHERE at >= ? AND at < ?"
        async with self._connection.execute(query, (stamp(since), stamp(until))) as cursor:
            return {day async for (day,) in cursor}

    async def counts(self, first: str = "", last: str = "9999") -> AsyncIterator[tuple[str, Tally, int]]:
        """Yield hour, tally and queries, `first` <= hour < `last`; hours as YYYY-MM-DDTHH, or what they begin with."""
        query = """
            SELECT hour, room, grp, action, reason, category, queries FROM counts JOIN tallies ON tally = id
            WHERE hour >= ? AND hour < ? ORDER BY hour
        """
        async with self._connection.execute(query, (first, last)) as cursor:
            async for hour, room, group, action, reason, category, queries in cursor:
                yield hour, Tally(room, group, action, reason, category), queries

    async def hours(self, action: str) -> AsyncIterator[tuple[str, int, int]]:
        """Yield each hour of which there are counts, with its queries and those of them with an action, oldest first.

        Many years of counts take seconds, and next to no memory: they are stored in this order.
        """
        query = """
            SELECT hour, sum(queries), sum(CASE action WHEN ? THEN queries ELSE 0 END)
            FROM counts CROSS JOIN tallies ON tally = id GROUP BY hour ORDER BY hour
        """
        async with self._connection.execute(query, (action,)) as cursor:
            async for hour, queries, acted in cursor:
                yield hour, queries, acted

    async def tallies(self) -> list[Tally]:
        """Return all that queries were ever counted by."""
        async with self._connection.execute("SELECT room, grp, action, reason, category FROM tallies") as cursor:
            return [Tally(*row) async for row in cursor]

    async def days(self) -> dict[str, int]:
        """Return how many queries were counted on each day."""
        query = "SELECT substr(hour, 1, 10), sum(queries) FROM counts GROUP BY 1"
        async with self._connection.execute(query) as cursor:
            return {day: queries async for day, queries in cursor}

    async def folds(self) -> dict[str, str]:
        """Return what the incident rules keep in mind of each client."""
        async with self._connection.execute("SELECT client, state FROM folds") as cursor:
            return {client: state async for client, state in cursor}

    async def inspectors(self) -> list[Inspector]:
        """Return the inspectors' accounts."""
        async with self._connection.execute(
            "SELECT name, secret, until, record FROM inspectors ORDER BY name"
        ) as cursor:
            return [Inspector(*row) async for row in cursor]

    # changing

    @asynccontextmanager
    async def changing(self, at: datetime) -> AsyncIterator["Change"]:
        """Hold a transaction that begins now. All of it or nothing."""
        async with transaction(self._connection):
            yield Change(self._connection, at, await _head(self._connection))

    async def fold(self) -> None:
        """Empty the write-ahead log: what was erased may still stand there. Not done if somebody reads just then."""
        await value(self._connection, "PRAGMA wal_checkpoint(TRUNCATE)")


class Change:
    """What is being added to the journal. Reads of the same JournalDb see it already."""

    def __init__(self, connection: aiosqlite.Connection, at: datetime, head: Head) -> None:
        self._connection = connection
        self._at = at
        self.head = head
        """Where the chain stands with what was added."""

    async def add(self, kind: Kind, body: Body, *, by: str = PROGRAM, private: Body | None = None) -> int:
        """Add a record; return its number. Raises ValueError for a body with fractions."""
        number, salt, hidden, seal = self.head.number + 1, "", "", ""
        if private is not None:
            salt, hidden = secrets.token_hex(16), canonical(private)
            seal = seal_of(salt, hidden)
            await self._execute("INSERT INTO sealed (number, salt, body) VALUES (?, ?, ?)", (number, salt, hidden))
        at, said = stamp(self._at), canonical(body)
        link = link_of(self.head.link, digest_of(number, at, kind, by, said, seal))
        await self._execute(
            f"INSERT INTO chain ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
            (number, at, kind, by, said, seal, link),
        )
        self.head = Head(number, link)
        return number

    async def unseal(self, numbers: Iterable[int]) -> None:
        """Erase the private parts of records for good. Who does it adds a record that says so."""
        await self._connection.executemany("DELETE FROM sealed WHERE number = ?", [(number,) for number in numbers])

    async def put_head(self, head: SignedHead) -> None:
        """Keep a signed head."""
        await self._execute(
            "INSERT OR REPLACE INTO heads (number, link, at, key, signature) VALUES (?, ?, ?, ?, ?)", tuple(head)
        )

    async def put_position(self, segment: str, position: Position) -> None:
        """Note how far a segment has been taken in."""
        await self._execute(
            "INSERT OR REPLACE INTO positions (segment, taken, lines, damaged, first, last, digest, days)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                segment, position.taken, position.lines, position.damaged, position.first, position.last,
                position.digest, " ".join(position.days),
            ),
        )  # fmt: skip

    async def close_segment(self, segment: StoredSegment) -> None:
        """Note that a segment is closed and taken in whole; its position is forgotten."""
        await self._execute("DELETE FROM positions WHERE segment = ?", (segment.name,))
        await self._execute(
            "INSERT INTO segments (name, record, bytes, lines, digest, archive, removed) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                segment.name, segment.record, segment.bytes, segment.lines, segment.digest, segment.archive,
                segment.removed,
            ),
        )  # fmt: skip

    async def archived(self, archive: StoredArchive, segments: Iterable[str]) -> None:
        """Note that a file of the archive holds these segments."""
        await self.put_archive(archive)
        await self._connection.executemany(
            "UPDATE segments SET archive = ? WHERE name = ?", [(archive.file, name) for name in segments]
        )

    async def put_archive(self, archive: StoredArchive) -> None:
        """Note what a file of the archive has to be from now on."""
        await self._execute(
            "INSERT OR REPLACE INTO archives (file, day, rows, bytes, digest, record) VALUES (?, ?, ?, ?, ?, ?)",
            (archive.file, archive.day, archive.rows, archive.bytes, archive.digest, archive.record),
        )

    async def drop_archive(self, file: str) -> None:
        """Note that a file of the archive is removed."""
        await self._execute("DELETE FROM archives WHERE file = ?", (file,))

    async def segments_removed(self, names: Iterable[str]) -> None:
        """Note that segments are gone from the query log's folder."""
        await self._connection.executemany(
            "UPDATE segments SET removed = 1 WHERE name = ?", [(name,) for name in names]
        )

    async def count(self, queries: Mapping[tuple[str, Tally], int]) -> None:
        """Add queries to the counts, by hour and tally."""
        await self._connection.executemany(
            "INSERT OR IGNORE INTO tallies (room, grp, action, reason, category) VALUES (?, ?, ?, ?, ?)",
            {tally for _hour, tally in queries},
        )
        await self._connection.executemany(
            """
            INSERT INTO counts (hour, tally, queries)
            SELECT ?, id, ? FROM tallies
            WHERE room = ? AND grp = ? AND action = ? AND reason = ? AND category = ?
            ON CONFLICT (hour, tally) DO UPDATE SET queries = queries + excluded.queries
            """,
            [(hour, number, *tally) for (hour, tally), number in queries.items()],
        )

    async def put_folds(self, folds: Mapping[str, str]) -> None:
        """Keep what the incident rules have in mind of clients; an empty text forgets one."""
        await self._connection.executemany(
            "INSERT OR REPLACE INTO folds (client, state) VALUES (?, ?)",
            [(client, state) for client, state in folds.items() if state],
        )
        await self._connection.executemany(
            "DELETE FROM folds WHERE client = ?", [(client,) for client, state in folds.items() if not state]
        )

    async def put_inspector(self, inspector: Inspector) -> None:
        """Keep an inspector's account, in the place of the one of that name."""
        await self._execute(
            "INSERT OR REPLACE INTO inspectors (name, secret, until, record) VALUES (?, ?, ?, ?)", tuple(inspector)
        )

    async def _execute(self, statement: str, values: Sequence[object]) -> None:
        await self._connection.execute(statement, values)


def _read(stored: Stored, hidden: str | None) -> Record | None:
    """Return what a record says; None if nobody here can have written it. A private part like that counts as none."""
    private: Body | None = None
    if hidden is not None:
        with suppress(ValueError):
            private = body_of(hidden)
    try:
        return stored.record(private)
    except ValueError:
        return None


async def _head(connection: aiosqlite.Connection) -> Head:
    number = await value(connection, "SELECT max(number) FROM chain")
    if not isinstance(number, int):
        return START
    return Head(number, str(await value(connection, "SELECT link FROM chain WHERE number = ?", (number,))))
