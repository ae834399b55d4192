"""Heads are signed every hour if the chain grew, and kept twice; what is wrong with key or journal.db is entered."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal.opening import opened_journal
from journal.recovering import begin_again
from journal.trust.alarms import Alarm, describe_alarm
from journal.trust.device_key import HEAD_NAMESPACE
from journal.trust.heads import head_message, is_signed
from journal.trust.signing import is_due, sign_head
from journal.trust.verdict import Trouble
from journal.trust.verifying import verify_journal
from journal.trust.witness import append_witness, last_witness, line_of, read_witness
from settings.model import Paths, School, Settings
from storage.evidence import Head, Kind, Record, text
from storage.journal_db import JournalDb
from tests.journal.evidence_scene import by_hand

AT = datetime(2026, 11, 28, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(school=School(name="School No. 7"), paths=Paths(tmp_path))


@pytest.fixture
async def journal(settings: Settings) -> AsyncIterator[JournalDb]:
    async with opened_journal(settings) as opened:
        yield opened


async def grow(journal: JournalDb) -> Head:
    async with journal.changing(AT) as change:
        await change.add(Kind.PAPER, {"paper": "act"})
    return await journal.head()


async def sign_if_due(journal: JournalDb, settings: Settings, now: datetime) -> None:
    """What `journal run` does, by a child."""
    if await is_due(journal, settings, now):
        await sign_head(journal, settings, now)


async def signed(journal: JournalDb) -> list[int]:
    return [head.number for head in await journal.heads()]


async def alarms(journal: JournalDb) -> list[Record]:
    return [record async for record in journal.records((Kind.ALARM,))]


async def test_a_head_is_signed_at_once_and_then_every_hour_if_the_chain_grew(
    journal: JournalDb, settings: Settings
) -> None:
    await sign_if_due(journal, settings, AT)
    assert await signed(journal) == [1]
    await grow(journal)
    await sign_if_due(journal, settings, AT + HOUR - timedelta(seconds=1))
    assert await signed(journal) == [1]
    await sign_if_due(journal, settings, AT + HOUR)
    assert await signed(journal) == [1, 2]
    await sign_if_due(journal, settings, AT + 9 * HOUR)
    assert await signed(journal) == [1, 2]
    assert all(map(is_signed, await journal.heads()))
    assert read_witness(settings.paths.heads) == await journal.heads()


async def test_a_clock_that_was_put_back_does_not_keep_from_signing(journal: JournalDb, settings: Settings) -> None:
    await sign_if_due(journal, settings, AT)
    await grow(journal)
    await sign_if_due(journal, settings, AT - timedelta(days=400))
    assert await signed(journal) == [1, 2]
    assert (await verify_journal(settings)).is_sound


async def test_what_is_signed_already_is_not_signed_twice(journal: JournalDb, settings: Settings) -> None:
    first = await sign_head(journal, settings, AT)
    assert await sign_head(journal, settings, AT + HOUR) == first
    assert len(read_witness(settings.paths.heads)) == 1


async def test_a_new_key_is_entered_once_and_both_keys_count(journal: JournalDb, settings: Settings) -> None:
    await sign_head(journal, settings, AT)
    settings.paths.device_key.unlink()
    for hours in (1, 2):
        await grow(journal)
        await sign_head(journal, settings, AT + hours * HOUR, make_key=True)
    (alarm,) = await alarms(journal)
    assert (text(alarm.body, "what"), text(alarm.body, "key")) == (Alarm.KEY_CHANGED, (await journal.heads())[-1].key)
    verdict = await verify_journal(settings)
    assert verdict.is_sound
    assert verdict.alarms == (alarm,)


async def test_a_journal_put_back_to_an_earlier_state_is_noticed_by_itself(settings: Settings, tmp_path: Path) -> None:
    path, copy = settings.paths.journal_db, tmp_path / "copy"
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, AT)
    shutil.copy(path, copy)
    async with opened_journal(settings) as journal:
        lost = await grow(journal)
        await sign_head(journal, settings, AT + HOUR)
    shutil.copy(copy, path)
    async with opened_journal(settings) as journal:
        for minutes in range(3):
            await sign_head(journal, settings, AT + HOUR + timedelta(minutes=minutes))
        (alarm,) = await alarms(journal)
    assert alarm.body == {"what": Alarm.ROLLED_BACK, "number": lost.number, "link": lost.link}
    first = (await verify_journal(settings)).broken[0]
    assert (first.trouble, first.number, first.where) == (Trouble.HEAD, 2, "heads.txt:2")


async def test_a_journal_begun_anew_after_damage_is_whole_and_says_so(settings: Settings, tmp_path: Path) -> None:
    async with opened_journal(settings) as journal:
        for hours in range(3):
            await grow(journal)
            await sign_head(journal, settings, AT - (9 - hours) * HOUR)
    settings.paths.journal_db.write_bytes(b"no database")
    moved = await begin_again(settings, AT)
    assert (tmp_path / moved).read_bytes() == b"no database"
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, AT - 9 * HOUR)  # the clock was put back: nothing may hang on it
        assert [text(each.body, "what") for each in await alarms(journal)] == [Alarm.DAMAGED]
    verdict = await verify_journal(settings)
    assert verdict.broken == ()
    assert verdict.earlier == 3
    assert moved in describe_alarm(verdict.alarms[0].body)
    # Without the alarm it is no accident.
    by_hand(settings.paths.journal_db, "DELETE FROM chain WHERE number = 2", "DELETE FROM heads")
    assert (await verify_journal(settings)).broken[0].trouble is Trouble.HEAD


async def test_heads_txt_that_a_power_cut_tore_anywhere_goes_on_whole(settings: Settings) -> None:
    """A line is on the disk before journal.db has its head: one that is torn was never counted on."""
    path = settings.paths.heads
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, AT)
        before = path.read_bytes()
        await grow(journal)
        after = await sign_head(journal, settings, AT + HOUR)
        whole = path.read_bytes()
    by_hand(settings.paths.journal_db, "DELETE FROM heads WHERE number = 2")
    for end in range(len(before), len(whole) + 1):
        path.write_bytes(whole[:end])
        assert (await verify_journal(settings)).is_sound, end
        append_witness(path, after)
        heads = read_witness(path)
        assert heads[-1] == after == last_witness(path)
        assert None not in heads
    for tail in (b"\0" * 4096, b"8 41ebf0", b"\0"):
        path.write_bytes(before + tail)
        append_witness(path, after)
        assert path.read_bytes() == whole


async def test_a_line_of_heads_txt_is_judged_by_openssh(journal: JournalDb, settings: Settings, tmp_path: Path) -> None:
    head = await sign_head(journal, settings, AT)
    _number, _link, _at, fingerprint, signature = line_of(head).split(" ")
    armored = f"-----BEGIN SSH SIGNATURE-----\n{signature}\n-----END SSH SIGNATURE-----\n"
    (tmp_path / "head.sig").write_text(armored)
    (tmp_path / "allowed").write_text(f"school {head.key}\n")
    message = head_message(Head(head.number, head.link), head.at)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "school", "-n", HEAD_NAMESPACE]
    command += ["-s", str(tmp_path / "head.sig")]
    result = await asyncio.to_thread(subprocess.run, command, input=message, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
    assert fingerprint.encode() in result.stdout


async def test_a_folder_that_cannot_be_written_leaves_no_head_in_the_journal(
    journal: JournalDb, settings: Settings
) -> None:
    settings.paths.heads.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        await sign_if_due(journal, settings, AT)
    assert await signed(journal) == []


def test_each_alarm_has_words() -> None:
    for what in Alarm:
        words = describe_alarm({"what": what.value, "segment": "s", "moved": "m", "number": 3, "kept": 2})
        assert "{" not in words
        assert words != what
    assert describe_alarm({"what": "new", "text": "something new"}) == "something new"
