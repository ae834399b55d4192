"""A journal.db that is gone or empty is no first start if anything shows that there was one: it counts as damaged."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from journal.opening import opened_journal
from journal.recovering import keep_copy
from journal.trust.alarms import Alarm, describe_alarm
from journal.trust.signing import sign_head
from journal.trust.verdict import Trouble
from journal.trust.verifying import verify_journal
from settings.model import Settings
from storage.errors import DamagedDatabase
from storage.evidence import Kind, Record, text
from storage.journal_db import open_journal
from storage.last_good import last_good
from tests.journal.loss.conftest import MORNING
from tests.journal.tailing import Clock, Worker, caught_up, counts, line, state

LOSSES = ("gone", "empty", "zeros", "header", "tables")


async def lose(settings: Settings, how: str) -> None:
    """Leave of journal.db what a power cut or a person may leave."""
    path = settings.paths.journal_db
    path.unlink()
    match how:
        case "empty":
            path.write_bytes(b"")
        case "zeros":  # the length is on the disk, the octets are not
            path.write_bytes(bytes(20_480))
        case "header":  # SQLite made the file, and nothing was written to it
            with closing(sqlite3.connect(path)) as raw:
                raw.execute("PRAGMA journal_mode = WAL")
            assert path.stat().st_size
        case "tables":
            async with open_journal(path, create=True):
                pass


async def enter(settings: Settings, clock: Clock, what: str) -> int:
    """Enter what a person says; return the number of the record."""
    async with opened_journal(settings) as journal, journal.changing(clock()) as change:
        return await change.add(Kind.ACCESS, {"what": what}, by="aigul")


async def sign(settings: Settings, clock: Clock) -> None:
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, clock())


async def records(settings: Settings, *kinds: Kind) -> list[Record]:
    async with opened_journal(settings) as journal:
        return [record async for record in journal.records(kinds)]


@pytest.mark.parametrize("how", LOSSES)
async def test_it_is_gone_on_from_the_copy_and_the_loss_is_said(settings: Settings, clock: Clock, how: str) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING) * 3)
    await caught_up(settings, clock)
    kept = await enter(settings, clock, "before the copy")
    await sign(settings, clock)
    assert (await keep_copy(settings)).is_sound
    worker.write(line(MORNING + timedelta(minutes=1)) * 2)
    last = await enter(settings, clock, "after the copy")
    await sign(settings, clock)  # heads.txt says more than the copy
    await caught_up(settings, clock)
    assert sum((await counts(settings)).values()) == 5
    await lose(settings, how)
    await caught_up(settings, clock)
    (alarm,) = await records(settings, Kind.ALARM)
    assert (alarm.number, alarm.body["what"], alarm.body["kept"]) == (kept + 1, Alarm.DAMAGED, kept)
    assert text(alarm.body, "head").startswith(f"{last}:")
    assert [each.body["what"] for each in await records(settings, Kind.ACCESS)] == ["before the copy"]
    assert sum((await counts(settings)).values()) == 5
    await sign(settings, clock)
    verdict = await verify_journal(settings)
    assert (verdict.broken, verdict.earlier) == ((), 1)
    assert not state(settings).error


@pytest.mark.parametrize("how", ["gone", "empty"])
@pytest.mark.parametrize("copied", [True, False])
async def test_nothing_is_named_as_kept_if_nothing_was_there(
    settings: Settings, clock: Clock, how: str, copied: bool
) -> None:
    await enter(settings, clock, "x")
    await sign(settings, clock)
    if copied:
        await keep_copy(settings)
    await lose(settings, how)
    await caught_up(settings, clock)
    (alarm,) = await records(settings, Kind.ALARM)
    assert alarm.body["moved"] == ""
    said = describe_alarm(alarm.body)
    assert "gone or empty" in said
    assert ("record 2" in said) == copied
    assert ("begun anew" in said) != copied
    assert sorted(each.name for each in settings.paths.state.glob("journal.db?*")) == []


async def test_a_log_without_its_file_is_kept_aside_and_applied_to_nothing(settings: Settings, clock: Clock) -> None:
    path = settings.paths.journal_db
    await enter(settings, clock, "x")
    await sign(settings, clock)
    async with opened_journal(settings) as journal:
        async with journal.changing(clock()) as change:
            await change.add(Kind.ACCESS, {"what": "only in the log"}, by="aigul")
        log = path.with_name("journal.db-wal").read_bytes()
    assert log
    path.write_bytes(b"")
    path.with_name("journal.db-wal").write_bytes(log)
    await caught_up(settings, clock)
    (alarm,) = await records(settings, Kind.ALARM)
    moved = settings.paths.state / text(alarm.body, "moved")
    assert moved.name.startswith("journal.db.damaged-")
    assert moved.with_name(f"{moved.name}-wal").read_bytes() == log
    assert not await records(settings, Kind.ACCESS)


@pytest.mark.parametrize("sign_left", ["copy", "heads", "archive"])
async def test_one_sign_of_life_is_enough(settings: Settings, clock: Clock, sign_left: str) -> None:
    """A state folder that was restored in parts."""
    await enter(settings, clock, "x")
    await sign(settings, clock)
    await keep_copy(settings)
    file = settings.paths.archive / "date=2026-09-01" / "0001.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1")
    signs = {"copy": last_good(settings.paths.journal_db), "heads": settings.paths.heads, "archive": file}
    assert all(path.exists() for path in signs.values())
    for name, path in signs.items():
        if name != sign_left:
            path.unlink()
    settings.paths.journal_db.unlink()
    shutil.rmtree(settings.paths.run, ignore_errors=True)
    await caught_up(settings, clock)
    (alarm,) = await records(settings, Kind.ALARM)
    assert (text(alarm.body, "what"), alarm.body["kept"]) == (Alarm.DAMAGED, 2 if sign_left == "copy" else 0)
    # That heads.txt was lost too is named, and costs no record.
    troubles = [each.trouble for each in (await verify_journal(settings)).broken]
    assert troubles == ([Trouble.UNWITNESSED] if sign_left == "copy" else [])
    await sign(settings, clock)
    verdict = await verify_journal(settings)
    assert verdict.is_sound
    said = [text(each.body, "what") for each in verdict.alarms]
    assert said == ([Alarm.DAMAGED] if sign_left == "heads" else [Alarm.DAMAGED, Alarm.HEADS_LOST])


@pytest.mark.parametrize("left", ["nothing", "empty heads.txt", "half a head", "an empty archive", "a query log"])
async def test_a_first_start_says_nothing(settings: Settings, clock: Clock, left: str) -> None:
    match left:
        case "empty heads.txt":
            settings.paths.heads.write_bytes(b"")
        case "half a head":  # the power went off while the first one was signed
            settings.paths.heads.write_bytes(b"1 2c26b46b68ffc68ff99b453c1d304134")
        case "an empty archive":
            (settings.paths.archive / "date=2026-09-01").mkdir(parents=True)
        case "a query log":
            worker = Worker(settings.paths.query_log)
            worker.roll(MORNING)
            worker.write(line(MORNING))
    await caught_up(settings, clock)
    assert await records(settings, Kind.ALARM) == []
    assert not [path for path in settings.paths.state.iterdir() if "damaged" in path.name]


@pytest.mark.parametrize("how", LOSSES)
async def test_whoever_opens_a_lost_journal_begins_none_and_hears_what_to_do(
    settings: Settings, clock: Clock, how: str
) -> None:
    await enter(settings, clock, "x")
    await keep_copy(settings)
    await lose(settings, how)
    left = settings.paths.journal_db.read_bytes() if settings.paths.journal_db.exists() else None
    with pytest.raises(DamagedDatabase) as raised:
        async with opened_journal(settings):
            pass
    assert raised.value.path == settings.paths.journal_db
    assert "start it" in str(raised.value)
    assert "schoolfilter status" in str(raised.value)
    if how in ("gone", "empty"):
        assert "journal-last-good.db" in str(raised.value)
    assert (settings.paths.journal_db.read_bytes() if settings.paths.journal_db.exists() else None) == left
