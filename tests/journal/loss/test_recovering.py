"""A damaged journal.db costs what people entered since last night, and nothing else; the chain says so and is whole."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from journal.documents.kept_papers import PaperKind, keep_paper
from journal.intake.tailer import Commands, Tailer
from journal.opening import opened_journal
from journal.recovering import begin_again, keep_copy
from journal.trust.alarms import Alarm, describe_alarm
from journal.trust.signing import sign_head
from journal.trust.verdict import Trouble
from journal.trust.verifying import verify_journal
from journal.trust.verifying_log import verify_log
from settings.model import Settings
from storage.errors import DamagedDatabase
from storage.evidence import Kind, Record, text
from storage.journal_db import open_journal
from storage.last_good import last_good
from tests.journal.evidence_scene import by_hand
from tests.journal.loss.conftest import MORNING
from tests.journal.tailing import Clock, Worker, caught_up, counts, incidents, installation, line

BLOCK = "block\tlocked\tterrorism\tours"
GARBAGE = b"no database at all" * 400


async def sign(settings: Settings, now: datetime) -> None:
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, now)


async def alarms(settings: Settings) -> list[Record]:
    async with opened_journal(settings) as journal:
        return [record async for record in journal.records((Kind.ALARM,))]


async def enter(settings: Settings, now: datetime, what: str) -> None:
    """Enter what a person says."""
    async with opened_journal(settings) as journal, journal.changing(now) as change:
        await change.add(Kind.ACCESS, {"what": what}, by="aigul")


def blocked(worker: Worker, minutes: range, client: str) -> None:
    for minute in minutes:
        worker.write(line(MORNING + timedelta(minutes=minute), f"www.s{minute}.example", BLOCK, client) * 5)


async def test_after_damage_all_of_the_log_is_found_again_and_nothing_twice(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    worker = Worker(settings.paths.query_log)
    first = worker.roll(MORNING)
    blocked(worker, range(10), "10.1.0.5")
    await caught_up(settings, clock)
    await enter(settings, clock(), "before the copy")
    await sign(settings, clock())
    assert (await keep_copy(settings)).is_sound
    kept = await _head(settings)
    blocked(worker, range(10, 20), "10.1.0.6")
    worker.roll(MORNING + timedelta(hours=1))
    worker.write(line(MORNING + timedelta(hours=1)))
    clock.set(MORNING + timedelta(minutes=90))
    await caught_up(settings, clock)
    await enter(settings, clock(), "after the copy")
    await sign(settings, clock())
    wanted, found, last = await counts(settings), await incidents(settings), await _head(settings)
    assert len(found) >= 2
    settings.paths.journal_db.write_bytes(GARBAGE)
    await caught_up(settings, clock)
    await sign(settings, clock())
    assert await counts(settings) == wanted
    again = await incidents(settings)
    assert [(each.client, each.queries) for each in again] == [(each.client, each.queries) for each in found]
    behind = [each for each in found if each.record > kept]
    assert [each.id for each in again] == [
        *(each.id for each in found if each.record <= kept),
        *(f"2026-09-{200 + number:04d}" for number in range(1, len(behind) + 1)),
    ]
    assert behind
    (alarm,) = await alarms(settings)
    moved = next(settings.paths.state.glob("journal.db.damaged-*"))
    assert moved.read_bytes() == GARBAGE
    assert alarm.number == kept + 1
    assert (alarm.body["what"], alarm.body["moved"], alarm.body["kept"]) == (Alarm.DAMAGED, moved.name, kept)
    assert text(alarm.body, "head").startswith(f"{last}:")
    said = describe_alarm(alarm.body)
    assert f"record {kept}" in said
    assert f"up to {last}" in said
    verdict = await verify_log(settings)
    assert verdict.broken == ()
    assert verdict.earlier == 1
    assert first.name in verdict.segments
    async with opened_journal(settings) as journal:
        assert [each.body["what"] async for each in journal.records((Kind.ACCESS,))] == ["before the copy"]


async def _head(settings: Settings) -> int:
    async with opened_journal(settings) as journal:
        return (await journal.head()).number


async def test_the_alarm_is_there_before_anybody_can_sign(settings: Settings, clock: Clock) -> None:
    """The child that signs, and whoever opens the journal first, find the alarm, and enter no other one."""
    await sign(settings, clock())
    await enter(settings, clock(), "x")
    await sign(settings, clock())
    settings.paths.journal_db.write_bytes(GARBAGE)
    await begin_again(settings, clock())
    await sign(settings, clock())
    assert [text(each.body, "what") for each in await alarms(settings)] == [Alarm.DAMAGED]
    assert (await verify_journal(settings)).is_sound


@pytest.mark.parametrize("bad", ["garbage", "cut", "changed", "of another school"])
async def test_a_copy_that_is_not_good_is_not_gone_on_from(
    settings: Settings, clock: Clock, tmp_path: Path, bad: str
) -> None:
    await enter(settings, clock(), "x")
    await sign(settings, clock())
    await keep_copy(settings)
    copy = last_good(settings.paths.journal_db)
    match bad:
        case "garbage":
            copy.write_bytes(GARBAGE)
        case "cut":
            copy.write_bytes(copy.read_bytes()[:5000])
        case "changed":
            by_hand(copy, "UPDATE chain SET by = 'somebody' WHERE number = 2")
        case "of another school":
            other = installation(tmp_path / "other")
            await enter(other, clock(), "y")
            await sign(other, clock())
            shutil.copy(other.paths.journal_db, copy)
    settings.paths.journal_db.write_bytes(GARBAGE)
    await begin_again(settings, clock())
    (alarm,) = await alarms(settings)
    assert (alarm.number, alarm.body["kept"]) == (2, 0)
    assert "begun anew" in describe_alarm(alarm.body)
    await sign(settings, clock())
    assert (await verify_journal(settings)).is_sound


async def test_a_journal_that_does_not_verify_leaves_the_copy_as_it_was(settings: Settings, clock: Clock) -> None:
    await enter(settings, clock(), "x")
    assert (await keep_copy(settings)).is_sound
    before = last_good(settings.paths.journal_db).read_bytes()
    by_hand(settings.paths.journal_db, "UPDATE chain SET by = 'somebody' WHERE number = 2")
    assert (await keep_copy(settings)).broken[0].trouble is Trouble.LINK
    assert last_good(settings.paths.journal_db).read_bytes() == before


async def test_heads_that_only_somebody_else_cut_off_are_missed_all_the_same(settings: Settings, clock: Clock) -> None:
    """What an alarm explains ends with the line of heads.txt at which it was entered."""
    await enter(settings, clock(), "x")
    await sign(settings, clock())
    await keep_copy(settings)
    settings.paths.journal_db.write_bytes(GARBAGE)
    await begin_again(settings, clock())
    await sign(settings, clock())
    await enter(settings, clock(), "y")
    await sign(settings, clock())
    assert (await verify_journal(settings)).is_sound
    by_hand(
        settings.paths.journal_db,
        "DELETE FROM chain WHERE number > 3",
        "DELETE FROM heads WHERE number > 3",
    )
    assert (await verify_journal(settings)).broken[0].trouble is Trouble.HEAD


async def test_a_paper_whose_record_is_lost_keeps_its_number(settings: Settings, clock: Clock) -> None:
    async def act() -> int:
        async with opened_journal(settings) as journal:
            kept = await keep_paper(
                journal, settings, PaperKind.ACT, lambda *_: b"%PDF", ["ru", "kk"], at=clock(), by="aigul"
            )
        return kept.number

    await enter(settings, clock(), "x")
    await keep_copy(settings)
    assert [await act(), await act()] == [1, 2]
    settings.paths.journal_db.write_bytes(GARBAGE)
    await begin_again(settings, clock())
    assert await act() == 3


async def test_the_message_says_what_is_right_for_the_journal(settings: Settings) -> None:
    settings.paths.journal_db.write_bytes(GARBAGE)
    with pytest.raises(DamagedDatabase) as raised:
        async with open_journal(settings.paths.journal_db):
            pass
    assert raised.value.path == settings.paths.journal_db
    assert "schoolfilter status" in str(raised.value)
    assert "schoolfilter init" not in str(raised.value)


async def test_damage_of_another_database_leaves_the_journal_alone(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = settings.paths.policy_db
    asked = asyncio.Event()

    async def broken(*_arguments: object) -> None:
        asked.set()
        raise DamagedDatabase("policy.db is damaged", other, "x")

    monkeypatch.setattr("journal.intake.taking.Taking.step", broken)
    tailer = Tailer(settings, commands=Commands(), clock=clock)
    task = asyncio.create_task(tailer.run())
    async with asyncio.timeout(30):
        await asked.wait()
    tailer.stop()
    await task
    assert not list(settings.paths.state.glob("journal.db.damaged-*"))


def test_the_copy_is_readable_by_nobody_else(settings: Settings, clock: Clock) -> None:
    async def keep() -> None:
        await enter(settings, clock(), "x")
        await keep_copy(settings)

    asyncio.run(keep())
    copy = last_good(settings.paths.journal_db)
    assert copy.name == "journal-last-good.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as raw:
        assert raw.execute("SELECT count(*) FROM chain").fetchone() == (2,)
