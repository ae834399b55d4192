"""journal.db looked at by whoever verifies it: in one state, while the tailer goes on writing."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import cache
from pathlib import Path

from storage.database import NOTES, database, transaction, value
from storage.errors import of_the_journal
from storage.evidence import Stored, seal_of
from storage.journal_db import GUARDS, JournalDb
from storage.journal_schema import MIGRATIONS

_BATCH = 2000
_BY_SQLITE = frozenset(
    ("table", name, f"CREATE TABLE {name}({columns})")
    for name, columns in (("sqlite_stat1", "tbl,idx,stat"), ("sqlite_stat4", "tbl,idx,neq,nlt,ndlt,sample"))
)
"""What `ANALYZE` and `PRAGMA optimize` leave, by which programs work with a database file."""


class CheckedJournal(JournalDb):
    """A journal.db that is read only."""

    async def batches(self) -> AsyncIterator[list[Stored]]:
        """Yield all records, some thousands at a time: a million of them is read in seconds."""
        query = "SELECT number, at, kind, by, body, seal, link FROM chain WHERE number > 0 ORDER BY number"
        async with self._connection.execute(query) as cursor:
            while rows := await cursor.fetchmany(_BATCH):
                yield list(map(Stored._make, rows))

    async def broken_seals(self) -> list[int]:
        """Return the numbers of the records whose private part is not what was sealed."""
        query = "SELECT sealed.number, salt, sealed.body, seal FROM sealed LEFT JOIN chain USING (number) ORDER BY 1"
        found: list[int] = []
        async with self._connection.execute(query) as cursor:
            while rows := await cursor.fetchmany(_BATCH):
                found += [number for number, salt, body, seal in rows if seal != seal_of(salt, body)]
        return found

    async def corruption(self) -> str:
        """Return what SQLite finds wrong with the file, indices among it; empty if all is well."""
        found = str(await value(self._connection, "PRAGMA integrity_check(1)"))
        return "" if found == "ok" else found

    async def stranger(self) -> str:
        """Return the name of a table, index, trigger or view that nobody here made; empty if there is none.

        What a trigger does happens in our own transactions, so that it would pass for a change of ours.
        """
        # Of its own SQLite makes indices without a statement, and some tables: a name alone says nothing, for whoever
        # writes to this table itself may choose it, and SQLite goes by the statement.
        query = """
            SELECT type, name, sql FROM sqlite_master
            WHERE NOT (type = 'index' AND sql IS NULL AND name LIKE 'sqlite~_autoindex~_%' ESCAPE '~') ORDER BY name
        """
        known = _made_by_us(query) | _BY_SQLITE
        async with self._connection.execute(query) as cursor:
            async for row in cursor:
                if tuple(row) not in known:
                    return str(row[1])
        return ""

    async def stray(self) -> int | None:
        """Return the number of a record that nobody comes across who begins with the first; None: there is none."""
        found = await value(self._connection, "SELECT min(number) FROM chain WHERE number < 1")
        return found if isinstance(found, int) else None

    async def unsealed(self) -> list[int]:
        """Return the numbers of records that had a private part and no longer have one."""
        query = (
            "SELECT number FROM chain LEFT JOIN sealed USING (number) WHERE seal != '' AND salt IS NULL ORDER BY number"
        )
        async with self._connection.execute(query) as cursor:
            return [number async for (number,) in cursor]


@asynccontextmanager
async def open_for_checking(path: Path) -> AsyncIterator[CheckedJournal]:
    """Open journal.db as it stands now, for as long as the block lasts. Raises StorageError."""
    with of_the_journal(path):
        async with database(path, MIGRATIONS) as connection, transaction(connection, write=False):
            yield CheckedJournal(connection)


@cache
def _made_by_us(query: str) -> frozenset[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:")) as memory:
        for migration in MIGRATIONS:
            for statement in migration.statements:
                memory.execute(statement)
        for statement in (NOTES, *GUARDS):
            memory.execute(statement)
        return frozenset(memory.execute(query))
