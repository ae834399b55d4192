"""`journal archive` and `journal erase`: what they demand, and what they say."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from journal.detection.folding import Folding
from journal.detection.rules import Rules
from journal.opening import opened_journal
from settings.model import Paths, Settings
from tests.cli.installation import Bench, prepared
from tests.journal.log_folder import close_segments, row, write_segment

ERASE = ("journal", "erase")
TODAY = datetime.now(ZoneInfo("Asia/Almaty")).date()
ORDERED = (TODAY - timedelta(days=1)).isoformat()
DAYS = ("--from", (TODAY - timedelta(days=30)).isoformat(), "--to", (TODAY - timedelta(days=20)).isoformat())
ORDER = ("--order", "12", "--date", ORDERED)
LATER = (TODAY + timedelta(days=2)).isoformat()
WHY = ("--reason", "request of a parent")
WHOSE = ("--device", "lab-07")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with prepared(tmp_path, monkeypatch) as made:
        yield made


def _closed(bench: Bench, days: int) -> Path:
    settings = Settings(paths=Paths(bench.folder / "var"))
    begun = datetime.now(UTC) - timedelta(days=days)
    path = write_segment(settings, begun, [row(begun, device="lab-07"), row(begun, device="lab-08")])
    close_segments(settings, [path])
    return path


def test_a_round_with_nothing_to_do_says_so(bench: Bench) -> None:
    assert bench.done("journal", "archive") == "Nothing is due.\n"


def test_a_round_says_what_it_did(bench: Bench) -> None:
    _closed(bench, 2)
    assert bench.done("journal", "archive") == "Files added to the archive: 1, queries in them: 2\n"
    assert bench.done("journal", "archive") == "Nothing is due.\n"


def test_now_takes_closed_segments_of_today(bench: Bench) -> None:
    _closed(bench, 0)
    assert bench.done("journal", "archive") == "Nothing is due.\n"
    assert bench.done("journal", "archive", "--now").startswith("Files added to the archive: 1,")


def test_a_segment_that_was_changed_is_named_and_the_exit_status_is_1(bench: Bench) -> None:
    path = _closed(bench, 2)
    path.write_bytes(path.read_bytes().replace(b"lab-07", b"lab-09"))
    result = bench.run("journal", "archive")
    assert result.exit_code == 1
    assert path.name in result.stderr


def test_an_erasure_is_entered_carried_out_and_listed(bench: Bench) -> None:
    _closed(bench, 2)
    today = datetime.now(UTC).date()
    days = ("--from", (today - timedelta(days=4)).isoformat(), "--to", today.isoformat())
    assert "Erasure" in bench.done(*ERASE, *WHOSE, *days, *WHY, *ORDER)
    listed = bench.done(*ERASE, "--list")
    assert listed.splitlines()[0].isupper()
    assert "waits for segments still open, until " in listed
    assert "not shown on purpose" in listed
    assert f"order 12 of {ORDERED}" in listed
    assert "lab-07" not in listed
    assert "Erasures carried out: 1" in bench.done("journal", "archive")
    listing = bench.json(*ERASE, "--list", "--json")
    assert isinstance(listing, list)
    (told,) = listing
    assert (told["rows"], told["reason"], told["document"]) == (1, "request of a parent", f"order 12 of {ORDERED}")
    assert told["carried_out_at"]
    assert "lab-07" not in str(told)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ((*DAYS, *WHY, *ORDER), "--device or --client"),
        ((*WHOSE, *WHY, *ORDER), "--from and --to"),
        ((*WHOSE, *DAYS, *ORDER), "--reason"),
        ((*WHOSE, *DAYS, *WHY), "--order and --date"),
        ((*WHOSE, *DAYS, *WHY, "--order", "12"), "--order and --date"),
        ((*WHOSE, "--from", "2025-09-05", "--to", "2025-09-01", *WHY, *ORDER), "not before"),
        ((*WHOSE, "--from", "2025-09-05", "--to", LATER, *WHY, *ORDER), f"--to: expected a day up to today, {TODAY}"),
        ((*WHOSE, *DAYS, *WHY, "--order", "12", "--date", LATER), f"--date: expected a day up to today, {TODAY}"),
        (("--client", "lab-07", *DAYS, *WHY, *ORDER), "address"),
    ],
)
def test_nothing_is_entered_without_whose_when_why_and_an_order(
    bench: Bench, given: tuple[str, ...], missing: str
) -> None:
    assert missing in bench.refused(2, *ERASE, *given)
    assert bench.done(*ERASE, "--list") == "No erasure was ever asked for.\n"


def test_what_no_round_can_archive_yet_is_said_where_today_was_asked_for(bench: Bench) -> None:
    settings = Settings(paths=Paths(bench.folder / "var"))
    now = datetime.now(UTC)
    write_segment(settings, now, [row(now)])
    assert bench.done("journal", "archive") == "Nothing is due.\n"
    assert bench.done("journal", "archive", "--now").endswith("not taken into the journal: 1\n")


def test_a_device_that_nobody_knows_is_not_erased(bench: Bench) -> None:
    _closed(bench, 2)
    today = datetime.now(UTC).date()
    days = ("--from", (today - timedelta(days=4)).isoformat(), "--to", today.isoformat())
    told = bench.refused(2, *ERASE, "--device", "lab-99", *WHOSE, *days, *WHY, *ORDER)
    assert "found 'lab-99'" in told
    assert "--client ADDRESS" in told
    assert bench.done(*ERASE, "--list") == "No erasure was ever asked for.\n"
    bench.done("devices", "add", "lab-99", "--address", "192.0.2.9")
    bench.done(*ERASE, "--device", "lab-99", *days, *WHY, *ORDER)


def test_an_erasure_of_days_past_waits_for_no_segment(bench: Bench) -> None:
    _closed(bench, 40)
    today = datetime.now(UTC).date()
    days = ("--from", (today - timedelta(days=50)).isoformat(), "--to", (today - timedelta(days=20)).isoformat())
    bench.done(*ERASE, *WHOSE, *days, *WHY, *ORDER)
    assert "waits for the next round" in bench.done(*ERASE, "--list")


def _touched(bench: Bench, ago: timedelta) -> datetime:
    """Let the incident rules have something of the device in mind that was asked for so long ago; return when."""
    settings = Settings(paths=Paths(bench.folder / "var"))
    moment = datetime.now(UTC) - ago
    folding = Folding(Rules(), {})
    blocked = row(moment, device="lab-07", name="a.example", action="block", reason="locked", category="terrorism")
    folding.take([each.encode() for each in blocked])
    folding.settle((moment + timedelta(seconds=20)).isoformat(timespec="milliseconds"))

    async def put() -> None:
        async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
            await change.put_folds(folding.changed())

    asyncio.run(put())
    return moment


@pytest.mark.parametrize("days", [2, 0])
def test_an_incident_that_may_go_on_is_named_with_its_end_and_not_the_round(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    first = (TODAY - timedelta(days=days)).isoformat()
    monkeypatch.setattr("journal.archiving.erasure.Erasure.open_until", lambda *_: None)
    ends = _touched(bench, timedelta(minutes=5)) + timedelta(minutes=45)
    zone = ZoneInfo("Asia/Almaty")
    said = bench.done(
        *ERASE, "--client", "10.0.0.5", "--from", (TODAY - timedelta(days=3)).isoformat(), "--to", first, *WHY, *ORDER
    )
    state = f"waits for what may still become an incident or belong to one, until {_shown(ends.astimezone(zone))}"
    if days:  # of other days it holds up nothing
        state = "waits for the next round"
    assert f"{state}.\n" in said
    assert state in " ".join(bench.done(*ERASE, "--list").split())
    (told,) = _listing(bench)
    assert told["waits_for"] == ("round" if days else "incident")
    done = bench.done("journal", "archive")
    assert done == ("Erasures carried out: 1\n" if days else f"Erasure {told['id']}: {state}\n")


def test_what_is_forgotten_by_the_clock_but_not_yet_by_the_journal_is_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journal.archiving.erasure.Erasure.open_until", lambda *_: None)
    _touched(bench, timedelta(hours=3))
    bench.done(
        *ERASE,
        "--client",
        "10.0.0.5",
        "--from",
        (TODAY - timedelta(days=3)).isoformat(),
        "--to",
        TODAY.isoformat(),
        *WHY,
        *ORDER,
    )
    assert "waits until the journal has taken in the query log" in " ".join(bench.done(*ERASE, "--list").split())
    assert "taken in" in bench.done("journal", "archive")


def test_segments_that_the_journal_did_not_take_in_are_said(bench: Bench) -> None:
    settings = Settings(paths=Paths(bench.folder / "var"))
    moment = datetime.now(UTC) - timedelta(days=2)
    path = write_segment(settings, moment, [row(moment, device="lab-07")])
    days = ("--from", (TODAY - timedelta(days=4)).isoformat(), "--to", (TODAY - timedelta(days=1)).isoformat())
    assert "waits until the journal has taken in" in bench.done(*ERASE, "--client", "10.0.0.5", *days, *WHY, *ORDER)
    close_segments(settings, [path])
    assert _listing(bench)[0]["waits_for"] == "round"


def test_a_file_that_holds_an_erasure_up_is_said(bench: Bench) -> None:
    _closed(bench, 2)
    bench.done("journal", "archive")
    file = next((bench.folder / "var" / "archive").glob("*/*.parquet"))
    days = ("--from", (TODAY - timedelta(days=4)).isoformat(), "--to", (TODAY - timedelta(days=1)).isoformat())
    bench.done(*ERASE, "--client", "10.0.0.5", *days, *WHY, *ORDER)
    file.write_bytes(file.read_bytes() + b"x")
    result = bench.run("journal", "archive")
    assert result.exit_code == 1
    assert "held up by files that are not as the journal says" in result.stdout


def _listing(bench: Bench) -> list[dict[str, object]]:
    listing = bench.json(*ERASE, "--list", "--json")
    assert isinstance(listing, list)
    return listing


def _shown(moment: datetime) -> str:
    return f"{moment:%H:%M}" if moment.date() == TODAY else f"{moment:%Y-%m-%d %H:%M}"
