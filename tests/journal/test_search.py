"""Searching gives what plain Python finds in the lines, whatever lies where."""

import asyncio
import resource
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journal.archiving.archive import archive_round
from journal.archiving.log_table import aside
from journal.archiving.search import Filter, Searcher, Sources, Top, opened_search, sources
from resolver.querylog import COLUMNS, HEADER_LINE
from settings.model import Settings
from tests.journal.log_folder import ZONE, Row, close_segments, installation, judged, line, row, write_segment

BEGUN = datetime(2026, 9, 2, 10, tzinfo=ZONE)
ALL = Filter()


def found(
    installed: Settings, wanted: Filter = ALL, *, newest_first: bool = False, limit: int | None = None
) -> list[Row]:
    async def search() -> list[Row]:
        async with opened_search(installed, wanted) as searcher:
            rows = list(chain.from_iterable(searcher.rows(wanted, newest_first=newest_first, limit=limit)))
            if limit is None:
                assert searcher.count(wanted) == len(rows)
            return rows

    return asyncio.run(search())


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    return installation(tmp_path)


def minutes(count: int) -> datetime:
    return BEGUN + timedelta(minutes=count)


def test_an_empty_log_has_no_rows(installed: Settings) -> None:
    assert found(installed) == []


def test_workers_are_merged_by_time_and_every_column_comes_back_as_written(installed: Settings) -> None:
    one = [row(minutes(0)), row(minutes(2), ms="0.0")]
    two = [
        row(minutes(1), "2001:db8::5", r"a\046b.example.org", device="lab-07", ms="12345.6"),
        row(minutes(3), name=""),
    ]
    write_segment(installed, BEGUN, one)
    write_segment(installed, BEGUN, two, worker=1)
    assert found(installed) == [one[0], two[0], one[1], two[1]]
    assert found(installed, newest_first=True, limit=2) == [two[1], one[1]]


def test_a_torn_last_line_is_left_out(installed: Settings) -> None:
    whole = row(minutes(0))
    for cut in range(0, len(line(whole)), 7):
        write_segment(installed, BEGUN, [whole], tail=line(row(minutes(1)))[:cut])
        assert found(installed) == [whole]


@pytest.mark.parametrize(
    "damaged",
    [
        b"short\tline\n",
        b"\n",
        line(row(minutes(1))).replace(b"2026", b"soon"),
        line(row(minutes(1))).replace(b"www", b"\xff\xfe"),
        line(row(minutes(1))).replace(b"www", b"w\x00w"),
        line(row(minutes(1))).replace(b"www", b"w\rw"),
        b"\x00" * 5000 + b"\n",
        b"x" * 3_000_000 + b"\n",
        line(row(minutes(1), name="x" * 100_000)),
    ],
)
@pytest.mark.parametrize("closed", [True, False])
def test_damaged_lines_are_left_out_and_the_others_found(installed: Settings, damaged: bytes, closed: bool) -> None:
    whole = [row(minutes(0)), row(minutes(2), name='a"b.example.org')]
    path = write_segment(installed, BEGUN, whole[:1], tail=damaged + line(whole[1]))
    if closed:
        write_segment(installed, BEGUN + timedelta(hours=1), [], number=2)
    assert path.read_bytes().startswith(HEADER_LINE)
    assert found(installed) == whole


def test_a_tab_too_few_and_one_too_many_do_not_make_up_for_each_other(installed: Settings) -> None:
    few, many = line(row(minutes(0))).replace(b"\t", b"", 1), line(row(minutes(1)))[:-1] + b"\tmore\n"
    write_segment(installed, BEGUN, [], tail=few + many)
    write_segment(installed, BEGUN + timedelta(hours=1), [], number=2)
    assert found(installed) == [row(minutes(1))]


def test_columns_that_a_later_version_adds_are_left_out(installed: Settings) -> None:
    path = write_segment(installed, BEGUN, [])
    new = row(minutes(0))
    path.write_bytes(HEADER_LINE[:-1] + b"\tport\n" + line((*new, "53")))
    old = row(minutes(5))
    write_segment(installed, BEGUN + timedelta(hours=1), [old], number=2)
    assert found(installed) == [new, old]


@pytest.mark.parametrize("wild", ["%", "_", "www_example.org", "%example.org", "*", "' OR 1=1 --", "?", "\\"])
def test_what_is_asked_for_is_a_text_and_never_a_pattern(installed: Settings, wild: str) -> None:
    write_segment(installed, BEGUN, [row(minutes(0))])
    for wanted in (Filter(name=wild), Filter(word=wild), Filter(rooms=(wild,)), Filter(devices=(wild,))):
        assert found(installed, wanted) == []


def test_below_a_name_is_not_beside_it(installed: Settings) -> None:
    rows = [
        row(minutes(n), name=name) for n, name in enumerate(["example.org", "a.example.org", "myexample.org", "org"])
    ]
    write_segment(installed, BEGUN, rows)
    assert found(installed, Filter(name="example.org")) == rows[:2]
    assert found(installed, Filter(word="example.org")) == rows[:3]


def test_a_word_in_letters_of_any_alphabet_finds_names_that_the_log_has_as_a_labels(installed: Settings) -> None:
    names = ["xn----7sbba6aglnjgl7c1g.xn--p1ai", "www.xn--80aswg.example", "xn--99999999.example", "kazino.example"]
    rows = [row(minutes(n), name=name) for n, name in enumerate([*names, names[0]])]
    write_segment(installed, BEGUN, rows)
    assert found(installed, Filter(word="казино")) == [rows[0], rows[4]]
    assert found(installed, Filter(word="казино", until=minutes(1))) == [rows[0]]
    assert found(installed, Filter(word="йт.exam")) == [rows[1]]
    assert found(installed, Filter(word="покер")) == []


def test_tops_and_sums_count_what_was_blocked(installed: Settings) -> None:
    rows = [row(minutes(0), name="b.example.org", action="block"), row(minutes(70), name="a.example.org")]
    rows += [row(minutes(80), name="b.example.org")]
    write_segment(installed, BEGUN, rows)
    with Searcher(installed, asyncio.run(sources(installed, ALL))) as searcher:
        assert searcher.tops(ALL, "name", 1) == [Top("b.example.org", 2, 1)]
        assert searcher.sums(ALL, "hour") == [Top("2026-09-02T10", 1, 1), Top("2026-09-02T11", 2, 0)]
        assert searcher.sums(ALL, "day") == [Top("2026-09-02", 3, 1)]
        assert searcher.sums(ALL, "action") == [Top("allow", 2, 0), Top("block", 1, 1)]
        with pytest.raises(ValueError, match="expected one of"):
            searcher.tops(ALL, "name; DROP", 1)


def test_counting_in_between_does_not_end_what_is_being_read(installed: Settings) -> None:
    rows = [row(minutes(0) + timedelta(milliseconds=each)) for each in range(25_000)]
    write_segment(installed, BEGUN, rows)
    with Searcher(installed, asyncio.run(sources(installed, ALL))) as searcher:
        got = []
        for batch in searcher.rows(ALL):
            assert searcher.count(ALL) == len(rows)
            got += batch
    assert got == rows


def test_only_days_that_can_matter_are_opened(installed: Settings) -> None:
    write_segment(installed, BEGUN, [row(minutes(0))])
    early = Filter(until=BEGUN - timedelta(days=2))
    late = Filter(since=datetime.now(UTC) + timedelta(days=2))
    assert asyncio.run(sources(installed, early)) == asyncio.run(sources(installed, late)) == Sources((), ())


def test_a_segment_that_vanished_is_looked_for_once_more(installed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = write_segment(installed, BEGUN, [row(minutes(0))])
    kept = row(minutes(70))
    write_segment(installed, BEGUN + timedelta(hours=1), [kept], number=2)
    real = sources

    async def first_look(installed: Settings, wanted: Filter) -> Sources:
        seen = await real(installed, wanted)
        gone.unlink(missing_ok=True)
        return seen

    monkeypatch.setattr("journal.archiving.search.sources", first_look)
    assert found(installed) == [kept]


def test_a_segment_that_is_archived_between_the_look_and_the_opening_counts_once(
    installed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(minutes(0)), row(minutes(1))]
    path = write_segment(installed, BEGUN, rows)
    close_segments(installed, [path])
    real = sources

    async def first_look(installed: Settings, wanted: Filter) -> Sources:
        seen = await real(installed, wanted)
        if path.exists():
            await archive_round(installed, BEGUN + timedelta(days=1))
            path.unlink()
        return seen

    monkeypatch.setattr("journal.archiving.search.sources", first_look)
    assert found(installed) == rows


def test_rows_are_copied_to_parquet_with_all_columns_as_texts(installed: Settings, tmp_path: Path) -> None:
    rows = [row(minutes(0)), row(minutes(1), "10.0.0.6")]
    write_segment(installed, BEGUN, rows)
    copy = tmp_path / "it's.parquet"
    wanted = Filter(clients=(ip_network("10.0.0.6"),))
    with Searcher(installed, asyncio.run(sources(installed, wanted))) as searcher:
        assert searcher.copy_parquet(wanted, copy) == 1
    read = duckdb.execute("SELECT * FROM read_parquet(?)", [str(copy)])
    assert [each[0] for each in read.description or ()] == list(COLUMNS)
    assert read.fetchall() == rows[1:]


def test_no_folder_is_left_behind(installed: Settings) -> None:
    write_segment(installed, BEGUN, [row(minutes(0))])
    found(installed)
    assert list((installed.paths.state / "tmp").iterdir()) == []


# Any filter over any few lines, wherever they lie.

_NAMES = [
    *("example.org", "www.example.org", "a_b.example.net", r"a\046b.example.org", ".", "", "xn--80ak6aa92e.kz"),
    *("xn----7sbba6aglnjgl7c1g.xn--p1ai", "www.xn--80aswg.example", "xn--99999999.example", "xn--.example"),
]
_CLIENTS = ["10.0.0.5", "10.0.1.6", "192.0.2.9", "2001:db8::5", "fe80::1"]
_ZONES = [ZONE, UTC]


@st.composite
def _rows(draw: st.DrawFn) -> Row:
    zone = draw(st.sampled_from(_ZONES))
    moment = BEGUN.astimezone(zone) + timedelta(milliseconds=draw(st.integers(0, 3 * 3_600_000)))
    pick = {
        "device": ["", "lab-07"],
        "room": ["", "214", "dining hall"],
        "group": ["pupils", "staff"],
        "kind": ["A", "AAAA"],
        "action": ["allow", "block"],
        "reason": ["default", "category", "shadow"],
        "category": ["", "games"],
        "ms": ["0.0", "12.3", "10000.0"],
    }
    return row(
        moment,
        draw(st.sampled_from(_CLIENTS)),
        draw(st.sampled_from(_NAMES)),
        **{key: draw(st.sampled_from(values)) for key, values in pick.items()},
    )


def _some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


_moments = st.none() | st.integers(-1, 200).map(minutes)
_networks = ["10.0.0.5", "10.0.0.0/16", "2001:db8::/32", "fe80::1", "0.0.0.0/0"]
_filters = st.builds(
    Filter,
    since=_moments,
    until=_moments,
    clients=_some(*_networks).map(lambda texts: tuple(map(ip_network, texts))),
    devices=_some("", "lab-07"),
    rooms=_some("", "214", "dining hall"),
    groups=_some("pupils", "staff"),
    categories=_some("", "games"),
    actions=_some("allow", "block"),
    reasons=_some("default", "shadow"),
    types=_some("A", "AAAA"),
    name=st.sampled_from(["", "example.org", "org", "046b.example.org"]),
    word=st.sampled_from(["", "_", "example", "\\", "xn--", "казино", "но-ал", "ы.рф", "сайт", "аррӏ", "ё"]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(_rows(), max_size=20), st.lists(_filters, min_size=1, max_size=4), st.integers(0, 20), st.booleans())
def test_a_search_finds_what_plain_python_finds(
    rows: list[Row], filters: list[Filter], cut: int, archived: bool
) -> None:
    with TemporaryDirectory() as folder:
        installed = installation(Path(folder))
        closed = write_segment(installed, BEGUN, rows[:cut])
        write_segment(installed, BEGUN, rows[cut:], worker=1)
        if archived:
            close_segments(installed, [closed])
            assert asyncio.run(archive_round(installed, BEGUN + timedelta(days=1))).rows == len(rows[:cut])
        with Searcher(installed, asyncio.run(sources(installed, ALL))) as searcher:
            for wanted in filters:
                got = list(chain.from_iterable(searcher.rows(wanted)))
                assert Counter(got) == Counter(judged(rows, wanted))
                assert [each[0] for each in got] == [each[0] for each in judged(rows, wanted)]
                top = Counter(each[5] for each in got).most_common()
                assert sorted((each.value, each.queries) for each in searcher.tops(wanted, "name", 99)) == sorted(top)


@pytest.mark.parametrize("limit", range(1, 9))
def test_the_newest_are_found_however_far_back_they_reach(installed: Settings, limit: int) -> None:
    days = [BEGUN + timedelta(days=number) for number in (0, 1, 5, 6)]
    rows = [row(day + timedelta(minutes=minute)) for day in days for minute in (0, 1)]
    segments = [write_segment(installed, day, rows[2 * at : 2 * at + 2], number=at + 1) for at, day in enumerate(days)]
    close_segments(installed, segments)
    assert asyncio.run(archive_round(installed, days[-1] + timedelta(days=1))).rows == len(rows)
    assert found(installed, newest_first=True, limit=limit) == rows[::-1][:limit]


def test_more_files_are_searched_than_a_process_may_have_open_at_first(installed: Settings) -> None:
    for number in range(150):
        write_segment(installed, BEGUN, [row(BEGUN)], number=number + 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 64, hard))
    try:
        assert len(found(installed)) == 150
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_files_of_the_archive_that_are_missing_or_of_another_size_are_named(installed: Settings) -> None:
    path = write_segment(installed, BEGUN, [row(minutes(0))])
    await asyncio.to_thread(close_segments, installed, [path])
    await archive_round(installed, BEGUN + timedelta(days=1))
    [archive] = installed.paths.archive.rglob("*.parquet")
    assert (await sources(installed, ALL)).doubtful == ()
    octets = archive.read_bytes()
    archive.rename(aside(archive))  # entered, and about to be put in its place
    assert (await sources(installed, ALL)).doubtful == ()
    aside(archive).unlink()
    file = str(archive.relative_to(installed.paths.archive))
    assert await sources(installed, ALL) == Sources((), (), (file,))
    async with opened_search(installed, ALL) as searcher:
        assert (searcher.doubtful, searcher.count(ALL)) == ((file,), 0)
    archive.write_bytes(octets + b"x")
    assert await sources(installed, ALL) == Sources((), (archive,), (file,))
    assert (await sources(installed, Filter(since=BEGUN + timedelta(days=9)))).doubtful == ()
