"""What a whole line of the query log is, and that tailer, archive and search have the same word on it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from journal.archiving.archive import archive_round
from journal.archiving.archive_files import judge, print_of, write_texts
from journal.archiving.log_table import table
from journal.archiving.search import Filter, opened_search
from journal.archiving.segment_text import open_text
from journal.intake.following import Counter
from journal.whole_line import is_day, is_header, is_time, is_whole
from resolver.querylog import COLUMNS, HEADER_LINE
from tests.journal.log_folder import ZONE, close_segments, installation, line, row, write_segment

BEGUN = datetime(2026, 11, 2, 10, tzinfo=ZONE)
ROW = row(BEGUN)
WHOLE = line(ROW)[:-1]


def timed(time: str) -> bytes:
    """Return a line that names this time."""
    return "\t".join((time, *ROW[1:])).encode()


def named(name: str) -> bytes:
    """Return a line with this name, each letter an octet."""
    return "\t".join((*ROW[:5], name, *ROW[6:])).encode("latin-1")


TIMES = {
    "2026-09-02T10:15:30.250+05:00": True,
    "2026-09-02T10:15:30.250-03:30": True,
    "2026-09-02T10:15:30.250-00:30": True,
    "2026-09-02T23:59:59.999+23:59": True,
    "2026-09-02T00:00:00.000+00:00": True,
    "2026-09-02T00:00:00.000-00:00": False,
    "2026-09-02T10:15:30.250+24:00": False,
    "2026-09-02T10:15:30.250+05:60": False,
    "2026-09-02T10:15:30.250+05:00:30": False,
    "2026-09-02T10:15:30.250+0500": False,
    "2026-09-02T10:15:30.250+05": False,
    "2026-09-02T10:15:30.25+05:00": False,
    "2026-09-02T10:15:30.2500+05:00": False,
    "2026-09-02T10:15:30.000001+05:00": False,
    "2026-09-02T10:15:30+05:00": False,
    "2026-09-02T10:15:30,250+05:00": False,
    "2026-09-02T24:00:00.000+05:00": False,
    "2026-09-02T24:15:30.250+05:00": False,
    "2026-09-02T23:60:00.000+05:00": False,
    "2026-09-02T23:59:60.000+05:00": False,
    "2026-02-30T10:15:30.250+05:00": False,
    "2026-13-01T10:15:30.250+05:00": False,
    "2026-00-01T10:15:30.250+05:00": False,
    "2026-09-00T10:15:30.250+05:00": False,
    "2026-W36-3T10:15:30.250+05:00": False,
    "2024-02-29T10:15:30.250+05:00": True,
    "2026-02-29T10:15:30.250+05:00": False,
    "2000-02-29T10:15:30.250+05:00": True,
    "2100-02-29T10:15:30.250+05:00": False,
    "1970-01-01T00:00:00.000+05:00": True,
    "1969-12-31T23:59:59.999-05:00": False,
    "2200-12-31T23:59:59.999-05:00": True,
    "2201-01-01T00:00:00.000+05:00": False,
    "0001-01-01T00:00:00.000+05:00": False,
    "9999-12-31T23:59:59.999-05:00": False,
    "0999-01-01T00:00:00.000+05:00": False,
    "2026-09-02 10:15:30.250+05:00": False,
    "2026-09-02t10:15:30.250+05:00": False,
    "2026-09-02T10:15:30.250Z": False,
    "2026-09-02T10:15:30.250": False,
    "2026-09-02T10:15:30.250+05:00 ": False,
    " 2026-09-02T10:15:30.250+05:00": False,
    "2026-09-02T10:15:30.25\u0660+05:00": False,
    "soon": False,
    "": False,
}
LINES = {timed(time): valid for time, valid in TIMES.items()} | {
    WHOLE: True,
    named(""): True,
    named('"'): True,
    named('a"b'): True,
    named("'"): True,
    named("a\\"): True,
    named("#a"): True,
    named("NULL"): True,
    named("~ a,b;c|d"): True,
    named("x" * (65_535 - len(named("")))): True,
    named("x" * (65_536 - len(named("")))): False,
    named("x" * 100_000): False,
    named("a\r"): False,
    named("a\0"): False,
    named("a\x7f"): False,
    named("a\x1b[2J"): False,
    named("\xe9"): False,
    WHOLE[:-4] + "кб".encode(): False,
    b"\xef\xbb\xbf" + WHOLE: False,
    WHOLE + b"\r": False,
    b" " + WHOLE: False,
    b"\t" + WHOLE: False,
    WHOLE + b"\t": True,
    WHOLE + b"\tof\tlater\tversions": True,
    WHOLE + b"\t\xff": False,
    WHOLE.rsplit(b"\t", 1)[0]: False,
    WHOLE.replace(b"\t", b" "): False,
    HEADER_LINE[:-1]: False,
    b"short\tline": False,
    b"\t" * 13: False,
    b"\0" * 5_000: False,
    b"x" * 300_000: False,
    b"": False,
}  # fmt: skip


@pytest.mark.parametrize(("time", "valid"), TIMES.items())
def test_a_time_is_what_a_worker_writes_and_nothing_else(time: str, valid: bool) -> None:
    assert is_time(time.encode()) is valid


_NEARLY = st.builds(
    "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}.{:03d}{}{:02d}:{:02d}".format,
    st.integers(1968, 2203) | st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 24),
    st.integers(0, 60), st.integers(0, 60), st.integers(0, 999), st.sampled_from("+-"), st.integers(0, 24),
    st.integers(0, 60),
)  # fmt: skip
_FEBRUARY = st.builds("{:04d}-02-{:02d}T10:00:00.000+05:00".format, st.integers(1970, 2200), st.integers(28, 30))


@given(_NEARLY | _FEBRUARY)
@hypothesis_settings(max_examples=1000)
def test_a_time_is_what_the_calendar_has(time: str) -> None:
    try:
        moment = datetime.fromisoformat(time)
        valid = 1970 <= moment.year <= 2200 and moment.isoformat(timespec="milliseconds") == time
    except ValueError:
        valid = False
    assert is_time(time.encode()) is valid
    if valid:
        assert datetime(1969, 12, 30, tzinfo=UTC) < moment < datetime(2201, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "valid"),
    [("2026-11-02", True), ("2026-02-29", False), ("2026-99-99", False), ("0001-01-01", False), ("9999-12-31", False),
     ("2026-11-02T", False), ("\u0662026-11-02", False), ("", False)],
)  # fmt: skip
def test_a_day_is_one_that_a_time_can_name(text: str, valid: bool) -> None:
    assert is_day(text) is valid


@pytest.mark.parametrize(("octets", "valid"), LINES.items(), ids=[f"{each[:60]!r}" for each in LINES])
def test_a_whole_line_is_what_a_worker_writes(octets: bytes, valid: bool) -> None:
    assert is_whole(octets) is valid


@pytest.mark.parametrize(
    ("octets", "valid"),
    [
        (HEADER_LINE, True),
        (HEADER_LINE[:-1] + b"\tport\n", True),
        (HEADER_LINE[:-1] + b"s\n", False),
        (HEADER_LINE[:-1] + b"\tport\0\n", False),
        (HEADER_LINE[:-1] + b"\t" + b"x" * 100_000 + b"\n", False),
        (HEADER_LINE[:-1], False),
        (HEADER_LINE.replace(b"\t", b" "), False),
        (WHOLE + b"\n", False),
        (b"", False),
    ],
)
def test_a_header_is_what_a_worker_writes(octets: bytes, valid: bool) -> None:
    assert is_header(octets) is valid


# -- all readers alike -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False}) as connection:
        yield connection


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lines")


Said = tuple[int, int, list[str]]
"""Lines, damaged ones among them, and the times of the others in order."""


def by_tailer(octets: bytes) -> Said:
    counter = Counter(frozenset())
    taken = counter.take(octets)
    counted = counter.counts()
    hours = sorted(hour for (hour, _tally), number in counted.items() for _each in range(number))
    return taken.lines, taken.damaged, hours


def by_archive(duck: duckdb.DuckDBPyConnection, path: Path) -> Said:
    judged = judge(path, path.stat().st_size, blocked_only=False)
    text = open_text(path, path.parent)
    archived = path.with_suffix(".parquet")
    try:
        write_texts(duck, [text], archived, blocked_only=False)
    finally:
        text.close()
    assert print_of(duck, archived) == judged.print, "DuckDB has what plain Python finds"
    assert text.damaged == judged.damaged
    return judged.lines, judged.damaged, _hours(duck, table((), [str(archived)]))


def by_search(duck: duckdb.DuckDBPyConnection, path: Path, lines: int, *, growing: bool) -> Said:
    text = open_text(path, path.parent, growing=growing)
    try:
        return lines, text.damaged, _hours(duck, table([(text.path, text.columns)], ()))
    finally:
        text.close()


def _hours(duck: duckdb.DuckDBPyConnection, rows: str) -> list[str]:
    found = duck.execute(f'SELECT "time" FROM ({rows})').fetchall()  # noqa: S608 - constants and paths
    assert all(is_time(time.encode()) for (time,) in found)
    return sorted(time[:13] for (time,) in found)


def said_by_all(duck: duckdb.DuckDBPyConnection, folder: Path, lines: list[bytes]) -> Said:
    """Return what all say of these lines, after whole ones before and behind them and half a one at the end."""
    octets = b"".join(each + b"\n" for each in (WHOLE, *lines, WHOLE))
    path = folder / "segment.tsv"
    path.write_bytes(HEADER_LINE + octets + WHOLE[: len(lines) * 5 % len(WHOLE)])
    said = by_tailer(octets)
    assert by_archive(duck, path) == said
    assert by_search(duck, path, said[0], growing=False) == said
    assert by_search(duck, path, said[0], growing=True) == said
    return said


@pytest.mark.parametrize(("octets", "valid"), LINES.items(), ids=[f"{each[:60]!r}" for each in LINES])
def test_all_readers_say_the_same_of_a_line(
    duck: duckdb.DuckDBPyConnection, folder: Path, octets: bytes, valid: bool
) -> None:
    assert said_by_all(duck, folder, [octets])[:2] == (3, 0 if valid else 1)


_MUTATED = st.builds(
    lambda line, at, octets, cut: line[: at % len(line)] + octets + line[at % len(line) + cut :],
    st.sampled_from([WHOLE, *(each for each in LINES if 0 < len(each) < 300)]),
    st.integers(0, 200) | st.integers(0, 30),
    st.binary(max_size=3) | st.sampled_from([b"\t", b"9", b"\r", b"\0", b'"', b"\xff"]), st.integers(0, 2),
)  # fmt: skip
_LINE = st.sampled_from([each for each in LINES if len(each) < 10_000]) | _MUTATED | st.binary(max_size=60)


@given(st.lists(_LINE.filter(lambda each: b"\n" not in each), max_size=8))
@hypothesis_settings(max_examples=60, deadline=None)
def test_all_readers_say_the_same_of_any_lines(
    duck: duckdb.DuckDBPyConnection, folder: Path, lines: list[bytes]
) -> None:
    number, damaged, hours = said_by_all(duck, folder, lines)
    assert (number, damaged) == (len(lines) + 2, sum(not is_whole(each) for each in lines))
    assert len(hours) == number - damaged


@given(_LINE.filter(lambda each: b"\n" not in each))
@hypothesis_settings(max_examples=1000)
def test_a_whole_line_is_what_a_plain_look_at_each_octet_says(octets: bytes) -> None:
    fields = octets.split(b"\t")
    plain = all(each in range(0x20, 0x7F) for field in fields for each in field)
    assert is_whole(octets) is (len(fields) >= len(COLUMNS) and len(octets) < 65_536 and plain and is_time(fields[0]))


def test_each_counts_them_from_the_first_line_to_the_archive(tmp_path: Path) -> None:
    installed = installation(tmp_path)
    path = write_segment(installed, BEGUN, [ROW], tail=b"".join(each + b"\n" for each in LINES))
    whole, damaged = sum(LINES.values()) + 1, len(LINES) - sum(LINES.values())

    async def found() -> tuple[int, int]:
        async with opened_search(installed, Filter()) as searcher:
            return sum(len(batch) for batch in searcher.rows(Filter())), searcher.damaged

    assert asyncio.run(found()) == (whole, damaged)
    close_segments(installed, [path])
    done = asyncio.run(archive_round(installed, BEGUN + timedelta(days=3)))
    assert (done.rows, done.damaged) == (whole, damaged)
    assert asyncio.run(found()) == (whole, 0)
