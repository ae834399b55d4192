"""An erasure takes away what it names, no more and no less, wherever it lies, and stays on record."""

import asyncio
import subprocess
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from journal.archiving.archive import archive_round
from journal.archiving.erasure import Erasure, ask_for_erasure, erasures
from journal.detection.folding import Folding
from journal.detection.rules import Rules
from journal.opening import opened_journal
from settings.model import Settings
from storage.evidence import Kind, first_fault
from storage.journal_checks import open_for_checking
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
    async def read() -> bool:
        async with open_for_checking(settings.paths.journal_db) as journal:
            broken = first_fault([each async for each in journal.stored()], {}) or await journal.broken_seals()
            return not broken

    return asyncio.run(read())


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
            numbers = [number, await change.add(Kind.REPEAT, repeat, private={"asked": [["a.example.org", 4]]})]
            for kind in (Kind.REVIEW, Kind.CLOSED, Kind.REOPENED, Kind.CORRECTION):
                said = {"text": "spoke with the pupil"}
                numbers.append(await change.add(kind, {"incident": number}, by="teacher", private=said))
            await change.add(Kind.CLOSED, {"incident": number}, by="teacher")
            return numbers

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


def test_all_days_of_the_calendar_can_be_asked_for(installed: Settings) -> None:
    closed(installed, ROWS, BEGUN)
    ask(installed, clients=("10.0.0.5",), days=(date.min, date.max))
    round_of(installed, ASKED + timedelta(days=1))
    (request,) = asked(installed)
    assert request.done is not None
    assert Counter(found(installed)) == Counter(each for each in ROWS if each[1] != "10.0.0.5")


@pytest.mark.parametrize("whose", [{"clients": ("10.0.0.5",)}, {"devices": ("lab-07",)}])
def test_an_erasure_waits_for_what_may_yet_become_an_incident_of_the_person(
    installed: Settings, whose: dict[str, tuple[str, ...]]
) -> None:
    folding = Folding(Rules(), {})
    for second in range(0, 90, 30):
        moment = BEGUN + timedelta(seconds=second)
        blocked = row(moment, device="lab-07", name="a.example", action="block", reason="category", category="malware")
        folding.take([each.encode() for each in blocked])
    folding.settle((BEGUN + timedelta(minutes=10)).isoformat(timespec="milliseconds"))
    folds = folding.changed()
    assert folds
    ended = dict.fromkeys(folds, "")

    async def put(states: dict[str, str]) -> None:
        async with opened_journal(installed) as journal, journal.changing(ASKED) as change:
            await change.put_folds(states)

    asyncio.run(put(folds))
    ask(installed, clients=whose.get("clients", ()), devices=whose.get("devices", ()))
    assert round_of(installed, ASKED + timedelta(minutes=1)).waiting
    asyncio.run(put({**ended, "10.0.0.9": "damaged"}))  # what nobody can read becomes no incident
    assert round_of(installed, ASKED + timedelta(hours=1)).erased


@pytest.mark.parametrize("archived_before", [False, True])
def test_lines_that_a_full_disk_kept_until_the_next_day_are_erased_too(
    installed: Settings, *, archived_before: bool
) -> None:
    midnight = datetime(2026, 9, 3, tzinfo=ZONE)
    late = [row(midnight - timedelta(minutes=5), "10.0.0.5"), row(midnight + timedelta(hours=1), "10.0.0.6")]
    closed(installed, late, midnight + timedelta(minutes=5))
    if archived_before:
        round_of(installed, ASKED - timedelta(hours=1))
    ask(installed, clients=("10.0.0.5",), days=(date(2026, 9, 2), date(2026, 9, 2)))
    assert round_of(installed, ASKED).erased
    assert found(installed) == late[1:]


def test_what_was_erased_is_in_no_file_of_the_journal_though_others_have_it_open(installed: Settings) -> None:
    private = {"client": "10.0.0.5", "device": "lab-07", "asked": [["secret-name.example", 3]]}

    async def work() -> list[bytes]:
        async with opened_journal(installed) as journal:
            async with journal.changing(BEGUN) as change:
                moment = BEGUN.isoformat(timespec="milliseconds")
                await change.add(
                    Kind.INCIDENT, {"id": "2026-09-0001", "first": moment, "last": moment}, private=private
                )
            await ask_for_erasure(
                journal, clients=["10.0.0.5"], devices=[], first=BEGUN.date(), last=BEGUN.date(), why="-",
                document="order 12 of 2026-09-04", at=ASKED, by="deputy",
            )  # fmt: skip
            before = _octets(installed)
            assert (await archive_round(installed, ASKED + timedelta(hours=1))).erased
            return [before, _octets(installed)]

    before, after = asyncio.run(work())
    assert b"secret-name.example" in before
    assert b"secret-name.example" not in after


def _octets(settings: Settings) -> bytes:
    # By another process: who closes a file that SQLite has open here takes away its locks.
    path = settings.paths.journal_db
    return subprocess.run(["cat", *path.parent.glob(f"{path.name}*")], capture_output=True, check=True).stdout
