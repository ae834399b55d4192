"""An erasure that has to wait is carried out when the wait is over without anybody doing anything, by one round."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from journal.archiving.erasure import Erasure, ask_for_erasure, erasures
from journal.archiving.waiting import For, Wait, wait_of
from journal.intake.tailer import Commands, Tailer
from journal.intake.taking import Pace
from journal.opening import opened_journal
from settings.model import Settings
from tests.journal.log_folder import ZONE
from tests.journal.tailing import Clock, Worker, at, incidents, installation, line

MORNING = at("2026-09-02T07:20:00")
BLOCK = "block\tlocked\tterrorism\tours"
ROUND = """
import asyncio, sys
from datetime import datetime
from pathlib import Path
state, clock, runs, works = sys.argv[1:]
if works == "yes":
    from journal.archiving.archive import archive_round
    from settings.model import Paths, School, Settings
    settings = Settings(school=School(name="School 7", time_zone="Asia/Almaty"), paths=Paths(Path(state)))
    asyncio.run(archive_round(settings, datetime.fromisoformat(Path(clock).read_text())))
open(runs, "a").write("x")
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", MORNING + timedelta(minutes=5))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.intake.tailer.MINUTE", 0.02)
    monkeypatch.setattr("journal.intake.rounds.HEAD_START", 0.0)


@asynccontextmanager
async def running(settings: Settings, clock: Clock, tmp_path: Path, works: str = "yes") -> AsyncIterator[None]:
    paths = (settings.paths.state, tmp_path / "clock", tmp_path / "runs", works)
    nightly = [sys.executable, "-c", ROUND, *map(str, paths)]
    tailer = Tailer(
        settings, clock=clock, commands=Commands(nightly=nightly), glance=0.002, pace=Pace(list_seconds=0.01)
    )
    task = asyncio.create_task(tailer.run())
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        tailer.stop()
        await task


def runs(tmp_path: Path) -> int:
    file = tmp_path / "runs"
    return len(file.read_text()) if file.exists() else 0


async def until_runs(tmp_path: Path, count: int) -> None:
    while runs(tmp_path) < count:
        await asyncio.sleep(0.02)


async def ask(settings: Settings, clock: Clock) -> None:
    async with opened_journal(settings) as journal:
        await ask_for_erasure(
            journal, clients=["10.1.0.5"], devices=[], first=MORNING.date(), last=MORNING.date(), why="-",
            document="order 12 of 2026-09-02", at=clock(), by="deputy",
        )  # fmt: skip


async def asked(settings: Settings, clock: Clock) -> tuple[Erasure, Wait]:
    async with opened_journal(settings) as journal:
        (erasure,) = await erasures(journal)
        return erasure, await wait_of(journal, settings, erasure, clock().astimezone(ZONE))


async def test_it_waits_for_the_hour_then_for_the_incident_and_is_then_carried_out(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING + timedelta(minutes=1), "www.bad.example", BLOCK))
    async with running(settings, clock, tmp_path):
        await until_runs(tmp_path, 1)  # that of the day, before it was asked for
        while not await incidents(settings):
            await asyncio.sleep(0.02)
        await ask(settings, clock)
        assert (await asked(settings, clock))[1] == Wait(For.INCIDENT, MORNING + timedelta(minutes=46))
        assert (await asked(settings, clock))[0].open_until(clock().astimezone(ZONE)) == at("2026-09-02T08:00:00")
        clock.set(at("2026-09-02T08:01:00"))
        worker.roll(clock())
        worker.write(line(clock(), client="10.1.0.9"))
        await asyncio.sleep(0.3)
        assert runs(tmp_path) == 1
        clock.set(at("2026-09-02T08:06:30"))
        while (await asked(settings, clock))[0].done is None:
            await asyncio.sleep(0.02)
        await until_runs(tmp_path, 2)
    (incident,) = await incidents(settings)
    assert (incident.client, incident.asked) == ("", ())


async def test_the_hour_alone_is_said_if_no_incident_may_come(settings: Settings, clock: Clock, tmp_path: Path) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING + timedelta(minutes=1)))
    async with running(settings, clock, tmp_path):
        await until_runs(tmp_path, 1)
        await ask(settings, clock)
        assert (await asked(settings, clock))[1] == Wait(For.SEGMENTS, at("2026-09-02T08:00:00"))
        clock.set(at("2026-09-02T08:00:03"))  # nobody has begun another segment yet
        assert (await asked(settings, clock))[1] == Wait(For.INTAKE)
        await asyncio.sleep(0.2)
        assert runs(tmp_path) == 1
        worker.roll(at("2026-09-02T08:00:00"))
        clock.set(at("2026-09-02T08:00:30"))
        while (await asked(settings, clock))[0].done is None:
            await asyncio.sleep(0.02)


async def test_what_is_held_up_by_something_else_is_not_tried_again_and_again(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    segment = Worker(settings.paths.query_log).roll(MORNING)
    async with running(settings, clock, tmp_path, works="no"):
        await until_runs(tmp_path, 1)
        clock.set(at("2026-09-02T09:00:00"))
        await ask(settings, Clock(tmp_path / "earlier", at("2026-09-02T07:10:00")))
        segment.unlink()
        await until_runs(tmp_path, 2)
        await asyncio.sleep(1.0)
        assert runs(tmp_path) == 2
        clock.set(at("2026-09-03T01:00:00"))
        await until_runs(tmp_path, 3)
