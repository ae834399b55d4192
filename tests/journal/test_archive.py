"""The archive holds what the segments held, to the letter, whatever kills the round; what goes, goes on record."""

import asyncio
import errno
import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from blocklists.disk import DISK, Disk
from journal.archiving import archive as archive_module
from journal.archiving.archive import AnotherRoundError, archive_round
from journal.archiving.archive_files import Judged, judge
from journal.archiving.archive_work import Done
from journal.archiving.log_table import aside
from journal.archiving.search import Filter, opened_search
from journal.opening import opened_journal
from settings.model import Log, LogDetail, Settings
from storage.errors import UnreachableDatabase
from storage.evidence import Kind, Record, texts
from storage.journal_db import Change, StoredArchive, StoredSegment
from tests.blocklists.power import FailingDisk, PowerCut
from tests.journal.log_folder import ZONE, Row, close_segments, installation, line, row, write_segment

BEGUN = datetime(2026, 9, 2, 10, tzinfo=ZONE)
NIGHT = datetime(2026, 9, 3, 1, 30, tzinfo=ZONE)
ODD = [
    row(BEGUN, "2001:db8::5", r"a\046b.example.org", device="lab-07", category="games", action="block", ms="0.0"),
    row(BEGUN.astimezone(UTC), name="", room="dining hall", ms="10000.0"),
    row(BEGUN.astimezone(UTC) - timedelta(milliseconds=1), name='a"b,c', ms=".5"),
    row(datetime.fromisoformat("2026-09-02T00:00:00.001-03:30"), kind="TYPE65"),
    row(BEGUN),
    row(BEGUN),
]


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    return installation(tmp_path)


def kept(settings: Settings, log: Log) -> Settings:
    return installation(settings.paths.state.parent, log)


def round_of(settings: Settings, now: datetime = NIGHT, *, today_too: bool = False, disk: Disk = DISK) -> Done:
    return asyncio.run(archive_round(settings, now, today_too=today_too, disk=disk))


def found(settings: Settings, wanted: Filter = Filter()) -> list[Row]:  # noqa: B008 - frozen
    async def search() -> list[Row]:
        async with opened_search(settings, wanted) as searcher:
            return list(chain.from_iterable(searcher.rows(wanted)))

    return asyncio.run(search())


def records(settings: Settings, *kinds: Kind) -> list[Record]:
    async def read() -> list[Record]:
        async with opened_journal(settings) as journal:
            return [each async for each in journal.records(kinds)]

    return asyncio.run(read())


def archives(settings: Settings) -> list[StoredArchive]:
    async def read() -> list[StoredArchive]:
        async with opened_journal(settings) as journal:
            return await journal.archives()

    return asyncio.run(read())


def clock_has_stood(settings: Settings, now: datetime, days: int = 3) -> None:
    """Enter something on each of the last days, as a server that runs does."""

    async def enter() -> None:
        async with opened_journal(settings) as journal:
            for day in range(days):
                async with journal.changing(now - timedelta(days=day, hours=1)) as change:
                    await change.add(Kind.DAY, {"date": (now - timedelta(days=day)).date().isoformat()})

    asyncio.run(enter())


def age(path: Path, moment: datetime) -> None:
    os.utime(path, (moment.timestamp(), moment.timestamp()))


def closed(
    settings: Settings, rows: Sequence[Row], begun: datetime = BEGUN, *, worker: int = 0, number: int = 1
) -> Path:
    path = write_segment(settings, begun, rows, worker=worker, number=number)
    age(path, begun + timedelta(hours=1))
    close_segments(settings, [path], at=begun + timedelta(hours=1))
    return path


# What it holds


def test_every_column_comes_back_as_it_was_written(installed: Settings) -> None:
    closed(installed, ODD)
    closed(installed, [row(BEGUN + timedelta(hours=1))], BEGUN + timedelta(hours=1), worker=1)
    before = found(installed)
    done = round_of(installed)
    assert (done.files, done.rows, done.damaged) == (1, len(ODD) + 1, 0)
    (archive,) = archives(installed)
    assert archive.file == "date=2026-09-02/0001.parquet"
    assert Counter(found(installed)) == Counter(before) == Counter([*ODD, row(BEGUN + timedelta(hours=1))])


def test_the_record_says_what_was_archived(installed: Settings) -> None:
    path = closed(installed, ODD)
    round_of(installed)
    (record,) = records(installed, Kind.ARCHIVE)
    (archive,) = archives(installed)
    assert record.body == {
        "file": archive.file, "digest": archive.digest, "bytes": archive.bytes, "rows": len(ODD), "day": "2026-09-02",
        "segments": [path.name], "detail": "full", "damaged": 0, "left_out": 0,
    }  # fmt: skip
    assert archive.record == record.number
    assert (installed.paths.archive / archive.file).stat().st_mode & 0o777 == 0o600


def test_today_waits_for_its_end_unless_told(installed: Settings) -> None:
    closed(installed, ODD)
    evening = BEGUN + timedelta(hours=5)
    assert round_of(installed, evening).files == 0
    assert round_of(installed, evening, today_too=True).files == 1
    assert round_of(installed, evening, today_too=True).files == 0


def test_a_late_segment_gets_a_file_of_its_own(installed: Settings) -> None:
    closed(installed, ODD)
    round_of(installed)
    closed(installed, ODD[:1], BEGUN + timedelta(hours=2), number=2)
    round_of(installed)
    assert [each.file[-12:] for each in archives(installed)] == ["0001.parquet", "0002.parquet"]
    assert len(found(installed)) == len(ODD) + 1


def test_only_what_is_closed_is_archived(installed: Settings) -> None:
    write_segment(installed, BEGUN, ODD)
    assert round_of(installed).files == 0
    assert len(found(installed)) == len(ODD)


def test_blocked_detail_leaves_out_what_was_allowed_but_for_trials(installed: Settings) -> None:
    rows = [row(BEGUN), row(BEGUN, action="block", reason="category"), row(BEGUN, reason="shadow")]
    closed(installed, rows)
    done = round_of(kept(installed, Log(detail=LogDetail.BLOCKED)))
    (record,) = records(installed, Kind.ARCHIVE)
    assert (done.rows, record.body["left_out"], record.body["detail"]) == (2, 1, "blocked")
    assert Counter(found(installed)) == Counter(rows[1:])


@pytest.mark.parametrize(
    "damaged",
    [
        b"short\tline\n",
        b"\n",
        line(row(BEGUN)).replace(b"2026", b"soon"),
        line(row(BEGUN)).replace(b"2026-09-02T", b"2026-09-02 "),
        line(row(BEGUN)).replace(b".000+", b"+"),
        line(row(BEGUN)).replace(b"www", b"\xff\xfe"),
        b"\x00" * 5000 + b"\n",
        b"x" * 3_000_000 + b"\n",
        line(row(BEGUN, name="x" * 100_000)),
    ],
)
def test_a_damaged_line_is_counted_and_left_out_and_fails_nothing(installed: Settings, damaged: bytes) -> None:
    path = write_segment(installed, BEGUN, ODD[:2], tail=damaged + line(ODD[2]))
    close_segments(installed, [path])
    done = round_of(installed)
    assert (done.rows, done.damaged) == (3, 1)
    assert records(installed, Kind.ARCHIVE)[0].body["damaged"] == 1
    assert Counter(found(installed)) == Counter(ODD[:3])


def test_half_a_line_that_was_never_taken_in_is_left_out(installed: Settings) -> None:
    path = write_segment(installed, BEGUN, ODD, tail=line(row(BEGUN))[:-3])
    close_segments(installed, [path])
    round_of(installed)
    assert Counter(found(installed)) == Counter(ODD)


def test_a_segment_that_was_changed_stays_and_is_entered_once(installed: Settings) -> None:
    path = closed(installed, ODD)
    path.write_bytes(path.read_bytes().replace(b"example", b"exomple", 1))
    assert round_of(installed).changed == round_of(installed).changed == [path.name]
    (alarm,) = records(installed, Kind.ALARM)
    assert alarm.body == {"what": "segment-changed", "segment": path.name}
    assert archives(installed) == []


def test_a_file_that_nobody_entered_is_never_written_over(installed: Settings) -> None:
    closed(installed, ODD)
    stranger = installed.paths.archive / "date=2026-09-02" / "0001.parquet"
    stranger.parent.mkdir(parents=True)
    stranger.write_bytes(b"of a journal that was lost")
    round_of(installed)
    assert stranger.read_bytes() == b"of a journal that was lost"
    assert [each.file for each in archives(installed)] == ["date=2026-09-02/0002.parquet"]


def test_only_one_round_goes_on(installed: Settings) -> None:
    closed(installed, ODD)
    installed.paths.state.mkdir(parents=True, exist_ok=True)
    with (installed.paths.state / "archive.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AnotherRoundError, match="another round"):
            round_of(installed)
    assert round_of(installed).files == 1


# What goes


def test_a_text_goes_when_the_archive_holds_it_and_its_days_are_over(installed: Settings) -> None:
    path = closed(installed, ODD)
    round_of(installed)
    for days, there in ((13, True), (14, False)):
        now = NIGHT + timedelta(days=days)
        clock_has_stood(installed, now)
        round_of(installed, now)
        assert path.exists() is there
    (record,) = records(installed, Kind.REMOVED)
    assert record.body == {"segments": [path.name], "why": "archived"}
    assert Counter(found(installed)) == Counter(ODD)


def test_no_text_goes_whose_archive_is_not_what_the_journal_says(installed: Settings) -> None:
    path = closed(installed, ODD)
    round_of(installed)
    file = installed.paths.archive / archives(installed)[0].file
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    now = NIGHT + timedelta(days=20)
    clock_has_stood(installed, now)
    assert round_of(installed, now).changed == ["date=2026-09-02/0001.parquet"]
    assert path.exists()
    assert records(installed, Kind.ALARM)[0].body["what"] == "archive-changed"


def _two_days(settings: Settings) -> None:
    for day in range(2):
        closed(settings, ODD, BEGUN + timedelta(days=day), number=day + 1)
    round_of(settings, NIGHT + timedelta(days=1))
    for each in archives(settings):
        age(
            settings.paths.archive / each.file,
            datetime.fromisoformat(each.day).replace(tzinfo=ZONE) + timedelta(days=1),
        )


def test_files_go_when_retention_is_over_but_the_newest_day_stays(installed: Settings) -> None:
    _two_days(installed)
    now = NIGHT + timedelta(days=90)
    clock_has_stood(installed, now)
    assert round_of(installed, now).files_removed == 1
    assert [each.day for each in archives(installed)] == ["2026-09-03"]
    assert not (installed.paths.archive / "date=2026-09-02").exists()
    removed = [each.body for each in records(installed, Kind.REMOVED) if each.body["why"] == "retention"]
    assert removed == [{"files": ["date=2026-09-02/0001.parquet"], "why": "retention"}]
    later = now + timedelta(days=500)
    clock_has_stood(installed, later)
    assert round_of(installed, later).files_removed == 0


def test_nothing_goes_by_a_clock_that_jumped(installed: Settings) -> None:
    _two_days(installed)
    jumped = NIGHT + timedelta(days=4000)
    for _night in range(3):
        done = round_of(kept(installed, Log(anonymise_days=1)), jumped)
        assert (done.files_removed, done.segments_removed, done.anonymised) == (0, 0, 0)
    clock_has_stood(installed, jumped, days=1)
    assert round_of(installed, jumped).files_removed == 0


def test_nothing_goes_that_was_written_lately(installed: Settings) -> None:
    _two_days(installed)
    now = NIGHT + timedelta(days=300)
    for each in archives(installed):
        age(installed.paths.archive / each.file, now)
    clock_has_stood(installed, now)
    assert round_of(installed, now).files_removed == 0


def test_after_its_days_a_file_no_longer_says_who_asked(installed: Settings) -> None:
    closed(installed, ODD)
    round_of(installed)
    (before,) = archives(installed)
    now = NIGHT + timedelta(days=6)
    clock_has_stood(installed, now)
    private = kept(installed, Log(anonymise_days=5))
    assert round_of(private, now).anonymised == 1
    assert round_of(private, now).anonymised == 0
    assert Counter(found(installed)) == Counter((time, "", "", *rest) for time, _client, _device, *rest in ODD)
    assert list(installed.paths.query_log.iterdir()) == []
    (record,) = records(installed, Kind.REWRITTEN)
    (after,) = archives(installed)
    assert (record.body["before"], record.body["after"]) == (before.digest, after.digest)
    assert (record.body["why"], record.body["rows_before"], record.body["rows_after"]) == ("anonymised", 6, 6)


# What kills a round


def test_a_round_that_is_cut_at_any_step_is_mended_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archive a day, anonymise one, remove texts and the oldest day, with the power cut before and after each step."""
    now = NIGHT + timedelta(days=30)
    made = installation(tmp_path / "made", Log(retention_days=20, anonymise_days=3))
    for day in (0, 25):
        closed(made, _marked(day), BEGUN + timedelta(days=day), number=day + 1)
    round_of(made, NIGHT + timedelta(days=25))
    for each in archives(made):
        written = datetime.fromisoformat(each.day).replace(tzinfo=ZONE) + timedelta(days=1)
        age(made.paths.archive / each.file, written)
    closed(made, _marked(29), BEGUN + timedelta(days=29), number=30)
    clock_has_stood(made, now)
    real = Change.add
    cuts = 0
    for after in (False, True):
        for steps in range(200):
            folder = tmp_path / f"{after}-{steps}"
            shutil.copytree(tmp_path / "made", folder)
            settings = installation(folder, made.log)
            failing = FailingDisk(steps, after=after)

            async def add(
                change: Change, kind: Kind, body: object, _disk: FailingDisk = failing, **more: object
            ) -> int:
                _disk.step(lambda: None)
                return await real(change, kind, body, **more)  # type: ignore[arg-type]

            with monkeypatch.context() as patched:
                patched.setattr(Change, "add", add)
                try:
                    round_of(settings, now, disk=failing)
                except PowerCut:
                    cuts += 1
            _as_if_never_cut(settings, now)
            if not failing.dead:
                break
        else:
            pytest.fail("the round has more steps than were tried")
    assert cuts > 30


def _marked(day: int) -> list[Row]:
    return [(*each[:3], f"day-{day}", *each[4:]) for each in ODD]


def _as_if_never_cut(settings: Settings, now: datetime) -> None:
    # Searching works before anything is mended, and nothing counts twice.
    seen = Counter(each[3] for each in found(settings))
    assert seen.pop("day-0", 0) in (0, len(ODD))
    assert seen == {"day-25": len(ODD), "day-29": len(ODD)}
    round_of(settings, now)
    whole = [*((each[0], "", "", *each[3:]) for each in _marked(25)), *_marked(29)]
    assert Counter(found(settings)) == Counter(whole)
    assert {each.day for each in archives(settings)} == {"2026-09-27", "2026-10-01"}
    files = {str(path.relative_to(settings.paths.archive)) for path in settings.paths.archive.glob("*/*")}
    assert files == {each.file for each in archives(settings)}
    gone = {name for each in records(settings, Kind.REMOVED) for name in texts(each.body, "segments")}
    assert {path.name for path in settings.paths.query_log.iterdir()}.isdisjoint(gone)
    assert records(settings, Kind.ALARM) == []
    assert not any(aside(settings.paths.archive / each.file).exists() for each in archives(settings))


def test_lines_that_somebody_added_to_a_closed_segment_are_not_archived_and_hold_up_nothing(
    installed: Settings,
) -> None:
    path = closed(installed, ODD)
    with path.open("ab") as file:
        file.write(line(row(BEGUN, name="added.example.org")))
    done = round_of(installed)
    assert (done.files, done.rows) == (1, len(ODD))
    assert Counter(found(installed)) == Counter(ODD)


def test_a_day_that_cannot_be_archived_holds_up_neither_other_days_nor_removals(
    installed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed(installed, ODD)
    now = NIGHT + timedelta(days=100)
    clock_has_stood(installed, now)
    round_of(installed, BEGUN + timedelta(hours=5), today_too=True)
    (old,) = archives(installed)
    age(installed.paths.archive / old.file, BEGUN)
    bad = closed(installed, ODD, now - timedelta(days=3), number=2)
    good = closed(installed, ODD, now - timedelta(days=2), number=3)

    def judged(path: Path, octets: int, **options: bool) -> Judged:
        if path == bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return judge(path, octets, **options)

    monkeypatch.setattr(archive_module, "judge", judged)
    with pytest.raises(UnreachableDatabase, match=os.strerror(errno.EIO)):
        round_of(installed, now)
    assert [texts(each.body, "segments") for each in records(installed, Kind.ARCHIVE)[1:]] == [[good.name]]
    assert old.file not in [each.file for each in archives(installed)]


def test_another_file_under_the_name_of_a_removed_segment_stays_and_is_entered_once(installed: Settings) -> None:
    """As a clock that begins anew at each power-up made them, before numbers went on over starts."""
    path = closed(installed, ODD)
    now = NIGHT + timedelta(days=30)
    clock_has_stood(installed, now)
    assert round_of(installed, now).segments_removed == 1
    assert not path.exists()
    other = [row(BEGUN, name="another.example.org")]
    for night in range(3):
        assert write_segment(installed, BEGUN, other) == path
        age(path, BEGUN)
        octets = path.read_bytes()
        done = round_of(installed, now + timedelta(days=night, hours=1))
        assert (path.read_bytes(), done.segments_removed, done.changed) == (octets, 0, [path.name])
    (alarm,) = records(installed, Kind.ALARM)
    assert alarm.body == {"what": "segment-strange", "segment": path.name}
    assert Counter(found(installed)) == Counter(ODD)
    assert len(records(installed, Kind.REMOVED)) == 1
    long_after = now + timedelta(days=3000)
    clock_has_stood(installed, long_after)
    round_of(installed, long_after)
    assert path.exists(), "nobody knows when its lines were written"


@pytest.mark.parametrize("tail", [b"", b"2026-09-02T10:1"])
def test_what_a_round_that_was_cut_off_left_is_removed_only_if_it_is_that_segment(
    installed: Settings, tail: bytes
) -> None:
    """Also with the half line at its end that a worker left which died."""
    path = closed(installed, ODD)
    octets = path.read_bytes()
    now = NIGHT + timedelta(days=30)
    clock_has_stood(installed, now)
    round_of(installed, now)
    path.write_bytes(octets + tail)
    round_of(installed, now)
    assert not path.exists()
    for changed in (octets.replace(b"games", b"gamez"), octets[:-1], octets + b"more\n", b""):
        path.write_bytes(changed)
        round_of(installed, now)
        assert path.read_bytes() == changed
    assert len(records(installed, Kind.ALARM)) == 1


def test_a_segment_that_was_lost_and_put_back_is_not_removed_as_if_a_round_had_been_cut_off(
    installed: Settings,
) -> None:
    path = write_segment(installed, BEGUN, ODD)
    age(path, BEGUN)

    async def lose() -> None:
        async with opened_journal(installed) as journal, journal.changing(BEGUN) as change:
            record = await change.add(Kind.SEGMENT, {"name": path.name, "digest": "", "bytes": 9, "lines": 0})
            await change.close_segment(StoredSegment(path.name, record, 9, 0, "", "", removed=1))

    asyncio.run(lose())
    round_of(installed)
    assert path.exists()
    after = BEGUN + timedelta(days=installed.log.retention_days + 2)
    clock_has_stood(installed, after)
    assert round_of(installed, after).segments_removed == 1
    assert not path.exists()
    assert texts(records(installed, Kind.REMOVED)[-1].body, "segments") == [path.name]
