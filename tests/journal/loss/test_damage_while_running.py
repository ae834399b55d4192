"""A journal.db that goes bad while it is kept is found and replaced, though who only adds reads no old pages."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from journal.intake.rounds import Nightly, Signer
from journal.intake.tailer import Commands, Tailer
from journal.intake.taking import Taking
from journal.opening import opened_journal
from journal.recovering import begin_again
from journal.trust.alarms import Alarm
from settings.model import Settings
from storage.errors import DamagedDatabase, UnreachableDatabase
from storage.evidence import Kind, text
from tests.journal.loss.conftest import MORNING
from tests.journal.tailing import ZONE, Clock, Worker, counts, line, state

OPENS = """
import asyncio, sys
from pathlib import Path
from journal.opening import opened_journal
from settings.model import Paths, Settings
async def main():
    async with opened_journal(Settings(paths=Paths(Path(sys.argv[1])))): pass
asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.intake.rounds.HEAD_START", 0.0)


@asynccontextmanager
async def running(settings: Settings, clock: Clock, commands: Commands | None = None) -> AsyncIterator[Tailer]:
    """Let a tailer run, from when it has taken in what is there."""
    tailer = Tailer(settings, clock=clock, commands=commands, glance=0.002)
    task = asyncio.create_task(tailer.run())
    try:
        async with asyncio.timeout(60):
            while not tailer.idle:
                await asyncio.sleep(0.002)
            yield tailer
    finally:
        tailer.stop()
        await task


async def filled(settings: Settings) -> Worker:
    """Begin a journal with pages that nobody reads again, and a query log."""
    async with opened_journal(settings) as journal, journal.changing(MORNING) as change:
        for number in range(200):
            await change.add(Kind.REVIEW, {"incident": number}, private={"text": "d" * 300})
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING) * 3)
    return worker


async def spoil(settings: Settings) -> None:
    """Write bad octets over a page of journal.db that the tailer does not read again."""
    path = settings.paths.journal_db
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
        (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'sealed'").fetchone()
    # Another process: who closes the file in this one takes the locks from all connections that it has.
    command = ["dd", f"of={path}", f"bs={size}", f"seek={root - 1}", "count=1", "conv=notrunc", "status=none"]
    await asyncio.to_thread(subprocess.run, command, input=b"\xff" * size, check=True)


async def alarms_after(settings: Settings) -> list[str]:
    """Wait until the damaged file is kept aside; return the alarms of the one in its place."""
    while not list(settings.paths.state.glob("journal.db.damaged-*")):
        await asyncio.sleep(0.01)
    while True:
        try:
            async with opened_journal(settings) as journal:
                return [text(record.body, "what") async for record in journal.records((Kind.ALARM,))]
        except (DamagedDatabase, UnreachableDatabase):  # it is being replaced just now
            await asyncio.sleep(0.01)


async def test_it_is_found_by_itself_within_an_hour(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.intake.tailer.CHECK_SECONDS", 0.3)
    worker = await filled(settings)
    async with running(settings, clock):
        await spoil(settings)
        worker.write(line(MORNING + timedelta(minutes=1)))
        assert await alarms_after(settings) == [Alarm.DAMAGED]
        while sum((await counts(settings)).values()) != 4:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("which", ["sign", "nightly"])
async def test_it_is_found_when_a_child_fails(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    for name, seconds in (("tailer.DOUBT_SECONDS", 0.05), ("tailer.MINUTE", 0.05), ("rounds.AGAIN", 0.05)):
        monkeypatch.setattr(f"journal.intake.{name}", seconds)
    command = [sys.executable, "-c", OPENS, str(settings.paths.state)]
    await filled(settings)
    async with running(settings, clock, Commands(**{which: command})):
        await spoil(settings)
        clock.set(clock() + timedelta(days=1))  # a round is due
        assert await alarms_after(settings) == [Alarm.DAMAGED]


async def test_it_is_found_by_whoever_tells_people(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TELL_SECONDS", "DOUBT_SECONDS"):
        monkeypatch.setattr(f"journal.intake.tailer.{name}", 0.05)

    async def tell(*_arguments: object, **_named: object) -> None:
        async with opened_journal(settings):
            pass

    monkeypatch.setattr("journal.intake.tailer.tell_due", tell)
    await filled(settings)
    async with running(settings, clock):
        await spoil(settings)
        assert await alarms_after(settings) == [Alarm.DAMAGED]


async def test_a_child_that_fails_for_another_reason_keeps_nobody_busy(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pause, begin = 0.3, Taking.begin
    begins: list[float] = []
    monkeypatch.setattr("journal.intake.tailer.DOUBT_SECONDS", pause)
    monkeypatch.setattr("journal.intake.tailer.MINUTE", 0.01)

    async def noted(*arguments: object) -> Taking:
        begins.append(asyncio.get_running_loop().time())
        return await begin(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("journal.intake.taking.Taking.begin", noted)
    worker = await filled(settings)
    async with running(settings, clock, Commands(sign=[sys.executable, "-c", "raise SystemExit(1)"])):
        while len(begins) < 4:
            await asyncio.sleep(0.01)
        worker.write(line(MORNING + timedelta(minutes=1)))
        while sum((await counts(settings)).values()) != 4:
            await asyncio.sleep(0.01)
    assert min(later - earlier for earlier, later in pairwise(begins)) >= pause
    assert not list(settings.paths.state.glob("journal.db.damaged-*"))
    assert state(settings).lines == 4, "what was taken before is counted too"


async def test_what_others_write_meanwhile_is_not_lost(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is opened anew, and it is the same one: its log is in use."""
    monkeypatch.setattr("journal.intake.tailer.CHECK_SECONDS", 0.05)
    begin = Taking.begin
    begins: list[None] = []

    async def noted(*arguments: object) -> Taking:
        begins.append(None)
        return await begin(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("journal.intake.taking.Taking.begin", noted)
    await filled(settings)
    async with running(settings, clock), opened_journal(settings) as journal:
        for number in range(3):
            seen = len(begins)
            async with journal.changing(clock()) as change:
                await change.add(Kind.ACCESS, {"what": f"{number}"}, by="aigul")
            while len(begins) < seen + 2:
                await asyncio.sleep(0.01)
    async with opened_journal(settings) as journal:
        assert [text(each.body, "what") async for each in journal.records((Kind.ACCESS,))] == ["0", "1", "2"]


async def test_a_round_that_runs_ends_before_the_file_is_replaced_and_another_is_due(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It has the old file open: what it writes there would be lost."""
    file = tmp_path / "pids"
    program = f"import os, time; open({str(file)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(600)"
    ran: list[bool] = []

    def pids() -> list[str]:
        return file.read_text().splitlines() if file.exists() else []

    def runs(pid: str) -> bool:
        return Path(f"/proc/{pid}").exists()

    async def noted(*arguments: object) -> str:
        ran.append(runs(pids()[0]))
        return await begin_again(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("journal.intake.tailer.begin_again", noted)
    monkeypatch.setattr("journal.intake.tailer.CHECK_SECONDS", 0.3)
    await filled(settings)
    async with running(settings, clock, Commands(nightly=[sys.executable, "-c", program])):
        while not pids():
            await asyncio.sleep(0.01)
        await spoil(settings)
        assert await alarms_after(settings) == [Alarm.DAMAGED]
        while len(pids()) < 2:
            await asyncio.sleep(0.01)
    assert ran == [False]


@pytest.mark.parametrize("code", [0, 1])
async def test_after_damage_another_round_is_due_at_once(tmp_path: Path, code: int) -> None:
    """Whether one ran, had failed or was done."""
    file = tmp_path / "runs"
    program = f"import sys, time; open({str(file)!r}, 'a').write('x'); sys.exit({code})"
    nightly = Nightly([sys.executable, "-c", program], ZoneInfo(ZONE), asyncio.get_running_loop().time())
    for rounds in (1, 2):
        nightly.look(MORNING)
        assert nightly._task is not None
        await nightly._task
        await nightly.again()
        assert file.read_text() == "x" * rounds
    nightly.look(MORNING)
    first = nightly._task
    await nightly.again()
    nightly.look(MORNING)
    assert nightly._task not in (first, None)
    await nightly.stop()


async def test_a_signature_that_is_under_way_is_ended_and_due_again(settings: Settings, clock: Clock) -> None:
    signer = Signer([sys.executable, "-c", "import time; time.sleep(600)"], settings)
    async with opened_journal(settings) as journal:
        await signer.look(journal, clock())
        first = signer._task
        assert first is not None
        await signer.again()
        assert first.cancelled()
        await signer.look(journal, clock())
        assert signer._task not in (first, None)
        await signer.again()
