"""Lines come into the journal once, whatever happens to files, clocks and the disk."""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from hashlib import sha256
from pathlib import Path

import aiosqlite
import pytest

from journal.detection import folding as folding_module
from journal.intake.taking import Pace
from journal.opening import opened_journal
from journal.trust.alarms import Alarm
from resolver.querylog import HEADER_LINE, QueryLog, repair
from settings.model import Durability, Settings
from storage.evidence import Kind, Record
from storage.journal_db import Change, Position, StoredArchive
from tests.journal.tailing import (
    Clock,
    Worker,
    at,
    caught_up,
    counts,
    counts_by_awk,
    digest,
    incidents,
    installation,
    kept,
    line,
    state,
)  # fmt: skip

MORNING = at("2026-09-02T10:00:00")
BLOCK = "block\tcategory\tgames\tours"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", MORNING + timedelta(minutes=10))


async def records(settings: Settings, *kinds: Kind) -> list[Record]:
    async with opened_journal(settings) as journal:
        return [record async for record in journal.records(kinds)]


async def total(settings: Settings) -> int:
    return sum((await counts(settings)).values())


async def test_half_a_line_waits_until_it_is_whole(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    whole = line(MORNING)
    for cut in (1, 30, len(whole) - 1):
        worker.write(whole[:cut])
        before = await total(settings) if settings.paths.journal_db.exists() else 0
        await caught_up(settings, clock)
        assert await total(settings) == before
        worker.write(whole[cut:])
        await caught_up(settings, clock)
        assert await total(settings) == before + 1


async def test_half_a_header_waits_too(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    path = worker.roll(MORNING)
    path.write_bytes(HEADER_LINE[:20])
    await caught_up(settings, clock)
    path.write_bytes(HEADER_LINE)
    worker.write(line(MORNING))
    await caught_up(settings, clock)
    assert await total(settings) == 1
    assert not await records(settings, Kind.ALARM)


async def test_lines_of_just_now_wait_for_those_of_other_workers(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(clock() - timedelta(seconds=3)) + line(clock() - timedelta(seconds=1)))
    await caught_up(settings, clock)
    assert await total(settings) == 1
    clock.set(clock() + timedelta(seconds=2))
    await caught_up(settings, clock)
    assert await total(settings) == 2


async def test_a_segment_is_closed_when_its_worker_writes_to_another_and_all_is_taken(
    settings: Settings, clock: Clock
) -> None:
    worker = Worker(settings.paths.query_log)
    first = worker.roll(MORNING)
    worker.write(line(MORNING) + b"dam\taged\n" + line(MORNING + timedelta(seconds=1)))
    await caught_up(settings, clock)
    assert not await records(settings, Kind.SEGMENT)
    worker.roll(MORNING + timedelta(minutes=5))
    await caught_up(settings, clock)
    (record,) = await records(settings, Kind.SEGMENT)
    assert record.body == {
        "name": first.name, "digest": digest(first), "bytes": first.stat().st_size, "lines": 3, "damaged": 1,
        "first": "2026-09-02T10:00:00.000+05:00", "last": "2026-09-02T10:00:01.000+05:00", "days": ["2026-09-02"],
    }  # fmt: skip
    async with opened_journal(settings) as journal:
        (segment,) = await journal.segments()
        assert list(await journal.positions()) == [worker.path.name]
    assert (segment.name, segment.digest, segment.lines, segment.archive, segment.removed) == (
        first.name, digest(first), 3, "", 0,
    )  # fmt: skip


async def test_what_a_dead_worker_left_torn_is_not_waited_for(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    first = worker.roll(MORNING)
    worker.write(line(MORNING) + line(MORNING)[:40])
    worker.roll(MORNING + timedelta(minutes=5))
    await caught_up(settings, clock)
    (record,) = await records(settings, Kind.SEGMENT)
    assert record.body["bytes"] == first.stat().st_size - 40
    repair(settings.paths.query_log, 0)
    await caught_up(settings, clock)
    assert record.body["digest"] == digest(first)
    assert not await records(settings, Kind.ALARM)


async def test_a_segment_that_nobody_writes_to_any_more_is_closed_after_two_hours(
    settings: Settings, clock: Clock
) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING))
    os.utime(worker.path, (MORNING.timestamp(),) * 2)
    pace = Pace(still_seconds=0)
    clock.set(MORNING + timedelta(hours=2))
    await caught_up(settings, clock, pace)
    assert not await records(settings, Kind.SEGMENT)
    clock.set(MORNING + timedelta(hours=2, seconds=1))
    await caught_up(settings, clock)
    assert not await records(settings, Kind.SEGMENT), "the clock alone may have jumped"
    await caught_up(settings, clock, pace)
    assert len(await records(settings, Kind.SEGMENT)) == 1


async def test_a_header_alone_is_a_segment_of_no_lines(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    for hour in range(3):
        worker.roll(MORNING + timedelta(hours=hour))
    clock.set(MORNING + timedelta(hours=3))
    await caught_up(settings, clock)
    assert [record.body["lines"] for record in await records(settings, Kind.SEGMENT)] == [0, 0]


async def test_what_was_changed_behind_us_is_an_alarm_once_and_the_rest_is_taken(
    settings: Settings, clock: Clock
) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING, "good.example"))
    await caught_up(settings, clock)
    was = digest(worker.path)
    worker.path.write_bytes(worker.path.read_bytes().replace(b"good.example", b"evil.example"))
    worker.write(line(MORNING))
    for _turn in range(2):
        await caught_up(settings, clock)
    (alarm,) = await records(settings, Kind.ALARM)
    assert (alarm.body["what"], alarm.body["segment"]) == (Alarm.SEGMENT_CHANGED, worker.path.name)
    assert alarm.body["digest"] == was
    assert await total(settings) == 2
    worker.roll(MORNING + timedelta(minutes=1))
    await caught_up(settings, clock)
    (record,) = await records(settings, Kind.SEGMENT)
    assert record.body["digest"] == digest(settings.paths.query_log / str(record.body["name"]))


@pytest.mark.parametrize("running", [True, False])
async def test_a_segment_that_shrank_is_an_alarm_and_followed_from_its_end(
    settings: Settings, clock: Clock, running: bool
) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING) * 3)

    async def cut() -> None:
        os.truncate(worker.path, len(HEADER_LINE) + len(line(MORNING)) + 5)

    if running:
        async with kept(settings, clock) as tailer, asyncio.timeout(30):
            while not tailer.idle:
                await asyncio.sleep(0.002)
            await cut()
            while not state(settings).head.startswith("2:"):
                await asyncio.sleep(0.01)
    else:
        await caught_up(settings, clock)
        await cut()
        await caught_up(settings, clock)
    (alarm,) = await records(settings, Kind.ALARM)
    assert (alarm.body["what"], alarm.body["segment"]) == (Alarm.SEGMENT_CUT, worker.path.name)
    os.truncate(worker.path, len(HEADER_LINE) + len(line(MORNING)))
    worker.write(line(MORNING))
    await caught_up(settings, clock)
    assert await total(settings) == 4
    async with opened_journal(settings) as journal:
        position = (await journal.positions())[worker.path.name]
    assert (position.digest, position.lines) == (digest(worker.path), 2)


async def test_a_segment_that_vanished_before_it_was_closed_is_an_alarm(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    gone = worker.roll(MORNING)
    worker.write(line(MORNING))
    await caught_up(settings, clock)
    was = digest(gone)
    gone.unlink()
    worker.roll(MORNING + timedelta(minutes=1))
    worker.write(line(MORNING + timedelta(minutes=1)))
    for _turn in range(2):
        await caught_up(settings, clock)
    (alarm,) = await records(settings, Kind.ALARM)
    assert (alarm.body["what"], alarm.body["segment"]) == (Alarm.SEGMENT_LOST, gone.name)
    (record,) = await records(settings, Kind.SEGMENT)
    assert (record.body["name"], record.body["digest"]) == (gone.name, was)
    assert await total(settings) == 2


@pytest.mark.parametrize("why", ["vanished", "removed"])
async def test_a_segment_that_is_put_back_after_its_end_is_not_taken_twice(
    settings: Settings, clock: Clock, tmp_path: Path, why: str
) -> None:
    """The round of the night may be killed between its record and the file; a person may put a copy back."""
    worker = Worker(settings.paths.query_log)
    path = worker.roll(MORNING)
    worker.write(line(MORNING))
    if why == "removed":
        worker.roll(MORNING + timedelta(minutes=1))
    await caught_up(settings, clock)
    path.rename(tmp_path / "aside")
    if why == "removed":
        async with opened_journal(settings) as journal, journal.changing(clock()) as change:
            await change.segments_removed([path.name])
    await caught_up(settings, clock)
    async with kept(settings, clock) as tailer, asyncio.timeout(30):
        while not tailer.idle:
            await asyncio.sleep(0.002)
        (tmp_path / "aside").rename(path)
        tailer.idle = False
        while not tailer.idle:
            await asyncio.sleep(0.002)
    await caught_up(settings, clock)
    assert await total(settings) == 1
    assert len(await records(settings, Kind.SEGMENT)) == 1


@pytest.mark.parametrize("put", ["same", "other"])
async def test_another_file_under_the_name_of_a_removed_segment_is_an_alarm_once(
    settings: Settings, clock: Clock, put: str
) -> None:
    """Its lines cannot be entered: the chain closes a name once. What was there before may be put back."""
    worker = Worker(settings.paths.query_log)
    path = worker.roll(MORNING)
    worker.write(line(MORNING))
    octets = path.read_bytes()
    worker.roll(MORNING + timedelta(minutes=1))
    await caught_up(settings, clock)
    async with opened_journal(settings) as journal, journal.changing(clock()) as change:
        kept_as = StoredArchive("date=2026-09-02/0001.parquet", "2026-09-02", 1, 9, "", 1)
        await change.archived(kept_as, [path.name])
        await change.segments_removed([path.name])
    path.write_bytes(octets if put == "same" else HEADER_LINE + line(MORNING, "another.example.org") * 2)
    for _turn in range(2):
        await caught_up(settings, clock)
    alarms = await records(settings, Kind.ALARM)
    told = [(record.body["what"], record.body["segment"]) for record in alarms]
    assert told == ([] if put == "same" else [(Alarm.SEGMENT_STRANGE, path.name)])
    assert await total(settings) == 1
    # What the alarm advises: a number that no segment has.
    path.rename(path.with_name(f"{path.name[:19]}0003.tsv"))
    await caught_up(settings, clock)
    assert await total(settings) == (2 if put == "same" else 3)
    assert len(await records(settings, Kind.ALARM)) == len(alarms)


@pytest.mark.parametrize("change", ["more", "less"])
async def test_a_closed_segment_that_changes_is_an_alarm_once(settings: Settings, clock: Clock, change: str) -> None:
    worker = Worker(settings.paths.query_log)
    closed = worker.roll(MORNING)
    worker.write(line(MORNING) * 2)
    worker.roll(MORNING + timedelta(minutes=1))
    await caught_up(settings, clock)
    if change == "more":
        closed.write_bytes(closed.read_bytes() + line(MORNING))
    else:
        os.truncate(closed, closed.stat().st_size - 1)
    for _turn in range(2):
        await caught_up(settings, clock)
    assert [record.body["segment"] for record in await records(settings, Kind.ALARM)] == [closed.name]
    assert await total(settings) == 2, "what came after the closing is nobody's"


async def test_lines_that_name_a_moment_to_come_are_taken_after_a_while(settings: Settings, clock: Clock) -> None:
    """The clock was put back: what was written before it lies in the future."""
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(clock() + timedelta(hours=5)) + line(clock() - timedelta(minutes=1)))
    async with kept(settings, clock, Pace(patience_seconds=0.05)), asyncio.timeout(30):
        while not (settings.paths.journal_db.exists() and await total(settings) == 2):
            await asyncio.sleep(0.02)


async def test_a_line_longer_than_a_batch_is_one_line(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING) + b"x" * 100_000 + b"\n" + line(MORNING))
    await caught_up(settings, clock, Pace(batch_octets=1000))
    assert await total(settings) == 2
    async with opened_journal(settings) as journal:
        assert (await journal.positions())[worker.path.name].damaged == 1


async def test_one_moment_may_fill_more_than_a_batch(settings: Settings, clock: Clock) -> None:
    for number in range(2):
        worker = Worker(settings.paths.query_log, number)
        worker.roll(MORNING)
        worker.write(line(MORNING) * 100)
    await caught_up(settings, clock, Pace(batch_octets=1000))
    assert await total(settings) == 200


# -- days --------------------------------------------------------------------------------------------------------------


async def test_a_day_is_summed_when_it_is_over_and_its_segments_are_closed(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(at("2026-09-02T23:00:00"))
    worker.write(line(at("2026-09-02T23:10:00")) * 3 + line(at("2026-09-02T23:20:00"), outcome=BLOCK) + b"damaged\n")
    clock.set(at("2026-09-03T00:00:30"))
    await caught_up(settings, clock)
    assert not await records(settings, Kind.DAY)
    worker.roll(at("2026-09-03T00:00:20"))
    await caught_up(settings, clock)
    (record,) = await records(settings, Kind.DAY)
    said = (
        '[["2026-09-02T23","214","pupils","allow","default","",3],'
        '["2026-09-02T23","214","pupils","block","category","games",1]]'
    )
    assert record.body == {
        "digest": sha256(said.encode()).hexdigest(),
        "date": "2026-09-02", "queries": 4, "damaged": 1, "actions": {"allow": 3, "block": 1}, "blocked": {"games": 1},
        "rooms": {"214": {"queries": 4, "blocked": 1}}, "groups": {"pupils": {"queries": 4, "blocked": 1}},
    }  # fmt: skip
    worker.write(line(at("2026-09-02T23:59:59"), outcome="block\tlevel\t\t"))
    for _turn in range(2):
        await caught_up(settings, clock)
    first, second = await records(settings, Kind.DAY)
    assert (first.body, second.body["queries"]) == (record.body, 5)
    assert second.body["blocked"] == {"games": 1, "level": 1}


async def test_days_of_no_lines_get_no_sum(settings: Settings, clock: Clock) -> None:
    worker = Worker(settings.paths.query_log)
    for hour in range(30):
        worker.roll(MORNING + timedelta(hours=hour))
    clock.set(MORNING + timedelta(days=2))
    await caught_up(settings, clock)
    assert not await records(settings, Kind.DAY)


# -- errors ------------------------------------------------------------------------------------------------------------


def _log(settings: Settings) -> None:
    """Write a log with all that makes records: closed segments, incidents, a day that is over, damaged lines."""
    for number in range(2):
        worker = Worker(settings.paths.query_log, number)
        for hour in range(3):
            begun = MORNING + timedelta(hours=hour)
            worker.roll(begun)
            for step in range(40):
                moment = begun + timedelta(minutes=step, seconds=number)
                site = f"www.s{step % 7}.example"
                worker.write(line(moment, site, "block\tlocked\tterrorism\tours", f"10.1.{number}.{step % 3}"))
                worker.write(line(moment + timedelta(seconds=20)) + b"dam\taged\n")


_CHANGES = ("BEGIN", "INSERT", "DELETE", "UPDATE", "COMMIT")


class Trouble:
    """Breaks what SQLite is asked to do, at one step after the other: before or after it was done."""

    def __init__(self) -> None:
        self.left = -1
        self.broke = False

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.broke = True
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Trouble:
    made = Trouble()
    real = aiosqlite.Connection._execute

    async def execute(self: aiosqlite.Connection, call: Callable[..., object], *arguments: object) -> object:
        # Not those that read: a cursor that nobody closes would keep others from writing, which no real error does.
        changes = str(arguments[0] if arguments else "").split(" ", 1)[0] in _CHANGES
        if changes:
            made.step()
        done: object = await real(self, call, *arguments)  # type: ignore[no-untyped-call]
        if changes:
            made.step()
        return done

    monkeypatch.setattr(aiosqlite.Connection, "_execute", execute)
    return made


async def test_an_error_at_any_statement_costs_no_line_and_doubles_none(
    tmp_path: Path, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.intake.tailer.FIRST_PAUSE", 0.001)
    calm = installation(tmp_path / "calm")
    _log(calm)
    clock = Clock(tmp_path / "clock", MORNING + timedelta(days=1))
    pace = Pace(batch_octets=40_000)
    await caught_up(calm, clock, pace)
    expected = await _summary(calm)
    assert any(isinstance(each, list) and each for each in expected)
    broken = 0
    for number in range(1, 160, 3):
        settings = installation(tmp_path / str(number))
        for path in calm.paths.query_log.iterdir():
            os.link(path, settings.paths.query_log / path.name)
        trouble.left, trouble.broke = number, False
        await caught_up(settings, clock, pace)
        trouble.left = -1
        broken += trouble.broke
        await caught_up(settings, clock, pace)
        assert await _summary(settings) == expected, f"after an error at step {number}"
    assert broken > 40


async def _summary(settings: Settings) -> list[object]:
    """Return what the journal came to."""
    async with opened_journal(settings) as journal:
        positions = await journal.positions()
        segments = [replace(each, record=0) for each in await journal.segments()]
        bodies = sorted([str(r.body) async for r in journal.records((Kind.SEGMENT, Kind.DAY, Kind.ALARM))])
    found = [replace(each, record=0, at=each.at.min) for each in await incidents(settings)]
    assert await counts(settings) == counts_by_awk(settings.paths.query_log.iterdir())
    return [positions, segments, bodies, found]


async def test_what_the_journal_tells_of_a_segment_is_on_the_disk_before_it_is_told(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut takes from each file what nobody forced to the disk: no line may be told that goes with it."""
    forced: dict[int, int] = {}
    told: list[tuple[int, int]] = []
    put = Change.put_position

    def force(descriptor: int) -> None:
        facts = os.fstat(descriptor)
        forced[facts.st_ino] = facts.st_size

    async def put_position(change: Change, name: str, position: Position) -> None:
        told.append((forced.get((settings.paths.query_log / name).stat().st_ino, 0), position.taken))
        await put(change, name, position)

    monkeypatch.setattr(os, "fdatasync", force)
    monkeypatch.setattr(Change, "put_position", put_position)
    workers = [Worker(settings.paths.query_log, number) for number in (0, 1)]
    for worker in workers:
        worker.roll(MORNING)
    async with kept(settings, clock), asyncio.timeout(30):
        for minutes in range(3):
            for worker in workers:
                worker.write(line(MORNING + timedelta(minutes=minutes)) * 3)
            while await total(settings) < 6 * (minutes + 1):
                await asyncio.sleep(0.002)
    assert len(told) >= 6
    assert all(is_forced >= taken for is_forced, taken in told)


async def test_a_disk_that_takes_nothing_is_waited_for(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.intake.tailer.FIRST_PAUSE", 0.001)
    fdatasync, refused = os.fdatasync, 0

    def refuse(descriptor: int) -> None:
        nonlocal refused
        refused += 1
        if refused <= 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", refuse)
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING) * 3)
    await caught_up(settings, clock)
    assert refused > 3
    assert await total(settings) == 3


@pytest.mark.parametrize("superseded", [False, True])
async def test_a_segment_that_a_worker_has_open_is_not_closed_however_old_it_is(
    settings: Settings, clock: Clock, *, superseded: bool
) -> None:
    log = QueryLog(
        settings.paths.query_log, 0, UTC, segment_bytes=1 << 20, durability=Durability.NONE,
        clock=lambda: clock().timestamp(),
    )  # fmt: skip
    clock.set(MORNING)
    log.open()
    log.write(line(MORNING))
    (path,) = settings.paths.query_log.iterdir()
    later = MORNING + timedelta(hours=5)
    os.utime(path, (MORNING.timestamp(), MORNING.timestamp()))
    if superseded:  # by the worker that follows one which takes long to end
        Worker(settings.paths.query_log).roll(MORNING + timedelta(hours=4))
    clock.set(later)
    pace = Pace(still_seconds=0.0)
    await caught_up(settings, clock, pace)
    assert path.name not in [each.body["name"] for each in await records(settings, Kind.SEGMENT)]
    log.write(line(later - timedelta(minutes=1)))  # the folder takes no new file, but the old one still grows
    await caught_up(settings, clock, pace)
    assert await total(settings) == 2
    log.close()
    os.utime(path, (MORNING.timestamp(), MORNING.timestamp()))
    await caught_up(settings, clock, pace)
    assert path.name in [each.body["name"] for each in await records(settings, Kind.SEGMENT)]
    assert not await records(settings, Kind.ALARM)


async def test_that_incidents_of_made_up_addresses_are_left_out_is_an_alarm_once_an_hour(
    settings: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding_module, "MOST_UNKNOWN", 3)
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    for number in range(30):
        moment = MORNING + timedelta(seconds=number)
        asked = line(moment, "drugshop.example", "block\tlocked\tdrugs\tours", client=f"10.9.9.{number}")
        worker.write(asked.replace(b"\tlab-07\t", b"\t\t"))
    clock.set(MORNING + timedelta(minutes=2))
    await caught_up(settings, clock, Pace(batch_octets=500))
    assert len(await incidents(settings)) == 3
    assert [each.body["what"] for each in await records(settings, Kind.ALARM)] == [Alarm.FLOODED]
