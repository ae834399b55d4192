"""A segment that was changed, cut or removed after it had been taken in: verifying names it for ever.

What is closed is proven by its record. Of what is still open only the alarm says what had been taken in: neither a
start, nor the end of the segment, nor the archive, nor whoever settles the alarm makes it whole again.
"""

import io
import json
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from journal.exporting.export import Wanted, records_of, write_export
from journal.exporting.export_data import Format, data_of
from journal.opening import opened_journal
from journal.trust.alarms import Alarm, altered, describe_alarm
from journal.trust.verdict import Trouble, describe
from journal.trust.verifying import verify_journal
from journal.trust.verifying_log import verify_log
from settings.model import Settings
from storage.evidence import Kind, Record, text
from tests.journal.exports import COLUMNS, ROWS, unpacked
from tests.journal.tailing import Clock, Worker, at, caught_up, installation, line
from tests.journal.test_export import check

MORNING = at("2026-09-02T10:00:00")
Attack = Callable[[Path], object]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return installation(tmp_path)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock", MORNING + timedelta(hours=1))


@pytest.fixture
def worker(settings: Settings) -> Worker:
    """Return a worker that has written three lines."""
    made = Worker(settings.paths.query_log)
    made.roll(MORNING)
    made.write(line(MORNING, "good.example") * 3)
    return made


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"good.example", b"evil.example"))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - len(line(MORNING, "good.example")))


def cut_and_go_on(path: Path) -> None:
    """Cut it; what is written then makes it as long as before: only the digest tells."""
    cut(path)
    with path.open("ab") as file:
        file.write(line(MORNING, "evil.example"))


async def the_alarm(settings: Settings) -> Record:
    async with opened_journal(settings) as journal:
        (alarm,) = [each async for each in journal.records((Kind.ALARM,))]
    return alarm


@pytest.mark.parametrize(
    ("attack", "what", "trouble"),
    [
        (change, Alarm.SEGMENT_CHANGED, Trouble.ALTERED),
        (cut, Alarm.SEGMENT_CUT, Trouble.CUT),
        (cut_and_go_on, Alarm.SEGMENT_CHANGED, Trouble.ALTERED),
    ],
)
async def test_a_start_does_not_make_an_open_segment_whole_that_was_altered(
    settings: Settings, clock: Clock, worker: Worker, attack: Attack, what: Alarm, trouble: Trouble
) -> None:
    path = worker.path
    await caught_up(settings, clock)
    attack(path)
    assert not (await verify_log(settings)).is_sound
    await caught_up(settings, clock)
    alarm = await the_alarm(settings)
    assert text(alarm.body, "what") == what

    async def expect_named() -> None:
        (broken,) = (await verify_log(settings)).broken
        assert (broken.trouble, broken.number, broken.where) == (trouble, alarm.number, path.name)
        assert path.name in describe(broken)
        assert f"record {alarm.number}" in describe(broken)

    await expect_named()
    async with opened_journal(settings) as journal, journal.changing(MORNING) as entry:
        await entry.add(Kind.SETTLED, {"alarm": alarm.number}, by="aigul", private={"text": "the disk was full"})
    await expect_named()
    worker.roll(MORNING + timedelta(minutes=1))
    worker.write(line(MORNING + timedelta(minutes=1)))
    await caught_up(settings, clock)
    async with opened_journal(settings) as journal:
        assert (await journal.segment(path.name)) is not None, "it is closed"
    await expect_named()
    # The journal itself is whole: its copies go on. And other days are.
    assert (await verify_journal(settings)).is_sound
    assert (await verify_log(settings, MORNING + timedelta(hours=3))).is_sound
    assert (await verify_log(settings, None, MORNING - timedelta(hours=1))).is_sound


async def test_a_segment_that_was_removed_is_named_once(settings: Settings, clock: Clock, worker: Worker) -> None:
    path = worker.path
    await caught_up(settings, clock)
    path.unlink()
    worker.roll(MORNING + timedelta(minutes=1))
    await caught_up(settings, clock)
    assert text((await the_alarm(settings)).body, "what") == Alarm.SEGMENT_LOST
    (broken,) = (await verify_log(settings)).broken
    assert (broken.trouble, broken.where) == (Trouble.MISSING, path.name)


async def test_a_segment_that_was_cut_before_cuts_had_a_name_of_their_own_is_named(
    settings: Settings, clock: Clock, worker: Worker
) -> None:
    await caught_up(settings, clock)
    body = {"what": Alarm.SEGMENT_LOST.value, "segment": worker.path.name, "bytes": 999, "digest": "ab" * 32}
    async with opened_journal(settings) as journal, journal.changing(MORNING) as entry:
        number = await entry.add(Kind.ALARM, body)
    (broken,) = (await verify_log(settings)).broken
    assert (broken.trouble, broken.number, broken.where) == (Trouble.CUT, number, worker.path.name)


async def test_a_closed_segment_is_judged_by_its_record_and_not_by_an_alarm(
    settings: Settings, clock: Clock, worker: Worker
) -> None:
    """Whoever puts it back as it was makes the log whole again: that can be proven."""
    path = worker.path
    await caught_up(settings, clock)
    worker.roll(MORNING + timedelta(minutes=1))
    await caught_up(settings, clock)
    was = path.read_bytes()
    path.write_bytes(was + line(MORNING))
    worker.write(line(MORNING + timedelta(minutes=1)))
    await caught_up(settings, clock)
    assert altered((await the_alarm(settings)).body) == ""
    (broken,) = (await verify_log(settings)).broken
    assert (broken.trouble, broken.where) == (Trouble.LONGER, path.name)
    path.write_bytes(was)
    assert (await verify_log(settings)).is_sound


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Alarm.SEGMENT_CHANGED, "was changed after its lines had been taken in."),
        (Alarm.SEGMENT_CUT, "was cut off after its lines had been taken in:"),
        (Alarm.SEGMENT_LOST, "was removed, or cut off, after lines of it had been taken in:"),
        (Alarm.SEGMENT_MISSING, "was removed before it was archived."),
    ],
)
def test_an_alarm_says_what_became_of_the_segment(what: Alarm, said: str) -> None:
    words = describe_alarm({"what": what.value, "segment": "20260902T050000-w0-0001.tsv", "digest": "ab" * 32})
    assert f"20260902T050000-w0-0001.tsv of the query log {said}" in words


async def test_an_export_of_such_a_log_says_so(
    settings: Settings, clock: Clock, worker: Worker, tmp_path: Path
) -> None:
    await caught_up(settings, clock)
    cut(worker.path)
    await caught_up(settings, clock)
    alarm = await the_alarm(settings)

    async def exported(period: tuple[str, str], folder: str) -> tuple[dict[str, object], str, Path]:
        out = io.BytesIO()
        async with opened_journal(settings) as journal:
            async with journal.changing(datetime.now(UTC)) as entry:
                access = await entry.add(Kind.ACCESS, {"what": "log export", "reason": "check"}, by="aigul")
            wanted = Wanted("log", period, {}, "check", "aigul", access)
            data = data_of(Format.CSV, "querylog", COLUMNS, [ROWS], tmp_path)
            numbers = await records_of(journal, period[0][:10], period[1][:10])
            await write_export(journal, settings, out, wanted, data, COLUMNS, numbers)
        with zipfile.ZipFile(out) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            readme = archive.read("README.txt").decode("utf-8-sig")
        return manifest, readme, unpacked(out.getvalue(), tmp_path / folder)

    manifest, readme, folder = await exported(("2026-09-02", "2026-09-02"), "that")
    assert manifest["altered"] == [{"segment": worker.path.name, "record": alarm.number}]
    assert "not as it was when it was taken in" in readme.replace("\r\n", " ")
    assert f"{worker.path.name} (record {alarm.number})" in readme
    proof = (folder / "chain" / "proof.jsonl").read_text()
    assert worker.path.name in next(each for each in proof.splitlines() if f'"number":{alarm.number},' in each)
    checked = check(folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert worker.path.name in checked.stdout

    manifest, readme, folder = await exported(("2026-09-02T10:30:00+05:00", "2026-09-02T13:00:00+05:00"), "hours")
    assert manifest["altered"] == [{"segment": worker.path.name, "record": alarm.number}]

    manifest, readme, folder = await exported(("2026-09-02T12:30:00+05:00", "2026-09-04"), "other")
    assert manifest["altered"] == []
    assert "taken in" not in readme
    assert worker.path.name not in check(folder).stdout
