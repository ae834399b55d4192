"""After journal.db was damaged or lost, no number of an incident or an erasure comes again: papers name them."""

from datetime import date, datetime, timedelta

import pytest

from journal.archiving.erasure import ask_for_erasure
from journal.numbering import numbering_of
from journal.opening import opened_journal
from journal.recovering import begin_again, keep_copy
from journal.trust.alarms import describe_alarm
from journal.trust.signing import sign_head
from journal.trust.verifying import verify_journal
from settings.model import Settings
from storage.evidence import Kind, Record
from storage.last_good import last_good
from tests.journal.loss.conftest import MORNING
from tests.journal.tailing import Clock, Worker, at, caught_up, incidents, line

BLOCK = "block\tlocked\tterrorism\tours"
GARBAGE = b"no database at all" * 400


async def report(settings: Settings, now: datetime) -> str:
    """Enter a report of a site, as `report-site` does; return its number."""
    async with opened_journal(settings) as journal, journal.changing(now) as change:
        number = (await numbering_of(journal)).next(f"{now:%Y-%m}")
        body = {"id": number, "rule": "report", "severity": "", "audience": "responsible", "name": "a.example"}
        await change.add(Kind.REPORTED, body, by="aigul")
        return number


async def erase(settings: Settings, now: datetime) -> str:
    day = date(2026, 9, 1)
    async with opened_journal(settings) as journal:
        return await ask_for_erasure(
            journal, clients=["10.1.0.5"], devices=[], first=day, last=day, why="-", document="order 12 of 2026-09-02",
            at=now, by="deputy",
        )  # fmt: skip


async def sign(settings: Settings, now: datetime) -> None:
    async with opened_journal(settings) as journal:
        await sign_head(journal, settings, now)


async def damage(settings: Settings, now: datetime) -> Record:
    """Damage the journal, and let it be gone on from; return the alarm."""
    settings.paths.journal_db.write_bytes(GARBAGE)
    for suffix in ("-wal", "-shm"):
        settings.paths.journal_db.with_name(f"journal.db{suffix}").unlink(missing_ok=True)
    await begin_again(settings, now)
    async with opened_journal(settings) as journal:
        return [record async for record in journal.records((Kind.ALARM,))][-1]


@pytest.mark.parametrize("copied", [True, False])
async def test_a_report_that_is_lost_keeps_its_number_from_whatever_is_found_again(
    settings: Settings, clock: Clock, copied: bool
) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    await caught_up(settings, clock)
    ids = [await report(settings, clock())]
    await sign(settings, clock())
    if copied:
        assert (await keep_copy(settings)).is_sound
    ids.append(await report(settings, clock()))
    worker.write(line(MORNING + timedelta(minutes=1), "www.bad.example", BLOCK) * 5)
    await caught_up(settings, clock)
    ids += [each.id for each in await incidents(settings) if each.rule != "report"]
    assert ids == ["2026-09-0001", "2026-09-0002", "2026-09-0003"]
    settings.paths.journal_db.write_bytes(GARBAGE)
    await caught_up(settings, clock)
    (found,) = (each for each in await incidents(settings) if each.rule != "report")
    assert found.id == "2026-09-0201"
    assert await report(settings, clock()) == "2026-09-0202"
    await sign(settings, clock())
    assert (await verify_journal(settings)).is_sound


async def test_an_erasure_that_is_lost_keeps_its_number(settings: Settings, clock: Clock) -> None:
    await report(settings, clock())
    await keep_copy(settings)
    assert [await erase(settings, clock()), await erase(settings, clock())] == ["2026-0001", "2026-0002"]
    await sign(settings, clock())
    await damage(settings, clock())
    assert await erase(settings, clock()) == "2026-0201"


async def test_heads_txt_says_how_much_was_lost_though_the_process_knows_less(settings: Settings, clock: Clock) -> None:
    await report(settings, clock())
    await keep_copy(settings)
    for _count in range(150):
        last = await report(settings, clock())
    await sign(settings, clock())
    alarm = await damage(settings, clock())
    assert last == "2026-09-0151"
    assert alarm.body["numbers"] == 300
    assert await report(settings, clock()) == "2026-09-0301"


async def test_damage_again_and_again_gives_no_number_twice(settings: Settings, clock: Clock) -> None:
    """A bad disk does it again at once, before a round of the archive made a new copy."""
    await report(settings, clock())
    await keep_copy(settings)
    ids = []
    for count in (230, 3, 3, 150):
        ids += [await report(settings, clock()) for _each in range(count)]
        await sign(settings, clock())
        await damage(settings, clock())
    assert len(set(ids)) == len(ids)
    assert (await verify_journal(settings)).is_sound


async def test_if_nothing_says_how_much_was_lost_numbers_begin_far_behind(settings: Settings, clock: Clock) -> None:
    await report(settings, clock())
    await keep_copy(settings)
    settings.paths.heads.unlink(missing_ok=True)
    assert (await damage(settings, clock())).body["numbers"] == 10_200


async def test_the_months_after_begin_with_1_again(settings: Settings, clock: Clock) -> None:
    await report(settings, clock())
    await keep_copy(settings)
    await sign(settings, clock())
    assert (await damage(settings, clock())).body["until"] == "2026-09"
    assert await report(settings, clock() + timedelta(days=30)) == "2026-10-0001"


@pytest.mark.parametrize(
    ("last", "now", "until"),
    [
        ("2026-09-15T10:00:00", "2026-09-30T10:00:00", "2026-10"),
        ("2026-09-15T10:00:00", "2026-09-29T22:00:00", "2026-09"),
        ("2026-09-15T10:00:00", "2020-01-01T10:00:00", "2026-09"),
        ("2026-10-02T10:00:00", "2020-01-01T10:00:00", "2026-10"),
    ],
)
async def test_a_clock_that_lost_its_time_lets_no_number_come_again(
    settings: Settings, last: str, now: str, until: str
) -> None:
    """The last month in which numbers may have been given is that of the last head that was signed, too."""
    await report(settings, MORNING)
    await keep_copy(settings)
    await report(settings, at(last))
    await sign(settings, at(last))
    assert (await damage(settings, at(now))).body["until"] == until


@pytest.mark.parametrize("moved", [True, False])
@pytest.mark.parametrize("copied", [True, False])
async def test_the_alarm_says_from_where_numbers_go_on(
    settings: Settings, clock: Clock, moved: bool, copied: bool
) -> None:
    await report(settings, clock())
    await sign(settings, clock())
    if copied:
        await keep_copy(settings)
    alarm = await damage(settings, clock())
    body = {**alarm.body, "moved": alarm.body["moved"] if moved else ""}
    said = describe_alarm(body)
    assert "numbered from 201 on, up to 2026-09" in said
    assert "lost" in said
    del body["numbers"], body["until"]
    assert "numbered" not in describe_alarm(body)


async def test_the_new_journal_is_copied_at_once(settings: Settings, clock: Clock) -> None:
    await report(settings, clock())
    await keep_copy(settings)
    alarm = await damage(settings, clock())
    assert settings.paths.journal_db.exists()
    settings.paths.journal_db.write_bytes(GARBAGE)
    again = await damage(settings, clock())
    assert again.body["kept"] == alarm.number
    assert last_good(settings.paths.journal_db).exists()
