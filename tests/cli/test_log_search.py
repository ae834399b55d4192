"""`log search` and `log stats`: found as asked, on record before it is shown, and not shown if that fails."""

import asyncio
import json
from datetime import UTC, datetime

import duckdb
import pytest

from journal.opening import opened_journal
from settings.model import Paths, Settings
from storage.evidence import Kind
from storage.journal_db import StoredArchive, Tally
from tests.cli.installation import Bench
from tests.cli.log_scene import WHY, bench, line, records, write_segment

__all__ = ["bench"]


def names(bench: Bench, *arguments: str) -> list[str]:
    printed = bench.done("log", "search", *arguments, *WHY, "--json")
    return [json.loads(each)["name"] for each in printed.splitlines()]


ALL = ["www.example.org", "games.example.net", "example.org", "notexample.org"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ALL),
        (("Example.ORG",), ["www.example.org", "example.org"]),
        (("--word", "EXAMPLE.o"), ["www.example.org", "example.org", "notexample.org"]),
        (("--word", "%"), []),
        (("--client", "10.0.0.5"), ["www.example.org", "notexample.org"]),
        (("--client", "10.0.0.6", "--client", "2001:db8::/32"), ["games.example.net", "example.org"]),
        (("--device", "lab-05"), ["www.example.org", "notexample.org"]),
        (("--room", "214", "example.org"), ["www.example.org"]),
        (("--group", "teachers"), ["example.org"]),
        (("--group", "teachers", "--group", "pupils"), ALL),
        (("--category", "games"), ["games.example.net"]),
        (("--action", "block"), ["games.example.net"]),
        (("--from", "2026-09-02", "--to", "2026-09-02"), ALL),
        (("--to", "2026-09-01"), []),
        (("--from", "2026-09-03"), []),
        (("--from", "2026-09-02 11:00"), ["example.org", "notexample.org"]),
        (("--to", "2026-09-02T11:00+05:00"), ["www.example.org", "games.example.net"]),
        (("-n", "1"), ["notexample.org"]),
        (("--today",), []),
        (("--from", "0001-01-01", "--to", "9999-12-31"), ALL),
        (("--to", "9999-12-31 23:59"), ALL),
    ],
)
def test_what_is_asked_for_is_found(bench: Bench, arguments: tuple[str, ...], expected: list[str]) -> None:
    assert names(bench, *arguments) == expected


@pytest.mark.parametrize(
    ("option", "unknown", "near"),
    [("--room", "241", "214"), ("--group", "pupil", "pupils"), ("--category", "gmes", "games")],
)
@pytest.mark.parametrize("command", ["search", "export"])
def test_what_neither_policy_nor_log_know_is_refused_with_the_nearest_and_is_no_look(
    bench: Bench, command: str, option: str, unknown: str, near: str
) -> None:
    told = bench.refused(2, "log", command, "--today", option, unknown, *WHY)
    assert f"found '{unknown}': did you mean {near}?" in told
    assert records(bench, Kind.ACCESS) == []


def test_what_only_the_log_knows_stays_searchable(bench: Bench) -> None:
    async def count() -> None:
        async with (
            opened_journal(Settings(paths=Paths(bench.folder / "var"))) as journal,
            journal.changing(datetime.now(UTC)) as change,
        ):
            await change.count({("2024-09-02T10", Tally("old-room", "class-of-2024", "block", "category", "gone")): 3})

    asyncio.run(count())
    assert names(bench, "--room", "old-room", "--group", "class-of-2024", "--category", "gone") == []


def test_without_a_policy_every_name_may_be_searched_for(bench: Bench) -> None:
    (bench.folder / "var" / "policy.db").write_bytes(b"no database")
    assert names(bench, "--room", "214") == ["www.example.org", "notexample.org"]


def test_hours_are_written_as_people_write_them(bench: Bench) -> None:
    printed = bench.done("log", "search", "--sum", "hour", *WHY).splitlines()
    assert [row.split()[:2] for row in printed[1:]] == [["2026-09-02", "10:00"], ["2026-09-02", "11:00"]]


def test_lines_look_as_those_of_tail(bench: Bench) -> None:
    searched = bench.done("log", "search", *WHY)
    assert searched == bench.done("log", "tail")
    assert "category:games" in searched


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--top", "client"), [("10.0.0.5", 2, 0), ("10.0.0.6", 1, 1), ("2001:db8::7", 1, 0)]),
        (("--top", "client", "-n", "1"), [("10.0.0.5", 2, 0)]),
        (("--sum", "hour"), [("2026-09-02T10", 2, 1), ("2026-09-02T11", 2, 0)]),
        (("--sum", "category", "--action", "block"), [("games", 1, 1)]),
        (("--sum", "day", "example.org"), [("2026-09-02", 2, 0)]),
    ],
)
def test_tops_and_sums(bench: Bench, arguments: tuple[str, ...], expected: list[tuple[str, int, int]]) -> None:
    printed = bench.done("log", "search", *arguments, *WHY, "--json")
    assert [tuple(json.loads(each).values()) for each in printed.splitlines()] == expected


def test_sums_are_a_table(bench: Bench) -> None:
    printed = bench.done("log", "search", "--top", "category", *WHY).splitlines()
    assert [row.split() for row in printed] == [
        ["CATEGORY", "QUERIES", "BLOCKED", "%"],
        ["(none)", "3", "0", "0.0"],
        ["games", "1", "1", "100.0"],
    ]


def test_nothing_found_is_said(bench: Bench) -> None:
    assert bench.done("log", "search", "kitap.kz", *WHY) == "No queries.\n"
    assert bench.done("log", "search", "kitap.kz", *WHY, "--top", "client") == "No queries.\n"
    assert bench.done("log", "search", "kitap.kz", *WHY, "--json") == ""


@pytest.mark.parametrize("word", ["казино", "КАЗИНО", "слот-шай", "слот-ша\u0438\u0306"])
def test_a_word_may_be_typed_as_it_is_read(bench: Bench, word: str) -> None:
    site = "xn----8sba9ahqcwld7d.xn--p1ai" if "слот" in word else "xn----7sbba6aglnjgl7c1g.xn--p1ai"
    write_segment(bench, line("10:00:01", site))
    assert names(bench, "--word", word) == [site]


def test_more_than_is_shown_is_said(bench: Bench) -> None:
    write_segment(bench, *(line("10:00:01", f"n{at}.example.org") for at in range(101)))
    result = bench.run("log", "search", *WHY)
    assert len(result.stdout.splitlines()) == 100
    assert "newest 100 of 101" in result.stderr


def test_more_than_the_first_of_a_count_is_said(bench: Bench) -> None:
    write_segment(bench, *(line("10:00:01", f"n{at}.example.org") for at in range(21)))
    assert bench.run("log", "search", "--top", "name", "--word", "n1", *WHY).stderr == ""
    result = bench.run("log", "search", "--top", "name", *WHY)
    assert len(result.stdout.splitlines()) == 21  # with the headings
    assert "These are the first 20; there are more. As many as you say: -n" in result.stderr
    assert bench.run("log", "search", "--top", "name", "-n", "5", *WHY).stderr == ""


def test_a_search_is_on_record_with_who_and_why_and_what_is_sealed(bench: Bench) -> None:
    bench.run("log", "search", "example.org", "--device", "lab-05", "--from", "2026-09-02", *WHY, SUDO_USER="aigul")
    [access] = records(bench, Kind.ACCESS)
    assert (access.by, access.body) == ("aigul", {"what": "log search", "reason": "question of the class teacher"})
    asked = {"NAME": "example.org", "--device": "lab-05", "--from": "2026-09-02"}
    assert access.private == {"asked": asked}


@pytest.mark.parametrize("command", ["search", "export"])
@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_without_a_reason_nothing_is_shown_and_the_next_step_is_said(
    bench: Bench, command: str, reason: tuple[str, ...]
) -> None:
    told = bench.refused(2, "log", command, "--today", *reason)
    assert "expected --reason" in told
    assert records(bench, Kind.ACCESS, Kind.EXPORT) == []


@pytest.mark.parametrize("command", ["search", "export"])
def test_nothing_is_shown_if_the_look_cannot_be_entered(bench: Bench, command: str) -> None:
    (bench.folder / "var" / "journal.db").write_bytes(b"no database at all" * 100)
    out = bench.folder / "out.zip"
    more = ("--output", str(out)) if command == "export" else ()
    told = bench.refused(1, "log", command, "--from", "2026-09-02", "--to", "2026-09-02", *WHY, *more)
    assert "Nothing is shown" in told
    assert not out.exists()


def test_tail_is_on_record_too_and_shows_even_if_that_fails(bench: Bench) -> None:
    """Whoever has to find out what is wrong with the disk must see the log."""
    bench.done("log", "tail", "--name", "example.org", "--reason", "is it open?")
    [access] = records(bench, Kind.ACCESS)
    assert access.body == {"what": "log tail", "reason": "is it open?"}
    assert access.private == {"asked": {"--name": "example.org"}}
    (bench.folder / "var" / "journal.db").write_bytes(b"no database at all" * 100)
    result = bench.run("log", "tail")
    assert result.exit_code == 0
    assert "games.example.net" in result.stdout
    assert "could not be entered in the journal" in result.stderr
    assert "Nothing is shown" not in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "yesterday"),
        ("--from", "2026-09-03", "--to", "2026-09-02"),
        ("--from", "2999-01-01"),
        ("--from", "2999-01-01 10:00", "--to", "2999-01-02"),
        ("--today", "--from", "2026-09-03"),
        ("--client", "10.0.0"),
        ("a b",),
        ("--top", "client", "--sum", "day"),
        ("--top", "ms"),
        ("--word", "x" * 400),
        ("-n", "0"),
    ],
)
def test_misuse_is_refused_and_no_look_is_entered(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.refused(2, "log", "search", *arguments, *WHY)
    assert records(bench, Kind.ACCESS) == []


def test_damaged_lines_are_left_out_and_counted(bench: Bench) -> None:
    write_segment(bench, line("10:00:01", "a.example"), b"half a line\n", line("10:00:02", "b.example"))
    result = bench.run("log", "search", *WHY, "--json")
    assert [json.loads(each)["name"] for each in result.stdout.splitlines()] == ["a.example", "b.example"]
    assert "damaged lines left out: 1" in result.stderr


def test_statistics_are_no_look_at_anybody(bench: Bench) -> None:
    async def count() -> None:
        async with (
            opened_journal(Settings(paths=Paths(bench.folder / "var"))) as journal,
            journal.changing(datetime.now(UTC)) as change,
        ):
            block = Tally("214", "pupils", "block", "category", "games")
            allow = Tally("", "teachers", "allow", "default", "")
            await change.count({("2026-09-02T10", block): 3, ("2026-09-02T11", allow): 5, ("2026-09-03T10", block): 2})

    asyncio.run(count())
    rows = [row.split() for row in bench.done("log", "stats").splitlines()]
    assert rows == [
        ["DAY", "QUERIES", "BLOCKED", "%"],
        ["2026-09-02", "8", "3", "37.5"],
        ["2026-09-03", "2", "2", "100.0"],
    ]
    printed = bench.done("log", "stats", "--by", "room", "--from", "2026-09-02", "--to", "2026-09-02", "--json")
    assert [json.loads(each) for each in printed.splitlines()] == [
        {"room": "", "queries": 5, "blocked": 0},
        {"room": "214", "queries": 3, "blocked": 3},
    ]
    assert records(bench, Kind.ACCESS) == []
    bench.refused(2, "log", "stats", "--from", "2026-09-03", "--to", "2026-09-02")


def test_a_first_day_that_has_not_begun_is_named(bench: Bench) -> None:
    told = bench.refused(2, "log", "stats", "--from", "2999-01-01")
    assert "--from: expected a day or a moment that has been, found '2999-01-01'" in told
    assert "--to" not in told
    told = bench.refused(2, "log", "export", "--from", "2999-01-01", "--to", "2999-01-02", *WHY)
    assert "--from: expected a day or a moment that has been" in told


@pytest.mark.parametrize("command", ["search", "export"])
def test_a_file_of_the_archive_that_is_not_there_is_warned_of(bench: Bench, command: str) -> None:
    async def enter() -> None:
        settings = Settings(paths=Paths(bench.folder / "var"))
        async with opened_journal(settings) as journal, journal.changing(datetime.now(UTC)) as change:
            await change.put_archive(StoredArchive("date=2026-09-02/0001.parquet", "2026-09-02", 6, 900, "", 1))

    asyncio.run(enter())
    more = ("--output", str(bench.folder / "out.zip")) if command == "export" else ()
    days = ("--from", "2026-09-02", "--to", "2026-09-02")
    result = bench.run("log", command, *days, *WHY, *more)
    assert result.exit_code == 0
    assert "date=2026-09-02/0001.parquet is missing, or not as long as the journal says" in result.stderr
    assert "missing" not in bench.run("log", "search", "--from", "2026-09-09", *WHY).stderr


@pytest.mark.parametrize("command", ["search", "export"])
def test_a_damaged_file_of_the_archive_is_said_in_words(
    bench: Bench, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_arguments: object, **_options: object) -> None:
        raise duckdb.InvalidInputException("Invalid Input Error: ZSTD Decompression failure")

    monkeypatch.setattr("journal.archiving.search.Searcher.rows", damaged)
    out = bench.folder / "out.zip"
    more = ("--output", str(out)) if command == "export" else ()
    told = bench.refused(1, "log", command, "--from", "2026-09-02", "--to", "2026-09-02", *WHY, *more)
    assert "archive of the query log cannot be read" in told
    assert not out.exists()
