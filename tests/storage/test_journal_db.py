"""journal.db: records and what follows from them are there together or not at all, and records are only ever added."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.evidence import PROGRAM, START, Kind, first_fault
from storage.journal_checks import open_for_checking
from storage.journal_db import (
    Inspector,
    JournalDb,
    Position,
    SignedHead,
    StoredArchive,
    StoredSegment,
    Tally,
    open_journal,
)
from storage.journal_schema import MIGRATIONS

AT = datetime(2026, 11, 2, 4, tzinfo=UTC)
TALLY = Tally("214", "pupils", "block", "category", "games")
POSITION = Position(
    1200, 9, 1, "2026-11-02T09:00:00.000+05:00", "2026-11-02T09:01:00.000+05:00", "ab" * 32, ("2026-11-02",)
)
SEGMENT = StoredSegment("20261102T040000-w0-0001.tsv", 1, 1200, 9, "ab" * 32, "", 0)
ARCHIVE = StoredArchive("date=2026-11-02/0001.parquet", "2026-11-02", 9, 300, "cd" * 32, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[JournalDb]:
    async with open_journal(path, create=True) as opened:
        yield opened


async def test_empty_journal_stands_at_the_start(journal: JournalDb) -> None:
    assert await journal.head() == START
    assert await journal.record(1) is None


@pytest.mark.parametrize(
    ("at", "kind", "body"),
    [
        ("x", "alarm", "{}"), ("2026-11-02T04:00:00", "alarm", "{}"), ("9998-13-01T00:00:00.000+00:00", "alarm", "{}"),
        ("2026-11-02T09:00:00.000+05:00", "alarm", "{}"), ("", "alarm", "{}"),
        ("2026-11-02T04:00:00.000+00:00", "noise", "{}"), ("2026-11-02T04:00:00.000+00:00", "alarm", "[]"),
        ("2026-11-02T04:00:00.000+00:00", "alarm", "{"), ("2026-11-02T04:00:00.000+00:00", "alarm", "{} "),
        ("2026-11-02T04:00:00.000+00:00", "alarm", '{"x":1.5}'),
        ("2026-11-02T04:00:00.000+00:00", "alarm", '{"x":NaN}'),
        ("2026-11-02T04:00:00.000+00:00", "alarm", '{"x":' + "9" * 5000 + "}"),
        ("2026-11-02T04:00:00.000+00:00", "alarm", '{"x":' + "[" * 100_000),
    ],
)  # fmt: skip
async def test_a_record_that_cannot_be_read_hides_no_other(path: Path, at: str, kind: str, body: str) -> None:
    async with open_journal(path, create=True) as journal, journal.changing(AT) as change:
        await change.add(Kind.BEGUN, {})
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("INSERT INTO chain VALUES (2, ?, ?, 'x', ?, '', '')", (at, kind, body))
        raw.commit()
    async with open_journal(path) as journal:
        async with journal.changing(AT) as change:
            await change.add(Kind.ALARM, {"what": "x"})
        assert [each.number async for each in journal.records()] == [1, 3]
        assert await journal.record(2) is None


@pytest.mark.parametrize("hidden", ["", "x", "[]", "[" * 100_000])
async def test_a_private_part_that_cannot_be_read_counts_as_none(path: Path, hidden: str) -> None:
    async with open_journal(path, create=True) as journal:
        async with journal.changing(AT) as change:
            await change.add(Kind.REVIEW, {"incident": 1}, private={"text": "x"})
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("UPDATE sealed SET body = ?", (hidden,))
            raw.commit()
        assert [each.private async for each in journal.records(private=True)] == [None]
        record = await journal.record(1, private=True)
    assert record is not None
    assert record.private is None


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("", "", ()),
        ("2026-11-02T09:00:00.000+05:00", "2026-11-02T09:01:00.000+05:00", ("2026-11-02",)),
        ("2026-12-20T09:00:00.000+05:00", "2026-11-02T09:01:00.000+05:00", ("2026-11-02", "2026-12-20")),
    ],
)
async def test_a_journal_of_before_there_were_days_is_gone_on_with(
    path: Path, first: str, last: str, days: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(";".join(MIGRATIONS[0].statements))
        raw.execute("INSERT INTO positions VALUES ('a', 1200, 9, 1, ?, ?, 'ab')", (first, last))
        raw.execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT, applied_at TEXT) STRICT")
        raw.execute("PRAGMA user_version = 1")
        raw.commit()
    async with open_journal(path) as journal:
        assert await journal.positions() == {"a": Position(1200, 9, 1, first, last, "ab", days)}


async def test_records_are_chained_and_come_back(journal: JournalDb) -> None:
    async with journal.changing(AT) as change:
        assert await change.add(Kind.BEGUN, {"school": "Мектеп"}) == 1
        assert await change.add(Kind.REVIEW, {"incident": 1}, by="aigul", private={"client": "192.0.2.1"}) == 2
    async with journal.changing(AT + timedelta(days=1)) as change:
        assert await change.add(Kind.CLOSED, {"incident": 1}, by="aigul") == 3
    assert first_fault([each async for each in journal.stored()], {}) is None
    assert await journal.head() == change.head
    first, second, third = [each async for each in journal.records()]
    assert (first.kind, first.by, first.body, first.at) == (Kind.BEGUN, PROGRAM, {"school": "Мектеп"}, AT)
    assert second.private is None
    assert second.seal
    assert not third.seal
    assert (await journal.record(2, private=True)) is not None
    assert [each.number async for each in journal.records((Kind.CLOSED, Kind.BEGUN))] == [1, 3]
    assert [each.number async for each in journal.records(since=AT + timedelta(seconds=1))] == [3]
    assert [each.number async for each in journal.records(until=AT + timedelta(seconds=1))] == [1, 2]
    assert [each.number async for each in journal.stored(after=1, until=2)] == [2]


async def test_what_is_private_is_given_only_when_asked_for_and_can_be_erased(journal: JournalDb) -> None:
    async with journal.changing(AT) as change:
        await change.add(Kind.INCIDENT, {}, private={"client": "192.0.2.1"})
    record = await journal.record(1, private=True)
    assert record is not None
    assert record.private == {"client": "192.0.2.1"}
    async with journal.changing(AT) as change:
        await change.unseal([1])
    record = await journal.record(1, private=True)
    assert record is not None
    assert record.private is None
    assert record.seal
    assert first_fault([each async for each in journal.stored()], {}) is None


async def test_seal_shows_another_private_part(journal: JournalDb, path: Path) -> None:
    async with journal.changing(AT) as change:
        await change.add(Kind.INCIDENT, {}, private={"client": "192.0.2.1"})
        await change.add(Kind.INCIDENT, {}, private={"client": "192.0.2.2"})
    async with open_for_checking(path) as checked:
        assert await checked.broken_seals() == []
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE sealed SET body = replace(body, '192.0.2.2', '192.0.2.9')")
    async with open_for_checking(path) as checked:
        assert await checked.broken_seals() == [2]


async def test_nothing_of_a_change_that_fails_is_there(journal: JournalDb) -> None:
    async def fail() -> None:
        async with journal.changing(AT) as change:
            await change.add(Kind.SEGMENT, {}, private={"a": 1})
            await change.put_position("s", POSITION)
            await change.count({("2026-11-02T09", TALLY): 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await journal.head() == START
    assert await journal.positions() == {}
    assert [each async for each in journal.counts()] == []


async def test_accident_does_not_change_records(journal: JournalDb, path: Path) -> None:
    async with journal.changing(AT) as change:
        await change.add(Kind.BEGUN, {})
    for statement in (
        "UPDATE chain SET by = 'x'",
        "DELETE FROM chain",
        "INSERT OR REPLACE INTO chain VALUES (1, '', '', '', '{}', '', '')",
        "INSERT INTO chain VALUES (3, '', '', '', '{}', '', '')",
    ):
        with (
            closing(sqlite3.connect(path)) as raw,
            pytest.raises(sqlite3.IntegrityError, match="only ever added"),
        ):
            raw.execute(statement)


async def test_two_who_add_at_once_wait_for_each_other(journal: JournalDb, path: Path) -> None:
    async def add(count: int) -> None:
        async with open_journal(path) as other:
            for _each in range(count):
                async with other.changing(AT) as change:
                    await change.add(Kind.ALARM, {})

    await asyncio.gather(add(20), add(20))
    assert (await journal.head()).number == 40
    assert first_fault([each async for each in journal.stored()], {}) is None


async def test_counts_add_up(journal: JournalDb) -> None:
    other = TALLY._replace(room="215")
    for _each in range(2):
        async with journal.changing(AT) as change:
            await change.count({("2026-11-02T09", TALLY): 3, ("2026-11-02T10", TALLY): 1, ("2026-11-02T09", other): 5})
    found = {(hour, tally): queries async for hour, tally, queries in journal.counts("2026-11-02", "2026-11-03")}
    assert found == {("2026-11-02T09", TALLY): 6, ("2026-11-02T10", TALLY): 2, ("2026-11-02T09", other): 10}
    assert [hour async for hour, _tally, _queries in journal.counts("2026-11-02T10")] == ["2026-11-02T10"]


async def test_hours_are_summed_whatever_else_was_counted_in_them(journal: JournalDb) -> None:
    allowed = TALLY._replace(action="allow", category="")
    async with journal.changing(AT) as change:
        await change.count({("2026-11-02T10", allowed): 4, ("2026-11-02T09", TALLY): 3, ("2026-11-02T09", allowed): 5})
        await change.count({("2026-11-02T09", TALLY._replace(room="215")): 20})
    assert [each async for each in journal.hours("block")] == [("2026-11-02T09", 28, 23), ("2026-11-02T10", 4, 0)]


async def test_segment_goes_from_position_to_archive(journal: JournalDb) -> None:
    async with journal.changing(AT) as change:
        await change.put_position(SEGMENT.name, POSITION)
    assert await journal.positions() == {SEGMENT.name: POSITION}
    async with journal.changing(AT) as change:
        await change.close_segment(SEGMENT)
    assert await journal.positions() == {}
    assert await journal.segments() == [SEGMENT]
    async with journal.changing(AT) as change:
        await change.archived(ARCHIVE, [SEGMENT.name])
        await change.segments_removed([SEGMENT.name])
    (segment,) = await journal.segments()
    assert (segment.archive, segment.removed) == (ARCHIVE.file, 1)
    assert await journal.archives() == [ARCHIVE]
    async with journal.changing(AT) as change:
        await change.drop_archive(ARCHIVE.file)
    assert await journal.archives() == []


async def test_folds_heads_and_inspectors_are_kept(journal: JournalDb) -> None:
    head = SignedHead(1, "ab", "2026-11-02T04:00:00.000+00:00", "ssh-ed25519 AAAA", "signature")
    inspector = Inspector("Асель", "secret", "2026-12-01", 4)
    async with journal.changing(AT) as change:
        await change.put_folds({"192.0.2.1": "{}", "192.0.2.2": "[]"})
        await change.put_folds({"192.0.2.1": "", "192.0.2.2": "[1]"})
        await change.put_head(head)
        await change.put_inspector(inspector)
    assert await journal.folds() == {"192.0.2.2": "[1]"}
    assert await journal.heads() == [head]
    assert await journal.inspectors() == [inspector]


async def test_missing_journal_is_an_error_that_names_it(path: Path) -> None:
    with pytest.raises(StorageError, match=r"journal\.db"):
        async with open_journal(path):
            pass


@pytest.mark.usefixtures("journal")
def test_nobody_else_can_read_the_file(path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0
