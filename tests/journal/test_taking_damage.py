"""Nothing that a power cut, an upgrade or a clock may leave keeps the journal from going on."""

import asyncio
import fcntl
import logging
import shutil
import sqlite3
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from journal.detection.folding import Folding
from journal.detection.rules import Rules
from journal.detection.watching import Client
from journal.intake.days import days_to_sum, enter_day
from journal.intake.lessons import LessonScene
from journal.intake.taking import Pace, Taking
from journal.opening import opened_journal
from journal.trust.alarms import Alarm, describe_alarm
from journal.whole_line import is_whole
from resolver.querylog import HEADER_LINE
from settings.model import Settings
from storage.evidence import Kind, whole
from tests.journal.tailing import Clock, Worker, at, caught_up, counts, incidents, installation, line, state

MORNING = at("2026-09-02T10:00:00")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", MORNING + timedelta(hours=1))


def timed(text: str, outcome: str) -> bytes:
    """Return a line that names this time."""
    return text.encode() + line(MORNING, "www.bad.example", outcome)[29:]


@pytest.mark.parametrize("year", ["0001", "0999", "1969", "2201", "9999"])
@pytest.mark.parametrize("outcome", ["allow\tdefault\t\t", "block\tcategory\textremism\tours"])
async def test_a_line_of_a_year_that_no_clock_shows_is_damaged(
    settings: Settings, clock: Clock, year: str, outcome: str
) -> None:
    worker = Worker(settings.paths.query_log)
    path = worker.roll(MORNING)
    worker.write(line(MORNING) + timed(f"{year}-01-01T00:00:00.000+05:00", outcome) + line(MORNING))
    await caught_up(settings, clock)
    async with opened_journal(settings) as journal:
        position = (await journal.positions())[path.name]
    assert (position.lines, position.damaged) == (3, 1)
    assert sum((await counts(settings)).values()) == 2
    assert state(settings).error == ""
    assert await incidents(settings) == []


async def test_a_memory_that_cannot_be_read_is_dropped_and_said_once(
    settings: Settings, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING, "a.example", "block\tcategory\textremism\tours") * 5)
    async with opened_journal(settings) as journal, journal.changing(MORNING) as change:
        await change.put_folds({"10.0.0.1": '[null,-1,-1,[],[],[["no-such-rule"]],0]', "10.0.0.2": "\0"})
    for _start in range(2):
        await caught_up(settings, clock, Pace(batch_octets=100))
        assert state(settings).error == ""
    async with opened_journal(settings) as journal:
        (alarm,) = [each.body async for each in journal.records((Kind.ALARM,))]
        assert not {"10.0.0.1", "10.0.0.2"} & set(await journal.folds())
    assert alarm == {"what": Alarm.MEMORY_LOST.value, "clients": 2}
    assert "Addresses: 2." in describe_alarm(alarm)
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR] == [
        "what the incident rules remember of 2 clients cannot be read: dropped"
    ]
    assert len(await incidents(settings)) == 1


@pytest.mark.parametrize("day", ["2026-99-99", "0001-01-01", "9999-12-31", "", "x" * 10])
async def test_a_day_that_is_none_is_not_summed(settings: Settings, clock: Clock, day: str) -> None:
    worker = Worker(settings.paths.query_log)
    worker.roll(MORNING)
    worker.write(line(MORNING))
    await caught_up(settings, clock)
    with sqlite3.connect(settings.paths.journal_db) as connection:
        connection.execute("INSERT INTO counts SELECT ? || 'T00', tally, 1 FROM counts", (day,))
    connection.close()
    async with opened_journal(settings) as journal:
        assert await days_to_sum(journal) == {MORNING.date()}
    clock.set(MORNING + timedelta(days=2))
    await caught_up(settings, clock)
    assert state(settings).error == ""


@pytest.mark.parametrize("name", ["", "x", "20261399T000000-w0-0001.tsv"])
async def test_a_record_of_a_segment_whose_name_is_none_stops_no_sum(
    settings: Settings, clock: Clock, name: str
) -> None:
    Worker(settings.paths.query_log).write(line(MORNING))
    await caught_up(settings, clock)
    async with opened_journal(settings) as journal:
        async with journal.changing(MORNING) as change:
            await change.add(Kind.SEGMENT, {"name": name, "damaged": 7})
        await enter_day(journal, MORNING.date(), UTC, MORNING)
        days = [each async for each in journal.records((Kind.DAY,))]
    assert [each.body["damaged"] for each in days] == [0]


@pytest.mark.parametrize("first", [b"\0" * 4096 + line(MORNING), b"x" * 200_000 + b"\n", b"\n", HEADER_LINE[1:]])
async def test_a_segment_that_does_not_begin_with_a_header_is_taken_in(
    settings: Settings, clock: Clock, first: bytes
) -> None:
    path = Worker(settings.paths.query_log).roll(MORNING)
    path.write_bytes(first + line(MORNING) * 3)
    await caught_up(settings, clock)
    async with opened_journal(settings) as journal:
        position = (await journal.positions())[path.name]
    assert (position.taken, position.lines, position.damaged) == (path.stat().st_size, 3, 1)


_CLOCK = st.integers(0, int(datetime(2199, 12, 31, tzinfo=UTC).timestamp() * 1000)).map(
    lambda milliseconds: datetime.fromtimestamp(milliseconds / 1000, UTC)
)
_OUTCOME = st.sampled_from(
    ["allow\tdefault\t\t"] + [f"block\tcategory\t{each}\tx" for each in ("extremism", "adult", "bypass", "malware", "")]
)
_LINE = st.builds(line, _CLOCK, st.sampled_from(["a.example", "www.google.com", "vk.com", ""]), _OUTCOME)
_NEAR = st.builds(
    lambda seconds, name, outcome: line(MORNING + timedelta(seconds=seconds), name, outcome),
    st.floats(-9000, 9000), st.sampled_from(["a.example", "www.google.com", "vk.com", "ads.example"]), _OUTCOME,
)  # fmt: skip
_STRANGE = st.builds(
    timed,
    st.sampled_from(["0001-01-01T00:00:00.000+05:00", "1969-12-31T23:00:00.000+05:00", "9999-12-31T23:59:59.999-05:00",
                     "2026-99-99T99:99:99.999+05:00", "2026-02-30T10:00:00.000+05:00"]),
    _OUTCOME,
)  # fmt: skip
_TORN = st.builds(lambda octets, cut: octets[: cut % len(octets)], _NEAR, st.integers(1, 200))
_OCTETS = st.one_of(_NEAR, _NEAR, _LINE, _STRANGE, _TORN, st.binary(max_size=200), st.just(b"\n"))
_STEP = st.tuples(
    st.one_of(_CLOCK, st.integers(-8000, 8000).map(lambda seconds: MORNING + timedelta(seconds=seconds))),
    st.integers(0, 1), st.booleans(), st.lists(_OCTETS, max_size=12),
)  # fmt: skip


@given(st.lists(_STEP, min_size=1, max_size=8), st.integers(100, 3000))
@hypothesis_settings(max_examples=40, deadline=None)
def test_whatever_is_in_a_segment_and_whatever_the_clock_does_it_is_taken_in(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[datetime, int, bool, list[bytes]]], batch: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        asyncio.run(_taken(installation(folder), script, batch))
    finally:
        shutil.rmtree(folder)


async def _taken(settings: Settings, script: list[tuple[datetime, int, bool, list[bytes]]], batch: int) -> None:
    """Write and take step by step; what is taken is what is there, and each step has an end."""
    workers = [Worker(settings.paths.query_log, number) for number in range(2)]
    looks = 0
    advance = Client.advance

    def counted(client: Client, now: float, rules: Rules) -> None:
        nonlocal looks
        looks += 1
        assert looks < 5_000, "expected an end"
        advance(client, now, rules)

    pace = Pace(batch, still_seconds=0.0, idle_seconds=1.0, list_seconds=0.0, patience_seconds=0.0)
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(Client, "advance", counted)
        async with opened_journal(settings) as journal:
            taking = await Taking.begin(journal, settings, LessonScene(settings), Folding(Rules.of(settings), {}), pace)
            for now, number, roll, octets in script:
                if roll or not workers[number].path.exists():
                    held = stack.enter_context(workers[number].roll(now).open("rb"))
                    fcntl.flock(held, fcntl.LOCK_SH)  # as a worker does
                workers[number].write(b"".join(octets))
                for step in range(100):
                    assert step < 99, "expected an end"
                    if not await taking.step(now):
                        break
                taking.lag(now)
            for _step in range(3):  # what names a moment to come is taken when it has waited
                await taking.step(script[-1][0])
            positions = await journal.positions()
            closed = [each.body async for each in journal.records((Kind.SEGMENT,))]
            assert [each async for each in journal.records((Kind.ALARM,))] == []
    lines = [
        each
        for path in settings.paths.query_log.iterdir()
        for each in path.read_bytes().removeprefix(HEADER_LINE).split(b"\n")[:-1]
    ]
    said = [(each.lines, each.damaged) for each in positions.values()]
    said += [(whole(each, "lines"), whole(each, "damaged")) for each in closed]
    assert tuple(map(sum, zip(*said, strict=True))) == (len(lines), sum(not is_whole(each) for each in lines))
    assert sum((await counts(settings)).values()) == sum(map(is_whole, lines))
