"""A damaged journal.db is replaced whole or not at all, whatever step a power cut or a full disk ends it at."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from blocklists.disk import Disk
from journal.opening import opened_journal
from journal.recovering import begin_again, keep_copy
from journal.trust.alarms import Alarm
from journal.trust.signing import sign_head
from journal.trust.verifying import verify_journal
from settings.model import Settings
from storage.errors import DamagedDatabase
from storage.evidence import Kind, text
from storage.journal_db import open_journal
from tests.blocklists.power import FailingDisk, PowerCut
from tests.journal.tailing import at, installation

NOW = at("2026-09-02T10:00:00")
MOST_STEPS = 30
_LATER = b"only in the log"


@pytest.fixture
async def damaged(tmp_path: Path) -> Settings:
    """An installation whose journal.db passes as sound without its log, and is damaged with it."""
    settings = installation(tmp_path / "whole")
    path = settings.paths.journal_db
    async with opened_journal(settings) as journal:
        async with journal.changing(NOW) as change:
            await change.add(Kind.ACCESS, {"what": "before the copy"}, by="aigul")
        await sign_head(journal, settings, NOW)
    assert (await keep_copy(settings)).is_sound
    async with opened_journal(settings) as journal:
        async with journal.changing(NOW) as change:
            await change.add(Kind.ACCESS, {"what": _LATER.decode()}, by="aigul")
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("PRAGMA writable_schema = ON")
            raw.execute("UPDATE sqlite_master SET rootpage = 9999 WHERE name = 'sealed'")
        shutil.copytree(settings.paths.state, tmp_path / "cut")
    shutil.rmtree(settings.paths.state)
    (tmp_path / "cut").rename(settings.paths.state)
    path.with_name("journal.db-shm").unlink()
    return settings


async def test_the_scene_is_what_it_says(damaged: Settings, tmp_path: Path) -> None:
    shutil.copy(damaged.paths.journal_db, tmp_path / "alone.db")
    async with open_journal(tmp_path / "alone.db") as journal:
        assert (await journal.head()).number == 2
    with pytest.raises(DamagedDatabase):
        async with opened_journal(damaged):
            pass


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_power_cut_at_any_step(damaged: Settings, tmp_path: Path, after: bool) -> None:
    for step in range(MOST_STEPS):
        settings = installation(tmp_path / f"{step}")
        shutil.copytree(damaged.paths.state, settings.paths.state, dirs_exist_ok=True)
        try:
            await begin_again(settings, NOW, "3:abc", FailingDisk(step, after=after))
        except PowerCut:
            await _go_on(settings)
        else:
            assert step > 5, "the cuts were at its steps"
            return
        finally:
            await _expect_replaced(settings)
    pytest.fail("it never came to its end")


async def _go_on(settings: Settings) -> None:
    """Do what the next start does, and expect that nobody takes what lies there for the journal."""
    try:
        async with opened_journal(settings):
            pass
    except DamagedDatabase:
        await begin_again(settings, NOW + timedelta(minutes=5))


async def _expect_replaced(settings: Settings) -> None:
    async with opened_journal(settings) as journal:
        alarms = [record async for record in journal.records((Kind.ALARM,))]
        said = [record.body["what"] async for record in journal.records((Kind.ACCESS,))]
        await sign_head(journal, settings, NOW)
    (alarm,) = alarms
    assert (alarm.number, alarm.body["what"], alarm.body["kept"]) == (3, Alarm.DAMAGED, 2)
    assert said == ["before the copy"]
    moved = settings.paths.state / text(alarm.body, "moved")
    # Who opened it in vain may have folded the log into it.
    kept = b"".join(path.read_bytes() for path in settings.paths.state.glob(f"{moved.name}*"))
    assert _LATER in kept
    assert (await verify_journal(settings)).is_sound
    assert not list(settings.paths.state.glob("journal.db.instead-*"))


class _FullDisk(Disk):
    """Fails at the n-th move."""

    def __init__(self, moves: int) -> None:
        self.left = moves

    def move(self, old: Path, new: Path) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError("no space")
        super().move(old, new)


@pytest.mark.parametrize("moves", range(4))
async def test_what_fails_is_finished_the_next_time_under_the_same_name(damaged: Settings, moves: int) -> None:
    with pytest.raises(OSError, match="no space"):
        await begin_again(damaged, NOW, disk=_FullDisk(moves))
    with pytest.raises(DamagedDatabase):
        async with opened_journal(damaged):
            pass
    moved = await begin_again(damaged, NOW + timedelta(days=1))
    assert moved == ("journal.db.damaged-20260903T050000" if moves == 0 else "journal.db.damaged-20260902T050000")
    await _expect_replaced(damaged)


async def test_no_hard_links_are_needed(damaged: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A memory card with FAT has none."""

    def refuse(*_arguments: object, **_named: object) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    await begin_again(damaged, NOW)
    await _expect_replaced(damaged)


async def test_nothing_that_was_kept_aside_is_lost(damaged: Settings) -> None:
    names = set()
    for count in range(3):
        damaged.paths.journal_db.write_bytes(b"no database %d" % count)
        damaged.paths.journal_db.with_name("journal.db-wal").unlink(missing_ok=True)
        names.add(await begin_again(damaged, NOW))
    assert sorted((damaged.paths.state / name).read_bytes() for name in names) == [
        b"no database %d" % count for count in range(3)
    ]


async def test_a_file_that_somebody_put_there_meanwhile_is_kept_too(damaged: Settings) -> None:
    """The power went off when the damaged file was out of the way, and a person put a backup in its place."""
    with pytest.raises(OSError, match="no space"):
        await begin_again(damaged, NOW, disk=_FullDisk(3))
    damaged.paths.journal_db.write_bytes(b"a backup")
    moved = await begin_again(damaged, NOW + timedelta(minutes=1))
    assert (damaged.paths.state / moved).read_bytes() == b"a backup"
    await _expect_replaced(damaged)
