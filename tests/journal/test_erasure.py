"""An erasure takes away what it names, no more and no less, wherever it lies, and stays on record."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from journal.archiving.erasure import Erasure, ask_for_erasure, erasures
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Finding, Kind, first_fault
from tests.journal.log_folder import ZONE, installation, row, write_segment
from tests.journal.test_archive import closed, found, records, round_of

BEGUN = datetime(2026, 9, 2, 10, tzinfo=ZONE)
ASKED = datetime(2026, 9, 4, 12, tzinfo=ZONE)
ROWS = [
    row(BEGUN, "10.0.0.5", device="lab-07"),
    row(BEGUN, "10.0.0.6", device="lab-07", name="a.example.org"),
    row(BEGUN, "10.0.0.5", name="b.example.org"),
    row(BEGUN, "10.0.0.55", device="lab-071"),
    row(BEGUN, "2001:db8::5"),
]


@pytest.fixture
def installed(tmp_path: Path) -> Settings:
    return installation(tmp_path)


def ask(
    settings: Settings,
    *,
    clients: tuple[str, ...] = (),
    devices: tuple[str, ...] = (),
    days: tuple[date, date] = (date(2026, 9, 2), date(2026, 9, 4)),
    at: datetime = ASKED,
) -> str:
    async def enter() -> str:
        async with opened_journal(settings) as journal:
            return await ask_for_erasure(
                journal,
                clients=clients,
                devices=devices,
                first=days[0],
                last=days[1],
                why="request of a parent",
                document="order 12 of 2026-09-04",
                at=at,
                by="deputy",
            )

    return asyncio.run(enter())


def asked(settings: Settings) -> list[Erasure]:
    async def read() -> list[Erasure]:
        async with opened_journal(settings) as journal:
            return await erasures(journal)

    return asyncio.run(read())


def whole(settings: Settings) -> bool:
    async def read() -> Finding | None:
        async with opened_journal(settings) as journal:
            return first_fault([each async for each in journal.stored()], {}) or await journal.broken_seal()

    return asyncio.run(read()) is None


@pytest.mark.parametrize(
    ("clients", "devices", "left"),
    [
        (("10.0.0.5",), (), [1, 3, 4]),
        ((), ("lab-07",), [2, 3, 4]),
        (("10.0.0.5",), ("lab-07",), [3, 4]),
        (("2001:db8::5",), (), [0, 1, 2, 3]),
        (("%",), ("lab-0_",), [0, 1, 2, 3, 4]),
    ],
)
@pytest.mark.parametrize("archived_before", [True, False])
def test_rows_of_the_person_go_and_all_others_stay(
    installed: Settings, clients: tuple[str, ...], devices: tuple[str, ...], left: list[int], archived_before: bool
) -> None:
    text = closed(installed, ROWS)
    if archived_before:
        round_of(installed, ASKED)
    identity = ask(installed, clients=clients, devices=devices)
    done = round_of(installed, ASKED + timedelta(hours=1))
    assert (done.erased, done.erased_rows) == ([identity], len(ROWS) - len(left))
    assert Counter(found(installed)) == Counter(ROWS[each] for each in left)
    assert not text.exists()
    (record,) = records(installed, Kind.ERASED)
    assert record.body["rows"] == len(ROWS) - len(left)
    (told,) = asked(installed)
    assert (told.id, told.rows, told.done is not None) == (identity, len(ROWS) - len(left), True)
    assert whole(installed)


def test_it_is_carried_out_only_once(installed: Settings) -> None:
    closed(installed, ROWS)
    ask(installed, clients=("10.0.0.5",))
    round_of(installed, ASKED + timedelta(hours=1))
    again = round_of(installed, ASKED + timedelta(hours=2))
    assert (again.erased, again.erased_rows) == ([], 0)


def test_other_days_are_left_alone(installed: Settings) -> None:
    early = row(BEGUN - timedelta(hours=10, milliseconds=1))
    inside = row(BEGUN - timedelta(hours=10))
    closed(installed, [early, inside], BEGUN - timedelta(hours=11))
    late = row(BEGUN + timedelta(hours=14))
    closed(installed, [late], BEGUN + timedelta(hours=14), number=2)
    ask(installed, clients=("10.0.0.5",), days=(date(2026, 9, 2), date(2026, 9, 2)))
    round_of(installed, ASKED + timedelta(hours=1))
    assert found(installed) == [early, late]


def test_it_holds_up_to_the_moment_of_the_request_and_waits_for_open_segments(installed: Settings) -> None:
    before, after = row(ASKED - timedelta(minutes=5)), row(ASKED + timedelta(minutes=5))
    opened = write_segment(installed, ASKED - timedelta(minutes=10), [before, after])
    ask(installed, clients=("10.0.0.5",))
    waiting = round_of(installed, ASKED + timedelta(minutes=10))
    assert (waiting.erased, waiting.waiting) == ([], ["2026-0001"])
    assert asked(installed)[0].clients == ("10.0.0.5",)
    opened.unlink()
    closed(installed, [before, after], ASKED - timedelta(minutes=10))
    assert round_of(installed, ASKED + timedelta(hours=2)).erased == ["2026-0001"]
    assert found(installed) == [after]


def test_the_record_of_each_file_says_what_it_was_before_and_after(installed: Settings) -> None:
    closed(installed, ROWS)
    ask(installed, clients=("10.0.0.5",))
    round_of(installed, ASKED + timedelta(hours=1))
    (first,) = records(installed, Kind.ARCHIVE)
    (record,) = records(installed, Kind.REWRITTEN)
    assert record.body["before"] == first.body["digest"] != record.body["after"]
    assert (record.body["rows_before"], record.body["rows_after"], record.body["why"]) == (5, 3, "erased")


def _incident(settings: Settings, client: str, first: datetime) -> list[int]:
    async def enter() -> list[int]:
        async with opened_journal(settings) as journal, journal.changing(first) as change:
            body = {"rule": "deliberate-attempt", "first": first.isoformat(), "last": first.isoformat()}
            private = {"client": client, "device": "", "asked": [["a.example.org", 3]]}
            number = await change.add(Kind.INCIDENT, body, private=private)
            later = (first + timedelta(minutes=5)).isoformat()
            repeat = {"incident": number, "last": later, "queries": 4, "names": 1}
            return [number, await change.add(Kind.REPEAT, repeat, private={"asked": [["a.example.org", 4]]})]

    return asyncio.run(enter())


def _sealed(settings: Settings) -> set[int]:
    async def read() -> set[int]:
        async with opened_journal(settings) as journal:
            return {each.number async for each in journal.records(private=True) if each.private is not None}

    return asyncio.run(read())


def test_what_the_journal_says_of_the_person_goes_too_and_of_nobody_else(installed: Settings) -> None:
    closed(installed, ROWS)
    gone = _incident(installed, "10.0.0.5", BEGUN)
    other = _incident(installed, "10.0.0.6", BEGUN)
    before = _incident(installed, "10.0.0.5", BEGUN - timedelta(days=1))
    ask(installed, clients=("10.0.0.5",))
    (request,) = records(installed, Kind.ERASURE)
    round_of(installed, ASKED + timedelta(hours=1))
    assert _sealed(installed) == {*other, *before}
    (record,) = records(installed, Kind.ERASED)
    assert record.body["unsealed"] == [*gone, request.number]
    assert asked(installed)[0].clients == ()
    assert whole(installed)


def test_ids_are_counted_by_year(installed: Settings) -> None:
    new_year = datetime(2027, 1, 9, tzinfo=UTC)
    ids = [ask(installed, devices=("lab-07",)), ask(installed, devices=("lab-08",))]
    ids.append(ask(installed, devices=("lab-09",), at=new_year))
    assert ids == ["2026-0001", "2026-0002", "2027-0001"]


@pytest.mark.parametrize("damage", [b"", b"no parquet at all"])
def test_a_file_that_is_not_as_entered_holds_an_erasure_up_and_nothing_else(installed: Settings, damage: bytes) -> None:
    closed(installed, ROWS)
    round_of(installed, ASKED)
    (file,) = installed.paths.archive.glob("*/*.parquet")
    whole_file = file.read_bytes()
    file.write_bytes(damage or whole_file + b"x")
    ask(installed, clients=("10.0.0.5",))
    closed(installed, [row(BEGUN + timedelta(hours=2))], BEGUN + timedelta(hours=2), number=2)
    done = round_of(installed, ASKED + timedelta(hours=1))
    assert (done.erased, done.waiting, done.files) == ([], ["2026-0001"], 1)
    assert done.changed == ["date=2026-09-02/0001.parquet"]
    file.write_bytes(whole_file)
    assert round_of(installed, ASKED + timedelta(hours=2)).erased == ["2026-0001"]
