"""The one place where SQLite files are opened, checked, migrated and written in transactions.

No connection outlives the operation it was opened for. The last one to close folds the write-ahead log into the file,
so that at rest the file alone is the database: a person may copy it, put back a copy or replace it under a running
server, and no leftover log of the old file is ever applied to the new one.
"""

import asyncio
import errno
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiosqlite

from blocklists.disk import DISK
from storage.errors import NewerDatabase, damaged, translated
from translations import _

BUSY_MILLISECONDS = 5000
"""How long a writer waits for another one; ours hold the lock for milliseconds."""
_TURN_MILLISECONDS = 20

NOTES = """
CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema. Its number is its place in the tuple, so a released one never changes or moves."""

    name: str
    statements: tuple[str, ...]
    work: Callable[[aiosqlite.Connection], Awaitable[None]] | None = None
    """What SQL cannot do, after the statements and in the same transaction."""


@asynccontextmanager
async def database(
    path: Path, migrations: Sequence[Migration], *, create: bool = False
) -> AsyncIterator[aiosqlite.Connection]:
    """Open the file, check it, bring its schema up to date, and close it at the end.

    Raises a StorageError: the file is missing or empty (unless `create`), damaged, newer than this program, busy or
    unreachable; and so for every error of SQLite inside.
    """
    with translated(path):
        _claim(path, create=create)
        async with _opened(path) as connection:
            await connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
            await _check(connection, path)
            if not create and await value(connection, "PRAGMA user_version") == 0:
                raise damaged(path, _("an empty file"))
            await _log_ahead(connection)
            await connection.execute("PRAGMA synchronous = FULL")
            await connection.execute("PRAGMA foreign_keys = ON")
            # What is erased on an order must not stay in free pages. Some builds of SQLite do so by themselves.
            await connection.execute("PRAGMA secure_delete = ON")
            await _migrate(connection, path, migrations)
            yield connection


@asynccontextmanager
async def frozen(path: Path, migrations: Sequence[Migration]) -> AsyncIterator[aiosqlite.Connection]:
    """Open a file that is only ever replaced as a whole, and write nothing: the disk may be full.

    A look at any other file has to write as well: what readers share of the write-ahead log. Raises a StorageError: the
    file is missing, damaged, or its schema is not that of this program.
    """
    with translated(path):
        async with _opened(_immutable(path)) as connection:
            await _check(connection, path)
            found = await value(connection, "PRAGMA user_version")
            if found != len(migrations):
                raise damaged(path, f"schema {found}")
            yield connection


@asynccontextmanager
async def _opened(file: Path | str) -> AsyncIterator[aiosqlite.Connection]:
    """Open and close the file; whatever happens, the event loop does not end before the connection's thread has.

    Cancelled in between, aiosqlite 0.22 tells its thread to stop but does not wait: it would then report to a loop
    that is closed, and the process of a server told to stop would end with a traceback.
    """
    # isolation_level None: transactions begin and end where we say, never by the driver's guess.
    connection = aiosqlite.connect(file, isolation_level=None, uri=isinstance(file, str))
    try:
        async with connection:
            # What is no UTF-8 must reach whoever judges it: policy/ledger.py then names the order.
            connection.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
            yield connection
    except BaseException:
        # No task, which whoever ends the loop would cancel again: it waits for its executor instead.
        asyncio.get_running_loop().run_in_executor(None, connection._thread.join)
        raise


def _immutable(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


def _claim(path: Path, *, create: bool) -> None:
    """Make the file if there is none, readable by nobody else; see that it can be written. Raises OSError.

    A file that is there is never opened: closing it would drop the locks of all connections that this process has to
    it (https://sqlite.org/howtocorrupt.html, section 2.2). Others would then take away the log from under them.
    """
    if create:
        with suppress(FileExistsError):
            # SQLite would make it readable by everyone; who may look up what is nobody else's business.
            os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_CREAT | os.O_EXCL, 0o600))
            return
    path.stat()
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


@asynccontextmanager
async def transaction(connection: aiosqlite.Connection, *, write: bool = True) -> AsyncIterator[None]:
    """Commit what happens inside as one, or nothing of it if it ends by an exception or a cancellation."""
    try:
        await connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        yield
        await connection.execute("COMMIT")
    except BaseException:
        # Whatever was cancelled still runs in the connection's thread; this is queued behind it, and does nothing if no
        # transaction has begun.
        await connection.rollback()
        raise


async def value(connection: aiosqlite.Connection, query: str, arguments: Sequence[object] = ()) -> object:
    """Return the first column of the first row, or None."""
    async with connection.execute(query, arguments) as cursor:
        row = await cursor.fetchone()
    return None if row is None else row[0]


async def _log_ahead(connection: aiosqlite.Connection) -> None:
    """Bring a new file into the mode with a write-ahead log; it stays in it.

    SQLite does not wait for others here, whatever the busy timeout: several who open a new file at once try again.
    """
    for patience in range(BUSY_MILLISECONDS // _TURN_MILLISECONDS, -1, -1):
        if await value(connection, "PRAGMA journal_mode") == "wal":
            return
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not busy or not patience:
                raise
            await asyncio.sleep(_TURN_MILLISECONDS / 1000)


async def _check(connection: aiosqlite.Connection, path: Path) -> None:
    found = await value(connection, "PRAGMA quick_check(1)")
    if found != "ok":
        raise damaged(path, str(found))


async def _migrate(connection: aiosqlite.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    if await value(connection, "PRAGMA user_version") == len(migrations):
        return
    async with transaction(connection):
        # Asked again under the lock: another process may have migrated while we waited for it.
        found = await value(connection, "PRAGMA user_version")
        done = found if isinstance(found, int) else 0
        if done > len(migrations):
            message = _(
                "{path}: expected schema {known} or older, found {found}: it was written by a newer schoolfilter. "
                "Install that version again, or put back a backup made by this one."
            )
            raise NewerDatabase(message.format(path=path, known=len(migrations), found=done))
        if done:
            copy_database(path, path.with_name(f"{path.name}.schema-{done}"))
        await connection.execute(NOTES)
        for number, migration in enumerate(migrations[done:], start=done + 1):
            for statement in migration.statements:
                await connection.execute(statement)
            if migration.work is not None:
                await migration.work(connection)
            note = (number, migration.name, datetime.now(UTC).isoformat(timespec="seconds"))
            await connection.execute("INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)", note)
        await connection.execute(f"PRAGMA user_version = {len(migrations)}")


def copy_database(path: Path, copy: Path) -> None:
    """Write what is committed to a file of its own; published whole or not at all. Raises OSError, sqlite3.Error."""
    aside = copy.with_name(f"{copy.name}.part")
    aside.unlink(missing_ok=True)
    os.close(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(aside)) as target:
        source.backup(target)
    DISK.sync(aside)
    DISK.move(aside, copy)
