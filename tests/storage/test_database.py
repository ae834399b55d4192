"""A process may be told to stop while a file is being opened: no thread outlives the event loop it reports to."""

import asyncio
import sqlite3
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path

import pytest

from storage.database import Migration, database

_SCHEMA = (Migration("first", ("CREATE TABLE facts (id INTEGER PRIMARY KEY) STRICT",)),)
_SLOW_DISK_SECONDS = 0.2


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.ExceptHookArgs]]:
    """What threads ended with, once all of them have ended."""
    heard: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", heard.append)
    yield heard
    for thread in threading.enumerate():
        if "connection_worker" in thread.name:
            thread.join()
    assert heard == []


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_while_the_file_is_opened_leaves_no_thread_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """The disk is slow, the task is cancelled, and the loop ends at once."""
    reached = threading.Event()
    connect = sqlite3.connect

    def slow(*arguments: object, **named: object) -> sqlite3.Connection:
        reached.set()
        threading.Event().wait(_SLOW_DISK_SECONDS)
        return connect(*arguments, **named)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(sqlite3, "connect", slow)

    async def work() -> None:
        async with database(tmp_path / "facts.db", _SCHEMA, create=True):
            pytest.fail("it was cancelled before")

    asyncio.run(_stopped(work(), reached, times))


@pytest.mark.usefixtures("complaints")
@pytest.mark.parametrize("times", [1, 2])
def test_a_stop_while_a_statement_runs_leaves_no_thread_behind(tmp_path: Path, times: int) -> None:
    """Cancelled once it closes the file in peace; cancelled again while it does so, nothing is lost either."""
    path = tmp_path / "facts.db"
    reached = threading.Event()

    def slowly() -> int:
        reached.set()
        threading.Event().wait(_SLOW_DISK_SECONDS)
        return 1

    async def work() -> None:
        async with database(path, _SCHEMA, create=True) as connection:
            await connection.create_function("slowly", 0, slowly)
            await connection.execute("SELECT slowly()")

    asyncio.run(_stopped(work(), reached, times))

    async def read() -> int:
        async with database(path, _SCHEMA) as connection, connection.execute("SELECT count(*) FROM facts") as cursor:
            row = await cursor.fetchone()
            assert row is not None
            return int(row[0])

    assert asyncio.run(read()) == 0


async def _stopped(work: Coroutine[None, None, None], reached: threading.Event, times: int) -> None:
    task = asyncio.get_running_loop().create_task(work)
    await asyncio.to_thread(reached.wait)
    for _each in range(times):
        task.cancel()
        await asyncio.sleep(0)
