"""The query log: segments, their names and their end; what happens when the disk refuses."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolver.querylog import COLUMNS, HEADER_LINE, KEPT_WHEN_FAILING, QueryLog, repair
from resolver.segments import list_segments
from settings.model import Durability

BEGIN = 1_790_000_000.25  # 2026-09-21T14:13:20.250Z


class Clock:
    """A clock wound by hand."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> float:
        return self.now


class Disk:
    """Stands before os.write: each write goes by the plan; None is a whole write, a number that many octets."""

    def __init__(self) -> None:
        self.plan: list[int | OSError | None] = []
        self.broken: OSError | None = None
        self._write = os.write

    def write(self, fd: int, octets: bytes) -> int:
        """See os.write."""
        step = self.plan.pop(0) if self.plan else self.broken
        if isinstance(step, OSError):
            raise step
        if step is None:
            return self._write(fd, octets)
        return self._write(fd, octets[: max(1, min(step, len(octets)))])


FULL = OSError(28, "No space left on device")


@pytest.fixture
def clock() -> Clock:
    """Return a clock wound by hand."""
    return Clock()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Return what stands before the disk."""
    made = Disk()
    monkeypatch.setattr(os, "write", made.write)
    return made


Opener = Callable[..., QueryLog]


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Opener]:
    """Return a function that opens logs, which are closed in the end."""
    logs = []

    def open_log(
        worker: int = 0, size: int = 1 << 20, durability: Durability = Durability.SECOND, zone: tzinfo = UTC
    ) -> QueryLog:
        log = QueryLog(tmp_path, worker, zone, segment_bytes=size, durability=durability, clock=clock)
        log.open()
        logs.append(log)
        return log

    yield open_log
    for log in logs:
        log.close()


def segments(folder: Path) -> list[bytes]:
    """Return what the segments hold, in order."""
    return [path.read_bytes() for path in sorted(folder.glob("*.tsv"))]


def lines(folder: Path) -> bytes:
    """Return all lines of all segments, each of which begins with the header."""
    found = segments(folder)
    assert all(segment.startswith(HEADER_LINE) for segment in found)
    return b"".join(segment.removeprefix(HEADER_LINE) for segment in found)


def test_the_header_names_the_columns() -> None:
    assert HEADER_LINE == (
        b"time\tclient\tdevice\troom\tgroup\tname\ttype\taction\treason\tcategory\tlist\trcode\tsource\tms\n"
    )
    assert len(COLUMNS) == 14


def test_a_segment_is_named_by_its_begin_in_utc_its_worker_and_a_number(tmp_path: Path, opened: Opener) -> None:
    opened(3, zone=ZoneInfo("Asia/Almaty"))
    opened(3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "20260921T141320-w3-0001.tsv",
        "20260921T141320-w3-0002.tsv",
    ]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())


def test_the_number_goes_on_after_the_greatest_that_lies_there(tmp_path: Path, opened: Opener) -> None:
    """Another worker's, other files, and what a later clock named do not matter."""
    for name in (
        "20260921T151320-w3-0006.tsv", "20200921T151320-w3-0007.tsv", "20260921T141320-w13-0040.tsv",
        "20260921T141320-w0-0041.tsv", "20260921T141320-w3-0042.tsv.gz", "x",
    ):  # fmt: skip
        (tmp_path / name).write_bytes(HEADER_LINE)
    opened(3)
    assert (tmp_path / "20260921T141320-w3-0008.tsv").exists()
    assert len(list(tmp_path.iterdir())) == 7


def test_a_clock_that_begins_anew_at_each_start_gives_no_name_twice(
    tmp_path: Path, opened: Opener, clock: Clock
) -> None:
    """Archived text is removed after a while, but the newest segment always lies there."""
    names: list[str] = []
    for _start in range(5):
        clock.now = BEGIN
        opened()
        clock.now += 3600
        log = opened()
        assert log.sync_wanted == -1
        made = sorted(path.name for path in tmp_path.iterdir())
        names += [name for name in made if name not in names]
        last = max(made, key=lambda name: int(name[19:-4]))
        for name in made:
            if name != last:
                (tmp_path / name).unlink()
    assert [int(name[19:-4]) for name in names] == list(range(1, 11))
    assert len(set(names)) == 10


def test_numbers_grow_beyond_four_digits(tmp_path: Path, opened: Opener) -> None:
    (tmp_path / "20260921T141320-w0-9999.tsv").write_bytes(HEADER_LINE)
    opened().write(b"one\n")
    opened().write(b"two\n")
    listed = [each for each in list_segments(tmp_path) if each.worker == 0]
    assert [each.path.name[19:-4] for each in listed] == ["9999", "10000", "10001"]
    assert [each.order[1] for each in listed] == [9999, 10_000, 10_001]


def test_a_folder_whose_disk_comes_later_is_gone_on_with(tmp_path: Path, clock: Clock) -> None:
    folder, disk = tmp_path / "querylog", tmp_path / "disk"
    disk.mkdir()
    (disk / "20260920T141320-w0-0070.tsv").write_bytes(HEADER_LINE)
    log = QueryLog(folder, 0, UTC, segment_bytes=len(HEADER_LINE), durability=Durability.NONE, clock=clock)
    log.open()
    folder.rename(tmp_path / "below")
    disk.rename(folder)
    log.write(b"one\n")
    log.close()
    assert (folder / "20260921T141320-w0-0071.tsv").exists()


@pytest.mark.parametrize(
    ("zone", "second", "stamp"),
    [
        (UTC, BEGIN, b"2026-09-21T14:13:20.250+00:00\t"),
        (ZoneInfo("Asia/Almaty"), BEGIN, b"2026-09-21T19:13:20.250+05:00\t"),
        (ZoneInfo("Asia/Bishkek"), BEGIN + 0.749, b"2026-09-21T20:13:20.999+06:00\t"),
        (timezone(timedelta(hours=-3, minutes=-30)), 0.0, b"1969-12-31T20:30:00.000-03:30\t"),
        (UTC, BEGIN + 0.74999, b"2026-09-21T14:13:20.999+00:00\t"),
    ],
)
def test_the_time_is_rfc_3339_with_milliseconds(
    opened: Opener, clock: Clock, zone: tzinfo, second: float, stamp: bytes
) -> None:
    log = opened(zone=zone)
    clock.now = second
    assert log.stamp() == stamp
    clock.now += 1
    assert log.stamp()[:19] != stamp[:19]


def test_lines_are_written_at_once(tmp_path: Path, opened: Opener) -> None:
    log = opened()
    log.write(b"one\n")
    assert lines(tmp_path) == b"one\n"
    log.write(b"two\nthree\n")
    assert lines(tmp_path) == b"one\ntwo\nthree\n"


def test_a_full_segment_is_closed_and_the_next_begins(tmp_path: Path, opened: Opener) -> None:
    log = opened(size=len(HEADER_LINE) + 100)
    for number in range(100):
        log.write(b"%09d\n" % number)
    assert len(segments(tmp_path)) == 11
    assert all(len(segment) <= len(HEADER_LINE) + 100 for segment in segments(tmp_path))
    assert lines(tmp_path) == b"".join(b"%09d\n" % number for number in range(100))


def test_a_segment_ends_with_its_hour(tmp_path: Path, opened: Opener, clock: Clock) -> None:
    log = opened()
    log.write(b"one\n")
    _ = log.sync_wanted
    clock.now += 3600
    _ = log.sync_wanted
    log.write(b"two\n")
    _ = log.sync_wanted
    assert segments(tmp_path) == [HEADER_LINE + b"one\n", HEADER_LINE + b"two\n"]


def test_a_clock_that_jumps_loses_nothing(tmp_path: Path, opened: Opener, clock: Clock) -> None:
    log = opened()
    for number, jump in enumerate((0, 3600, -7200, 86_400, -1)):
        clock.now += jump
        _ = log.sync_wanted
        log.write(b"%d\n" % number)
    assert sorted(lines(tmp_path).split()) == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("durability", list(Durability))
def test_durability_says_when_the_disk_is_waited_for(
    opened: Opener, durability: Durability, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(durability=durability)
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    assert log.sync_wanted == -1
    log.write(b"one\n")
    assert len(synced) == (durability is Durability.BATCH)
    assert (log.sync_wanted >= 0) == (durability is Durability.SECOND)
    assert log.sync_wanted == -1, "nothing new to sync"


# -- when the disk refuses ---------------------------------------------------------------------------------------------


def test_a_full_disk_keeps_lines_and_writes_them_later(
    tmp_path: Path, opened: Opener, disk: Disk, clock: Clock
) -> None:
    log = opened()
    log.write(b"one\n")
    disk.broken = FULL
    log.write(b"two\n")
    log.write(b"three\n")
    assert log.error == "No space left on device"
    assert lines(tmp_path) == b"one\n"
    disk.broken = None
    clock.now += 1
    log.write(b"four\n")
    assert lines(tmp_path) == b"one\ntwo\nthree\nfour\n"
    assert log.error == ""
    assert log.lost_lines == 0


def test_half_a_line_is_completed_before_anything_else(
    tmp_path: Path, opened: Opener, disk: Disk, clock: Clock
) -> None:
    log = opened()
    disk.plan = [2]
    disk.broken = FULL
    log.write(b"one\n")
    log.write(b"two\n")
    assert lines(tmp_path) == b"on"
    assert log.error
    disk.broken = None
    clock.now += 5
    _ = log.sync_wanted
    assert lines(tmp_path) == b"one\ntwo\n"
    assert log.error == ""


def test_a_disk_that_fails_is_not_tried_with_every_query(
    opened: Opener, disk: Disk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened()
    disk.broken = FULL
    tries = 0
    original = disk.write

    def counted(fd: int, octets: bytes) -> int:
        nonlocal tries
        tries += 1
        return original(fd, octets)

    monkeypatch.setattr(os, "write", counted)
    for _ in range(1000):
        log.write(b"line\n")
        clock.now += 0.001
    assert tries <= 4
    disk.broken = None


def test_what_does_not_fit_into_memory_is_counted(tmp_path: Path, opened: Opener, disk: Disk) -> None:
    log = opened()
    disk.broken = FULL
    batch = b"x" * 99 + b"\n"
    fits = KEPT_WHEN_FAILING // 100
    for _ in range(fits // 100 + 3):
        log.write(batch * 100)
    assert log.lost_lines >= 200
    disk.broken = None
    log.retry()
    written = lines(tmp_path).count(b"\n")
    assert written + log.lost_lines == (fits // 100 + 3) * 100
    assert log.error == ""


def test_a_log_that_cannot_be_opened_is_opened_later(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "log"
    folder.write_text("in the way")
    log = QueryLog(folder, 0, UTC, segment_bytes=1000, durability=Durability.SECOND, clock=clock)
    log.open()
    assert log.error
    log.write(b"one\n")
    folder.unlink()
    folder.mkdir()
    clock.now += 2
    log.write(b"two\n")
    assert lines(folder) == b"one\ntwo\n"
    assert log.error == ""
    log.close()


def test_a_next_segment_that_cannot_begin_leaves_the_old_one_open(
    tmp_path: Path, opened: Opener, disk: Disk, clock: Clock
) -> None:
    log = opened(size=len(HEADER_LINE) + 8)
    disk.plan = [None, FULL]  # the lines, then the header of the next
    log.write(b"one-one\n")
    assert log.error
    log.write(b"two-two\n")
    assert lines(tmp_path) == b"one-one\ntwo-two\n"
    assert log.lost_lines == 0


@pytest.mark.parametrize("broken", [FULL, 5])
def test_a_segment_begins_with_a_whole_header_or_not_at_all(
    tmp_path: Path, opened: Opener, disk: Disk, broken: OSError | int
) -> None:
    log = opened(size=len(HEADER_LINE) + 4)
    disk.plan = [None, broken]
    log.write(b"one\n")
    assert [path.read_bytes()[: len(HEADER_LINE)] for path in tmp_path.iterdir()] == [HEADER_LINE]


def test_the_error_is_gone_when_the_next_segment_could_begin(
    tmp_path: Path, opened: Opener, disk: Disk, clock: Clock
) -> None:
    """`error` is empty when all is well: `status` must not cry on for ever."""
    log = opened(size=len(HEADER_LINE) + 8)
    disk.plan = [None, FULL]
    log.write(b"one-one\n")
    for number in range(3):
        clock.now += 2
        _ = log.sync_wanted
        log.write(b"%07d\n" % number)
    assert len(segments(tmp_path)) > 1
    assert log.error == ""


@pytest.mark.parametrize("broken", [FULL, 5])
def test_a_segment_that_could_not_begin_leaves_no_number_out(
    tmp_path: Path, opened: Opener, disk: Disk, clock: Clock, broken: OSError | int
) -> None:
    """`log verify` takes a number that is missing for a segment that somebody took away."""
    log = opened(size=len(HEADER_LINE) + 8)
    disk.plan = [None, broken, None, broken]
    for number in range(6):
        log.write(b"%07d\n" % number)
        clock.now += 2
        _ = log.sync_wanted
    numbers = sorted(int(path.name[-8:-4]) for path in tmp_path.glob("*.tsv"))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 3


def test_what_is_kept_in_memory_is_written_when_the_log_is_closed(tmp_path: Path, opened: Opener, disk: Disk) -> None:
    log = opened()
    disk.plan = [FULL]
    log.write(b"one\n")
    log.close()
    assert lines(tmp_path) == b"one\n"


PLANS = st.lists(
    st.tuples(
        st.lists(st.one_of(st.none(), st.integers(1, 40), st.just(FULL)), max_size=3),
        st.sampled_from([0.0, 0.1, 1.5, 3700.0, -3700.0]),
        st.booleans(),
        st.integers(1, 4),
    ),
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLANS, st.integers(1, 200))
def test_however_writes_fail_the_segments_hold_whole_lines_in_order_and_once(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    plans: list[tuple[list[int | OSError | None], float, bool, int]],
    size: int,
) -> None:
    folder = tmp_path_factory.mktemp("log")
    clock, disk = Clock(), Disk()
    log = QueryLog(folder, 0, UTC, segment_bytes=len(HEADER_LINE) + size, durability=Durability.NONE, clock=clock)
    log.open()
    written: list[bytes] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", disk.write)
        for plan, seconds, second, count in plans:
            disk.plan = plan
            batch = [b"line %d\n" % (len(written) + number) for number in range(count)]
            written += batch
            log.write(b"".join(batch))
            clock.now += seconds
            if second:
                _ = log.sync_wanted
        disk.plan = []
        log.retry()
    log.close()
    # Clocks that jump name segments out of order; their numbers tell the order in which they were begun.
    paths = sorted(folder.glob("*.tsv"), key=lambda path: path.stem.rpartition("-")[2])
    contents = [path.read_bytes() for path in paths]
    assert all(content.startswith(HEADER_LINE) for content in contents)
    assert all(content.endswith(b"\n") for content in contents)
    assert b"".join(content.removeprefix(HEADER_LINE) for content in contents) == b"".join(written)
    assert log.lost_lines == 0


# -- after a power cut -------------------------------------------------------------------------------------------------


def segment(folder: Path, octets: bytes, number: int = 1, worker: int = 0) -> Path:
    """Lay down a segment."""
    path = folder / f"20260921T141320-w{worker}-{number:04d}.tsv"
    path.write_bytes(octets)
    return path


TORN = {
    "whole": (b"one\ntwo\n", b"one\ntwo\n"),
    "header only": (b"", b""),
    "half a line": (b"one\ntw", b"one\n"),
    "half the first line": (b"on", b""),
    "a long torn end": (b"one\n" + b"x" * 60_000, b"one\n"),
    "zeros": (b"one\n" + bytes(4096), b"one\n"),
    "many zeros, as file systems leave them": (b"one\n" + bytes(200_000), b"one\n"),
    "a long segment": (b"line\n" * 40_000 + b"lin", b"line\n" * 40_000),
}


@pytest.mark.parametrize(("found", "left"), TORN.values(), ids=TORN)
def test_a_torn_end_is_cut_off_and_said(tmp_path: Path, found: bytes, left: bytes) -> None:
    path = segment(tmp_path, HEADER_LINE + found)
    said = repair(tmp_path, 0)
    assert path.read_bytes() == HEADER_LINE + left
    assert len(said) == (found != left)
    assert all(path.name in line for line in said)
    assert repair(tmp_path, 0) == []


@pytest.mark.parametrize("found", [b"", HEADER_LINE[:10], HEADER_LINE[:-1]])
def test_a_segment_without_its_whole_header_keeps_its_name_and_number(
    tmp_path: Path, opened: Opener, found: bytes
) -> None:
    """The journal may know it already; by a clock that begins anew at each power-up the next would be named so too."""
    path = segment(tmp_path, found)
    (said,) = repair(tmp_path, 0)
    assert path.name in said
    assert path.read_bytes() == HEADER_LINE
    assert repair(tmp_path, 0) == []
    opened()
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_mended_are_the_last_two_by_number_whatever_the_clock_said(tmp_path: Path) -> None:
    for year, number in ((2090, 9997), (2026, 9998), (1970, 9999), (2026, 10_000)):
        (tmp_path / f"{year}0921T141320-w0-{number:04d}.tsv").write_bytes(HEADER_LINE + b"tor")
    assert [line[:4] for line in repair(tmp_path, 0)] == ["1970", "2026"]
    assert (tmp_path / "20260921T141320-w0-10000.tsv").read_bytes() == HEADER_LINE
    assert repair(tmp_path, 0) == []


def test_segments_of_other_workers_are_left_alone(tmp_path: Path) -> None:
    other = segment(tmp_path, HEADER_LINE + b"tor", worker=1)
    eleventh = segment(tmp_path, HEADER_LINE + b"tor", worker=10)
    assert repair(tmp_path, 0) == []
    assert other.read_bytes().endswith(b"tor")
    assert eleventh.read_bytes().endswith(b"tor")


def test_there_may_be_no_folder_yet(tmp_path: Path) -> None:
    assert repair(tmp_path / "none", 0) == []


def test_a_folder_that_was_missing_is_made_when_it_can_be(tmp_path: Path, clock: Clock) -> None:
    """A file stood in its place when the server started; later somebody took it away."""
    folder = tmp_path / "querylog"
    folder.write_text("in the way")
    log = QueryLog(folder, 0, UTC, segment_bytes=1 << 20, durability=Durability.NONE, clock=clock)
    log.open()
    assert log.error
    log.write(b"one\n")
    folder.unlink()
    clock.now += 2
    assert log.sync_wanted == -1
    assert not log.error
    assert lines(folder) == b"one\n"
    log.close()
