"""heads.txt is gone: it is said, entered once, begun anew from journal.db, and helps nobody who cut the chain."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal.documents.kept_papers import PaperKind, keep_paper
from journal.intake.rounds import Signer
from journal.opening import opened_journal
from journal.recovering import begin_again, keep_copy
from journal.trust.alarms import Alarm, describe_alarm
from journal.trust.heads import written
from journal.trust.signing import is_due, mend_witness, sign_head
from journal.trust.verdict import Trouble
from journal.trust.verifying import verify_journal
from journal.trust.witness import read_witness
from settings.model import Paths, Settings
from storage.evidence import Head, Kind, Record, text
from storage.journal_db import JournalDb
from storage.last_good import last_good
from tests.journal.evidence_scene import by_hand

AT = datetime(2026, 11, 2, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(paths=Paths(tmp_path))


@pytest.fixture
async def journal(settings: Settings) -> AsyncIterator[JournalDb]:
    """Return a journal with three signed heads, whose heads.txt was removed."""
    async with opened_journal(settings) as opened:
        for hours in range(3):
            await grow(opened)
            await sign_head(opened, settings, AT + hours * HOUR)
        settings.paths.heads.unlink()
        yield opened


async def grow(journal: JournalDb, reason: str = "check") -> None:
    async with journal.changing(AT) as change:
        await change.add(Kind.ACCESS, {"what": "log search", "reason": reason}, by="aigul")


async def alarms(journal: JournalDb) -> list[Record]:
    return [each async for each in journal.records((Kind.ALARM,))]


async def test_it_is_entered_once_and_begun_anew_with_all_heads_of_the_journal(
    journal: JournalDb, settings: Settings
) -> None:
    (broken,) = (await verify_journal(settings)).broken
    assert (broken.trouble, broken.where) == (Trouble.UNWITNESSED, "heads.txt")
    for hours in range(3, 6):
        await sign_head(journal, settings, AT + hours * HOUR)
        await grow(journal)
    (alarm,) = await alarms(journal)
    assert alarm.body == {"what": Alarm.HEADS_LOST, "heads": 3}
    assert "has: 3." in describe_alarm(alarm.body)
    assert read_witness(settings.paths.heads) == await journal.heads()
    verdict = await verify_journal(settings)
    assert verdict.is_sound
    assert verdict.alarms == (alarm,), "verifying goes on naming it"
    settings.paths.heads.unlink()
    await sign_head(journal, settings, AT + 7 * HOUR)
    assert len(await alarms(journal)) == 2, "the same again is another alarm"


async def test_who_keeps_the_journal_notices_it_at_the_next_look(journal: JournalDb, settings: Settings) -> None:
    """Though nothing was entered since the last head, and no hour has passed."""
    now = AT + 2 * HOUR
    assert await is_due(journal, settings, now)
    signer = Signer(["true"], settings)
    signer._looked = True
    await signer.look(journal, now)
    assert signer._task is not None
    await signer._task
    await sign_head(journal, settings, now)
    assert not await is_due(journal, settings, now)


async def test_a_file_that_cannot_be_written_is_no_alarm_each_minute(
    journal: JournalDb, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:

        def refuse(*_arguments: object) -> None:
            raise OSError(28, "No space left on device")

        full.setattr("journal.trust.signing.write_witness", refuse)
        for _minute in range(3):
            with pytest.raises(OSError, match="No space"):
                await sign_head(journal, settings, AT + 3 * HOUR)
    await sign_head(journal, settings, AT + 3 * HOUR)
    assert len(await alarms(journal)) == 1
    assert read_witness(settings.paths.heads) == await journal.heads()


async def test_who_signs_at_the_same_time_enters_it_once(journal: JournalDb, settings: Settings) -> None:
    async def other() -> None:
        async with opened_journal(settings) as another:
            await sign_head(another, settings, AT + 3 * HOUR)

    await asyncio.gather(*(other() for _each in range(4)))
    assert len(await alarms(journal)) == 1
    assert (await verify_journal(settings)).is_sound


async def test_a_paper_does_not_begin_it_in_silence(journal: JournalDb, settings: Settings) -> None:
    await keep_paper(journal, settings, PaperKind.ACT, lambda *_said: b"%PDF", ["en"], at=AT + 3 * HOUR, by="aigul")
    assert [text(each.body, "what") for each in await alarms(journal)] == [Alarm.HEADS_LOST]
    assert (await verify_journal(settings)).is_sound


async def test_whoever_cut_the_chain_and_removed_it_is_shown_by_a_head_in_other_hands(
    journal: JournalDb, settings: Settings
) -> None:
    paper = Head(*(await journal.heads())[-1][:2])
    by_hand(settings.paths.journal_db, "DELETE FROM chain WHERE number > 3", "DELETE FROM heads WHERE number > 3")
    await grow(journal, "another one")
    await sign_head(journal, settings, AT + 9 * HOUR)
    (alarm,) = await alarms(journal)
    assert text(alarm.body, "what") == Alarm.HEADS_LOST
    assert (await verify_journal(settings)).alarms == (alarm,)
    (broken,) = (await verify_journal(settings, [paper])).broken
    assert (broken.trouble, broken.where) == (Trouble.HEAD, f"--head {written(paper)}")


async def test_that_all_heads_are_gone_from_the_journal_too_is_an_alarm(settings: Settings) -> None:
    async with opened_journal(settings) as journal:
        await grow(journal)
        await sign_head(journal, settings, AT)
    await keep_copy(settings)
    by_hand(settings.paths.journal_db, "DELETE FROM heads")
    settings.paths.heads.unlink()
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, AT + HOUR)
        assert [each.body async for each in journal.records((Kind.ALARM,))] == [{"what": Alarm.HEADS_LOST, "heads": 0}]


async def test_a_first_head_is_no_alarm(settings: Settings) -> None:
    async with opened_journal(settings) as journal:
        await mend_witness(journal, settings, AT)
        assert not settings.paths.heads.exists()
        await sign_head(journal, settings, AT)
        assert await alarms(journal) == []


async def test_heads_behind_an_earlier_damage_are_not_excused_by_it_any_more(settings: Settings) -> None:
    """By the alarm of the damage, the first lines of heads.txt are of records that were lost. Then these are others."""
    async with opened_journal(settings) as journal:
        for hours in range(6):
            await grow(journal)
            await sign_head(journal, settings, AT + hours * HOUR)
    settings.paths.journal_db.write_bytes(b"no database")
    last_good(settings.paths.journal_db).unlink(missing_ok=True)
    await begin_again(settings, AT + 7 * HOUR)
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, AT + 7 * HOUR)
        assert (await verify_journal(settings)).earlier == 6
        settings.paths.heads.unlink()
        for hours in range(8, 11):
            await grow(journal)
            await sign_head(journal, settings, AT + hours * HOUR)
        verdict = await verify_journal(settings)
        assert (verdict.broken, verdict.earlier) == ((), 0)
        assert len(read_witness(settings.paths.heads)) < 6
    by_hand(
        settings.paths.journal_db,
        ("DELETE FROM chain WHERE number = ?", verdict.head.number),
        ("DELETE FROM heads WHERE number = ?", verdict.head.number),
    )
    assert (await verify_journal(settings)).broken[0].trouble is Trouble.HEAD
