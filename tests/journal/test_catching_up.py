"""Waiting for the journal: figures on paper do not lack what was asked before the command began."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal.intake.catching_up import catch_up
from journal.intake.state import JournalState, write_state
from journal.opening import opened_journal
from resolver.querylog import HEADER_LINE
from settings.model import Settings
from storage.journal_db import JournalDb, Position, StoredSegment
from tests.journal.tailing import Worker, installation, line

LATER = datetime(9999, 1, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


def asked(settings: Settings, ago: float = 40) -> Path:
    """Write a segment with one line; return its path."""
    worker = Worker(settings.paths.query_log)
    worker.roll(datetime.now(UTC))
    worker.write(line(datetime.now(UTC) - timedelta(seconds=ago)))
    return worker.path


def runs(settings: Settings) -> None:
    """Let it look as if this process kept the journal."""
    write_state(settings, JournalState(os.getpid(), datetime.now(UTC).isoformat()))


async def take(journal: JournalDb, path: Path, octets: int) -> None:
    async with journal.changing(datetime.now(UTC)) as change:
        await change.put_position(path.name, Position(octets, 1, 0, "", "", ""))


async def test_an_empty_log_and_one_with_headers_only_are_taken(settings: Settings) -> None:
    runs(settings)
    async with opened_journal(settings) as journal:
        assert await catch_up(settings, journal, LATER) == 0
        Worker(settings.paths.query_log).roll(datetime.now(UTC))
        assert await catch_up(settings, journal, LATER) == 0


async def test_without_a_journal_that_is_kept_nothing_is_waited_for_and_the_lag_is_told(settings: Settings) -> None:
    asked(settings)
    async with opened_journal(settings) as journal:
        assert 40 <= await catch_up(settings, journal, LATER, patience=3600) < 100


async def test_it_waits_no_longer_than_its_patience(settings: Settings) -> None:
    runs(settings)
    path = asked(settings)
    async with opened_journal(settings) as journal:
        await take(journal, path, len(HEADER_LINE))
        assert await catch_up(settings, journal, LATER, patience=0.0) >= 40


async def test_it_goes_on_when_the_line_is_taken_also_if_the_segment_is_closed_by_then(settings: Settings) -> None:
    runs(settings)
    path = asked(settings)
    with path.open("ab") as file:
        file.write(b"half a line")
    size = path.stat().st_size - len(b"half a line")
    async with opened_journal(settings) as journal:
        await take(journal, path, len(HEADER_LINE))
        waiting = asyncio.create_task(catch_up(settings, journal, LATER, patience=3600))
        await asyncio.sleep(0)
        assert not waiting.done()
        await take(journal, path, size)
        async with asyncio.timeout(60):
            assert await waiting == 0
        async with journal.changing(datetime.now(UTC)) as change:
            await change.close_segment(StoredSegment(path.name, 1, size, 1, "", "", 0))
        assert await catch_up(settings, journal, LATER) == 0


async def test_lines_after_the_period_are_not_waited_for(settings: Settings) -> None:
    runs(settings)
    asked(settings)
    async with opened_journal(settings) as journal:
        assert await catch_up(settings, journal, datetime.now(UTC) - timedelta(hours=1), patience=3600) == 0
