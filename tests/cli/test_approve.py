"""`requests`, `approve`, `reject`: the director sees what is signed, and without the passphrase nothing opens."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.cli.director import PASSPHRASE, Rows, approve, approved, listed, signing, someone_sits_there, waiting
from tests.cli.installation import Bench, FakeIndex, prepared

PAPER = ("--order", "12", "--date", "2026-09-02")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with signing(tmp_path, monkeypatch) as bench:
        yield bench


@pytest.fixture
def on_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex({}))
    with prepared(tmp_path, monkeypatch) as bench:
        yield bench


# -- by the key --------------------------------------------------------------------------------------------------------


def test_what_is_asked_for_opens_when_the_director_approves_it(bench: Bench) -> None:
    bench.done("allow", "example.org", "example.net", "--reason", "chemistry")
    said = approved(bench, "1")
    assert "Request 1: open example.org for everyone, always. Asked by teacher on " in said
    assert ": chemistry" in said
    assert "All this is order 1 of " in said
    assert "is signed, number 2 in the ledger. It is in force within a second." in said
    assert "  opens example.org: chemistry" in said
    [order] = [each for each in cast("Rows", bench.json("orders", "show", "--all", "--json")) if each["sequence"] == 2]
    assert f"Digest: {order['digest']}" in said
    key = cast("dict[str, str]", bench.json("orders", "key", "show", "--json"))["key"]
    assert key.startswith("SHA256:")
    assert f"Key: {key}" in said
    assert "schoolfilter orders print 2" in said
    assert (listed(bench), waiting(bench)) == (["example.org"], ["example.net"])
    assert (order["entered_by"], order["requests"]) == ("teacher", [1])


def test_a_wrong_passphrase_changes_nothing(bench: Bench) -> None:
    bench.done("allow", "example.org")
    result = approve(bench, "--all", passphrase=PASSPHRASE.upper())
    assert result.exit_code == 1
    assert "the passphrase does not open the director's key" in result.stderr
    assert (listed(bench), waiting(bench)) == ([], ["example.org"])
    assert "Orders in the ledger: 1;" in bench.done("orders", "verify")


def test_the_passphrase_may_be_in_a_file(bench: Bench, tmp_path: Path) -> None:
    bench.done("allow", "example.org")
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSPHRASE}\nand a line that does not count\n", "utf-8")
    bench.done("approve", "1", "--yes", "--passphrase-file", str(secret))
    assert listed(bench) == ["example.org"]
    secret.write_text("\n", "utf-8")
    bench.done("allow", "example.net")
    result = bench.run("approve", "2", "--yes", "--passphrase-file", str(secret))
    assert result.exit_code == 2
    assert "expected a passphrase on the first line of" in result.stderr


def test_in_a_terminal_the_director_is_asked_and_may_mistype(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    someone_sits_there(monkeypatch)
    bench.done("allow", "example.org")
    result = bench.run("approve", "1", stdin="n\n")
    assert (result.exit_code, listed(bench)) == (0, [])
    assert "Nothing was signed." in result.stdout
    result = bench.run("approve", "1", stdin=f"y\na mistyped passphrase\n{PASSPHRASE}\n")
    assert result.exit_code == 0, result.output
    assert PASSPHRASE not in result.output
    assert listed(bench) == ["example.org"]


def test_in_a_terminal_three_wrong_passphrases_end_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    someone_sits_there(monkeypatch)
    bench.done("allow", "example.org")
    result = bench.run("approve", "1", stdin=f"y\nfirst wrong one\nsecond wrong one\nthird wrong one\n{PASSPHRASE}\n")
    assert (result.exit_code, listed(bench)) == (1, [])


def test_where_nobody_can_be_asked_yes_has_to_be_said(bench: Bench) -> None:
    bench.done("allow", "example.org")
    result = bench.run("approve", "1", stdin=f"{PASSPHRASE}\n")
    assert (result.exit_code, listed(bench)) == (2, [])
    assert "expected --yes" in result.stderr


def test_number_date_and_remark_are_the_directors(bench: Bench) -> None:
    bench.done("allow", "example.org")
    approved(bench, "--all", "--number", "12-П", "--date", "2026-09-02", "--note", "for one term")
    order = cast("dict[str, object]", bench.json("orders", "show", "2", "--json"))
    assert (order["number"], order["date"], order["note"]) == ("12-П", "2026-09-02", "for one term")
    bench.done("allow", "example.net")
    approved(bench, "--all", "--order", "40")
    bench.done("allow", "example.com")
    assert "All this is order 41 of " in approved(bench, "--all")


def test_a_removal_is_approved_like_an_addition(bench: Bench) -> None:
    bench.done("allow", "example.org", "example.net")
    approved(bench, "1-2")
    bench.done("remove", "example.org")
    said = approved(bench, "3")
    assert "Request 3: take example.org off the director's list for everyone." in said
    assert "It is on the list by order 1 of " in said
    assert "  takes off example.org" in said
    assert listed(bench) == ["example.net"]


def test_the_permit_for_teachers_stands_in_an_order(bench: Bench) -> None:
    said = approved(bench, "--permit", "45")
    assert "for at most 45 minutes at a time" in said
    assert cast("dict[str, object]", bench.json("orders", "show", "--json"))["permit_minutes"] == 45
    approved(bench, "--permit", "0")
    assert cast("dict[str, object]", bench.json("orders", "show", "--json"))["permit_minutes"] is None


def test_a_request_that_no_order_can_open_any_more_is_not_signed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.done("allow", "example.org", "example.net")
    monkeypatch.setattr("approval.requests.open_current", lambda _: FakeIndex({"example.org": "terrorism"}))
    result = approve(bench, "--all")
    assert result.exit_code == 1
    assert "example.org will not open: the list list-terrorism" in result.stderr
    bench.done("reject", "1", "--reason", "the law forbids it")
    approved(bench, "--all")
    assert listed(bench) == ["example.net"]


def test_paper_orders_that_the_signature_confirms_are_shown(bench: Bench) -> None:
    paper = {"SCHOOLFILTER_APPROVAL__MODE": "paper"}
    assert bench.run("allow", "example.net", *PAPER, **paper).exit_code == 0
    assert listed(bench) == []
    said = approved(bench, "--all")
    assert "The signature also confirms what was entered on paper since the last one:" in said
    assert "  paper order 12 of 2026-09-02" in said
    assert "    opens example.net" in said
    assert listed(bench) == ["example.net"]


def test_many_requests_are_shown_shortly_and_signed_at_once(bench: Bench) -> None:
    names = [f"n{number}.example.org" for number in range(25)]
    bench.done("allow", *names)
    said = approved(bench, "1-25")
    assert "Request 25: open n24.example.org" in said
    assert "Queries in the last" not in said
    assert "and 5 more: schoolfilter orders show 2" in said
    assert len(listed(bench)) == 25


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ((), 2, "expected numbers of requests, or --all"),
        (("1", "--all"), 2, "found both"),
        (("one",), 2, "such as 5, or several as 5-9, found 'one'"),
        (("1-",), 2, "such as 5, or several as 5-9, found '1-'"),
        (("1-99999999999",), 2, "such as 5"),
        (("7", "1", "8"), 1, "expected open requests, found that these are not: 7-8."),
        (("1", "--date", "today"), 2, "--date: expected a day"),
        (("1", "--number", "1" * 41), 2, "--number"),
        (("1", "--key", "nowhere/director.key"), 1, "expected the director's key at nowhere/director.key"),
    ],
)
def test_what_cannot_be_approved_is_told(bench: Bench, arguments: tuple[str, ...], status: int, told: str) -> None:
    bench.done("allow", "example.org")
    result = approve(bench, *arguments)
    assert result.exit_code == status, result.output
    assert told in result.stderr
    assert (listed(bench), waiting(bench)) == ([], ["example.org"])


def test_nothing_to_approve_is_said(bench: Bench) -> None:
    assert "there are no open requests" in approve(bench, "--all").stderr


def test_without_a_key_the_next_step_is_named(on_paper: Bench) -> None:
    on_paper.environ = {"SCHOOLFILTER_APPROVAL__MODE": "signature"}
    on_paper.done("allow", "example.org")
    result = approve(on_paper, "--all")
    assert result.exit_code == 1
    assert "schoolfilter orders key create" in result.stderr


# -- on paper ----------------------------------------------------------------------------------------------------------


def test_on_paper_requests_become_a_paper_order(on_paper: Bench) -> None:
    on_paper.done("allow", "example.org", "example.net", "--request")
    said = on_paper.done("approve", "1", *PAPER)
    assert "Paper order 12 of 2026-09-02 is entered, number 1 in the ledger." in said
    assert (listed(on_paper), waiting(on_paper)) == (["example.org"], ["example.net"])


@pytest.mark.parametrize(
    "arguments",
    [("1",), ("1", "--order", "12"), ("1", "--date", "2026-09-02"), ("1", *PAPER, "--key", "director.key")],
    ids=["none", "no-date", "no-number", "key"],
)
def test_on_paper_the_order_has_to_be_named(on_paper: Bench, arguments: tuple[str, ...]) -> None:
    on_paper.done("allow", "example.org", "--request")
    on_paper.refused(2, "approve", *arguments)
    assert (listed(on_paper), waiting(on_paper)) == ([], ["example.org"])


def test_on_paper_in_a_terminal_the_order_is_looked_at_first(on_paper: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    someone_sits_there(monkeypatch)
    on_paper.done("allow", "example.org", "--request")
    assert "Nothing was entered." in on_paper.run("approve", "1", *PAPER, stdin="n\n").stdout
    assert listed(on_paper) == []
    on_paper.run("approve", "1", *PAPER, stdin="y\n")
    assert listed(on_paper) == ["example.org"]


# -- said no, or taken back --------------------------------------------------------------------------------------------


def test_a_request_is_rejected_with_a_reason_or_withdrawn(on_paper: Bench) -> None:
    on_paper.done("allow", "example.org", "example.net", "example.com", "--request")
    said = on_paper.done("reject", "1", "--reason", "not for lessons")
    assert said == "Rejected: requests 1 (example.org).\n"
    assert on_paper.done("requests", "withdraw", "2") == "Withdrawn: requests 2 (example.net).\n"
    assert waiting(on_paper) == ["example.com"]
    found = cast("Rows", on_paper.json("requests", "--all", "--json"))
    assert [(each["outcome"], each["answer"]) for each in found] == [
        ("rejected", "not for lessons"),
        ("withdrawn", ""),
        ("open", ""),
    ]
    table = on_paper.done("requests", "--all")
    assert "rejected: not for lessons" in table


def test_what_is_decided_stays_decided(on_paper: Bench) -> None:
    on_paper.done("allow", "example.org", "example.net", "--request")
    on_paper.done("approve", "1", *PAPER)
    for arguments in (("reject", "1-2", "--reason", "no"), ("requests", "withdraw", "2", "1")):
        assert "not: 1" in on_paper.refused(1, *arguments)
    assert waiting(on_paper) == ["example.net"]
    assert "approved: order no. 1 of the ledger" in on_paper.done("requests", "--all")


@pytest.mark.parametrize(
    "arguments",
    [("reject", "1"), ("reject", "1", "--reason", " "), ("reject", "--reason", "no"), ("requests", "withdraw")],
)
def test_numbers_and_reasons_are_wanted(on_paper: Bench, arguments: tuple[str, ...]) -> None:
    on_paper.refused(2, *arguments)


def test_no_requests_are_said_to_be_none(on_paper: Bench) -> None:
    assert on_paper.done("requests") == "No open requests.\n"
    assert on_paper.json("requests", "--json") == []


def test_what_was_odd_about_the_name_is_kept_for_the_director(bench: Bench) -> None:
    bench.done("allow", "www.games.example")
    [request] = cast("Rows", bench.json("requests", "--json"))
    assert any("list-games" in text for text in cast("list[str]", request["warnings"]))
    assert "The list list-games holds games.example" in approved(bench, "1")
