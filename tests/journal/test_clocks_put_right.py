"""A clock that is put right, back or forward, is no tampering: machines at school have no battery, and ask by NTP."""

from collections.abc import Sequence
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest

from journal.archiving.log_count import count_log
from journal.exporting.export import records_of
from journal.intake.taking import Pace
from journal.opening import opened_journal
from journal.recovering import keep_copy
from journal.trust.verdict import Trouble
from journal.trust.verifying import verify_journal
from settings.model import Settings
from storage.evidence import Kind
from storage.last_good import last_good
from tests.journal.evidence_scene import by_hand
from tests.journal.tailing import Clock, Worker, at, caught_up, installation, line

DAYS = ("2026-11-02", "2026-11-04", "2026-12-20")
PACE = Pace(list_seconds=0.0, patience_seconds=0.0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


async def _taken(settings: Settings, days: Sequence[str], *, closed: bool) -> None:
    """Take a segment in whose clock jumps from day to day, later days as today, and an old day that has its sums."""
    worker, clock = Worker(settings.paths.query_log), Clock(settings.paths.state / "clock", at("2026-10-30T12:00:00"))
    worker.roll(at("2026-10-29T09:00:00"))
    worker.write(line(at("2026-10-29T09:10:00")))
    worker.roll(at("2026-10-30T09:00:00"))
    await caught_up(settings, clock, PACE)
    clock.set(at("2027-01-10T12:00:00"))
    worker.roll(at("2027-01-10T09:00:00"))
    for day in days:
        worker.write(line(at(f"{day}T09:10:00")))
        await caught_up(settings, clock, PACE)
    if closed:
        worker.roll(at("2027-01-10T10:00:00"))
    for _turn in range(2):
        await caught_up(settings, clock, PACE)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("days", list(permutations(DAYS)))
async def test_a_clock_that_jumps_within_a_segment_is_no_tampering(
    settings: Settings, days: tuple[str, ...], closed: bool
) -> None:
    await _taken(settings, days, closed=closed)
    assert (await verify_journal(settings)).broken == ()
    assert (await keep_copy(settings)).is_sound
    assert last_good(settings.paths.journal_db).exists()
    # What has nothing to do with it is judged as ever: days before, between and after.
    for day in ("2026-10-28", "2026-11-03", "2026-12-01", "2027-01-02"):
        by_hand(settings.paths.journal_db, ("INSERT INTO counts VALUES (?, 1, 1)", f"{day}T09"))
    by_hand(settings.paths.journal_db, "UPDATE counts SET hour = '2026-10-29T10' WHERE hour = '2026-10-29T09'")
    troubled = [(each.trouble, each.where) for each in (await verify_journal(settings)).broken]
    named = ("2026-10-29", "2026-10-28", "2026-11-03", "2026-12-01", "2027-01-02")
    assert troubled == [(Trouble.TABLE, f"counts: {day}") for day in named]


async def test_a_segment_goes_with_all_its_days_and_no_others(settings: Settings) -> None:
    await _taken(settings, ("2026-12-20", "2026-11-02"), closed=True)
    (segment,) = [each for each in settings.paths.query_log.iterdir() if each.name.startswith("20270110T0400")]
    async with opened_journal(settings) as journal:
        (record,) = [r async for r in journal.records((Kind.SEGMENT,)) if r.body["name"] == segment.name]
        assert record.body["days"] == ["2026-11-02", "2026-12-20"]
        for day, of_it in (("2026-11-01", False), ("2026-11-02", True), ("2026-11-30", False), ("2026-12-20", True)):
            assert (record.number in await records_of(journal, day, day)) is of_it, day
        segment.rename(segment.with_suffix(".away"))
        for of, lost in ((date(2026, 11, 2), True), (date(2026, 11, 30), False), (date(2026, 12, 20), True)):
            assert (await count_log(settings, journal, of, of) is None) is lost, of


async def test_days_outlive_a_restart_and_a_segment_that_shrinks(settings: Settings) -> None:
    await _taken(settings, ("2026-12-20", "2026-11-02"), closed=False)
    clock = Clock(settings.paths.state / "clock", at("2027-01-10T12:00:10"))
    (path,) = [each for each in settings.paths.query_log.iterdir() if each.name.startswith("20270110T0400")]
    octets = path.read_bytes()
    path.write_bytes(octets[: octets.rindex(b"\n", 0, -1) + 1])
    await caught_up(settings, clock, PACE)
    async with opened_journal(settings) as journal:
        assert (await journal.positions())[path.name].days == ("2026-11-02", "2026-12-20")
    assert (await verify_journal(settings)).broken == (), "an alarm names it"
