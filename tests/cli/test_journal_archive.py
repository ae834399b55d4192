"""`journal archive` and `journal erase`: what they demand, and what they say."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from settings.model import Paths, Settings
from tests.cli.installation import Bench, prepared
from tests.journal.log_folder import close_segments, row, write_segment

ERASE = ("journal", "erase")
DAYS = ("--from", "2026-09-01", "--to", "2026-09-05")
ORDER = ("--order", "12", "--date", "2026-10-01")
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
    assert "order 12 of 2026-10-01" in listed
    assert "lab-07" not in listed
    assert "Erasures carried out: 1" in bench.done("journal", "archive")
    listing = bench.json(*ERASE, "--list", "--json")
    assert isinstance(listing, list)
    (told,) = listing
    assert (told["rows"], told["reason"], told["document"]) == (1, "request of a parent", "order 12 of 2026-10-01")
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
        ((*WHOSE, "--from", "2026-09-05", "--to", "2026-09-01", *WHY, *ORDER), "not before"),
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
