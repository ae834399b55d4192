"""The journal is kept whatever happens to its file, and what goes wrong is told."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from journal.incidents import Rule
from journal.intake.rounds import Nightly, Signer
from journal.intake.state import FILE, read_state
from journal.intake.tailer import Commands, Tailer
from journal.notifying.contacts import Role
from journal.opening import opened_journal
from journal.trust.alarms import Alarm
from settings.model import Notices, Settings
from storage.evidence import Kind
from tests.journal.incident_scene import add_contact, enter
from tests.journal.tailing import Clock, Worker, at, caught_up, counts, installation, kept, line, state

MORNING = at("2026-09-02T10:00:00")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", MORNING + timedelta(minutes=10))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.intake.tailer.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("journal.intake.tailer.STATE_SECONDS", 0.0)


def worker(settings: Settings, lines: int = 3) -> Worker:
    made = Worker(settings.paths.query_log)
    made.roll(MORNING)
    made.write(line(MORNING) * lines)
    return made


@pytest.mark.parametrize(
    "damage",
    [b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000],
    ids=["another file", "a damaged one"],
)
async def test_a_damaged_journal_is_moved_aside_and_begun_anew(settings: Settings, clock: Clock, damage: bytes) -> None:
    worker(settings)
    await caught_up(settings, clock)
    head = state(settings).head
    settings.paths.journal_db.write_bytes(damage)
    await caught_up(settings, clock)
    moved = settings.paths.state / "journal.db.damaged-20260902T051000"
    assert moved.read_bytes() == damage
    async with opened_journal(settings) as journal:
        kinds = [(record.kind, record.body) async for record in journal.records((Kind.BEGUN, Kind.ALARM))]
    assert [kind for kind, _body in kinds] == [Kind.BEGUN, Kind.ALARM]
    body = {"what": Alarm.DAMAGED, "moved": moved.name, "head": head, "kept": 0, "heads": 0}
    assert kinds[1][1] == body | {"numbers": 200, "until": "2026-09"}
    assert sum((await counts(settings)).values()) == 3, "what still lies there is taken in again"
    assert not state(settings).error


async def test_a_damaged_file_put_in_its_place_in_the_midst_of_work_is_moved_aside_too(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    made = worker(settings)
    async with kept(settings, clock) as tailer, asyncio.timeout(30):
        while not tailer.idle:
            await asyncio.sleep(0.01)
        (tmp_path / "bad").write_bytes(b"x" * 20_000)
        (tmp_path / "bad").replace(settings.paths.journal_db)
        made.write(line(MORNING + timedelta(seconds=1)))
        while not list(settings.paths.state.glob("journal.db.damaged-*")):
            await asyncio.sleep(0.01)
        while not (settings.paths.journal_db.exists() and sum((await counts(settings)).values()) == 4):
            await asyncio.sleep(0.02)


async def test_another_file_in_its_place_is_gone_on_with(settings: Settings, clock: Clock, tmp_path: Path) -> None:
    made = worker(settings)
    await caught_up(settings, clock)
    copy = tmp_path / "backup.db"
    with closing(sqlite3.connect(settings.paths.journal_db)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    async with kept(settings, clock) as tailer, asyncio.timeout(30):
        made.write(line(MORNING + timedelta(seconds=1)))
        while not (tailer.idle and state(settings).lines):
            await asyncio.sleep(0.01)
        copy.replace(settings.paths.journal_db)
        while sum((await counts(settings)).values()) != 4:
            await asyncio.sleep(0.02)


async def test_a_journal_that_cannot_be_written_is_waited_for_and_the_lag_grows(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.database.BUSY_MILLISECONDS", 20)
    made = worker(settings)
    async with kept(settings, clock) as tailer, asyncio.timeout(30):
        while not (tailer.idle and read_state(settings) is not None):
            await asyncio.sleep(0.01)
        with closing(sqlite3.connect(settings.paths.journal_db, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            made.write(line(MORNING + timedelta(minutes=1)) * 2)
            while not state(settings).error:
                await asyncio.sleep(0.01)
            made.write(line(MORNING + timedelta(minutes=2)))
            clock.set(MORNING + timedelta(minutes=20))
            while not state(settings).lag_seconds >= 18 * 60:
                await asyncio.sleep(0.01)
            assert state(settings).lag_bytes > 0
            assert "journal.db" in state(settings).error
            other.execute("ROLLBACK")
        while state(settings).error or state(settings).lag_bytes:
            await asyncio.sleep(0.01)
    assert sum((await counts(settings)).values()) == 6
    assert state(settings).lag_seconds == 0


@pytest.mark.parametrize("running", [True, False])
async def test_a_folder_that_is_not_there_now_is_waited_for(
    settings: Settings, clock: Clock, tmp_path: Path, running: bool
) -> None:
    made = worker(settings)
    if not running:
        await caught_up(settings, clock)
        settings.paths.query_log.rename(tmp_path / "away")
    async with kept(settings, clock) as tailer, asyncio.timeout(30):
        if running:
            while not tailer.idle:
                await asyncio.sleep(0.01)
            settings.paths.query_log.rename(tmp_path / "away")
        while "querylog" not in state(settings).error:
            await asyncio.sleep(0.01)
        (tmp_path / "away").rename(settings.paths.query_log)
        made.write(line(MORNING + timedelta(seconds=1)))
        while state(settings).error or sum((await counts(settings)).values()) != 4:
            await asyncio.sleep(0.02)
    async with opened_journal(settings) as journal:
        assert not [record async for record in journal.records((Kind.ALARM,))]


async def test_the_state_says_how_it_stands(settings: Settings, clock: Clock) -> None:
    worker(settings, lines=5)
    await caught_up(settings, clock)
    found = state(settings)
    assert (found.pid, found.lines, found.segments, found.last) == (os.getpid(), 5, 1, "2026-09-02T10:00:00.000+05:00")
    assert (found.lag_seconds, found.lag_bytes, found.error) == (0, 0, "")
    assert stat.S_IMODE((settings.paths.run / FILE).stat().st_mode) == 0o600
    async with opened_journal(settings) as journal:
        assert found.head == "{}:{}".format(*await journal.head())


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "at": "yesterday"}', '{"pid": 1, "at": "2026-09-02"}']
)
def test_a_state_that_nobody_wrote_is_none(settings: Settings, text: str) -> None:
    settings.paths.run.mkdir()
    (settings.paths.run / FILE).write_text(text)
    assert read_state(settings) is None


def test_nothing_that_only_its_children_need_is_loaded() -> None:
    program = (
        "import sys, cli.journal_run; "
        "print([name for name in ('duckdb', 'typst', 'cryptography', 'xlsxwriter', 'dns') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# -- rounds ------------------------------------------------------------------------------------------------------------


def note(path: Path, code: int = 0) -> list[str]:
    """Return a command that notes its priority in a file."""
    program = f"import os, sys; open({str(path)!r}, 'a').write(f'{{os.getpriority(0, 0)}}\\n'); sys.exit({code})"
    return [sys.executable, "-c", program]


def runs(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


ZONE = ZoneInfo("Asia/Almaty")


@pytest.mark.parametrize(("hour", "due"), [("00:59", False), ("01:00", True), ("15:00", True)])
async def test_the_round_of_the_night_runs_once_a_day_after_one_in_the_morning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hour: str, due: bool
) -> None:
    monkeypatch.setattr("journal.intake.rounds.HEAD_START", 0.0)
    file = tmp_path / "runs"
    nightly = Nightly(note(file), ZONE, asyncio.get_running_loop().time())
    for day, expected in (("02", due), ("02", due), ("03", 2 * due)):
        nightly.look(at(f"2026-09-{day}T{hour}:00"))
        if nightly._task is not None:
            await nightly._task
        assert runs(file) == expected
    await nightly.stop()
    assert not due or file.read_text().splitlines()[0] == "19"


async def test_a_round_that_failed_is_tried_again_later_and_never_two_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.intake.rounds.HEAD_START", 0.0)
    file = tmp_path / "runs"
    nightly = Nightly(note(file, 1), ZONE, asyncio.get_running_loop().time())
    for again, expected in ((3600.0, 1), (3600.0, 1), (0.0, 1), (0.0, 2)):
        monkeypatch.setattr("journal.intake.rounds.AGAIN", again)
        nightly.look(MORNING)
        first = nightly._task
        nightly.look(MORNING)
        assert nightly._task is first
        if first is not None:
            await first
        if again == 0.0:
            nightly._not_before = 0.0
        assert runs(file) == expected


async def test_a_round_for_an_erasure_that_failed_is_tried_again_though_that_of_the_day_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.intake.rounds.HEAD_START", 0.0)
    monkeypatch.setattr("journal.intake.rounds.AGAIN", 0.0)
    file = tmp_path / "runs"
    nightly = Nightly(note(file, 1), ZONE, asyncio.get_running_loop().time())
    nightly._done = MORNING.date()
    nightly._wanted = True
    for expected in (1, 2):
        nightly.look(MORNING)
        assert nightly._task is not None
        await nightly._task
        assert runs(file) == expected


async def test_a_round_ends_with_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.intake.rounds.HEAD_START", 0.0)
    file = tmp_path / "pid"
    program = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    nightly = Nightly([sys.executable, "-c", program], ZONE, asyncio.get_running_loop().time())
    nightly.look(MORNING)
    async with asyncio.timeout(30):
        while not (file.exists() and file.read_text()):
            await asyncio.sleep(0.01)
    await nightly.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


async def test_the_head_is_signed_at_the_start_and_at_the_end_by_a_child(settings: Settings, clock: Clock) -> None:
    config = settings.paths.state.parent / "schoolfilter.toml"
    config.write_text(f'[paths]\nstate = "{settings.paths.state}"\n')
    made = worker(settings)
    command = [sys.executable, "-m", "cli.main", "--config", str(config), "journal", "sign"]
    tailer = Tailer(settings, clock=clock, commands=Commands(sign=command), glance=0.01)
    task = asyncio.create_task(tailer.run())
    async with asyncio.timeout(60):
        while not tailer.idle:
            await asyncio.sleep(0.01)
        made.roll(MORNING + timedelta(minutes=1))
        clock.set(MORNING + timedelta(minutes=11))
        while not state(settings).head.startswith("2:"):
            await asyncio.sleep(0.01)
        tailer.stop()
        await task
    async with opened_journal(settings) as journal:
        assert [head.number for head in await journal.heads()] == [1, 2]


async def test_a_head_that_cannot_be_signed_is_an_error_and_lines_are_taken(settings: Settings, clock: Clock) -> None:
    worker(settings)
    signer = Signer([sys.executable, "-c", "raise SystemExit(1)"], settings)
    await signer.begin()
    assert "cannot be signed" in signer.error
    tailer = Tailer(settings, clock=clock, commands=Commands(sign=["/nonexistent"]), glance=0.01)
    task = asyncio.create_task(tailer.run())
    async with asyncio.timeout(30):
        while not tailer.idle:
            await asyncio.sleep(0.01)
    tailer.stop()
    await task
    assert "cannot be signed" in state(settings).error
    assert state(settings).lines == 3


async def test_who_cannot_be_told_stands_in_what_it_says_of_itself(settings: Settings, clock: Clock) -> None:
    notices = Notices(smtp_server="smtp://localhost:1", mail_from="filter@school.example")
    settings = replace(settings, notices=notices)
    async with opened_journal(settings) as journal:
        await add_contact(journal, role=Role.DIRECTOR, mail="director@school.example")
        await enter(journal, MORNING, rule=Rule.UNLAWFUL, severity="unlawful")
    async with kept(settings, clock), asyncio.timeout(30):
        while not ((said := read_state(settings)) and said.unsent):
            await asyncio.sleep(0.01)
        (unsent,) = said.unsent
    assert (unsent.channel, datetime.fromisoformat(unsent.at)) == ("mail", clock())
    assert "localhost" in unsent.error
    assert "director@" not in (settings.paths.run / "journal.json").read_text()
