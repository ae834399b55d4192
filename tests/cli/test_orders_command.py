"""`orders`: the ledger can be read, verified by anybody, mended and printed, and whoever changed it is named."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from approval.signs import Seen
from tests.cli.director import Rows, approved, listed, signing, someone_sits_there
from tests.cli.installation import Bench

PAPER = {"SCHOOLFILTER_APPROVAL__MODE": "paper"}
LINK = "Ledger, no. {number}: "


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A ledger with a paper order before the key, and two signed orders after it."""
    with signing(tmp_path, monkeypatch) as bench:
        bench.done("allow", "example.org", "--reason", "chemistry", "--group", "pupils", "--until", "2999-05-25")
        approved(bench, "--all")
        bench.done("allow", "example.net", "мектеп.қаз", "--scope", "lessons")
        approved(bench, "--all")
        yield bench


def by_hand(bench: Bench, statement: str) -> None:
    """Do to policy.db what somebody does who has its file."""
    with closing(sqlite3.connect(bench.folder / "var" / "policy.db")) as connection, connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER IF EXISTS orders_{verb}")
        connection.execute(statement)


# -- shown -------------------------------------------------------------------------------------------------------------


def test_the_list_in_force_is_shown_with_the_order_of_each_name(bench: Bench) -> None:
    said = bench.done("orders", "show")
    assert "Names: 3; orders in the ledger: 3." in said
    [line] = [line for line in said.splitlines() if line.startswith("example.org")]
    assert line.split()[:4] == ["example.org", "pupils", "always", "2999-05-25"]
    assert "in lessons" in said
    assert "мектеп.қаз" in said


def test_one_order_is_shown_whole(bench: Bench) -> None:
    said = bench.done("orders", "show", "2")
    assert "Number 2 in the ledger: order 1 of " in said
    assert "Opens example.org (pupils), always until 2999-05-25: chemistry" in said
    assert "answers requests: 1" in said
    assert "signed: by the director's key" in said
    order = cast("dict[str, object]", bench.json("orders", "show", "2", "--json"))
    before = cast("dict[str, object]", bench.json("orders", "show", "1", "--json"))
    assert (order["kind"], order["counts"], order["previous"]) == ("order", True, before["digest"])
    assert "names the key: SHA256:" in bench.done("orders", "show", "1")


def test_all_orders_are_listed(bench: Bench) -> None:
    bench.run("allow", "example.com", "--order", "99", "--date", "2026-09-02", **PAPER)
    rows = [line.split() for line in bench.done("orders", "show", "--all").splitlines()]
    assert [row[0] for row in rows] == ["NO.", "1", "2", "3", "4"]
    assert [row[-1] for row in rows[1:]] == ["yes", "yes", "yes", "NO"]


def test_any_past_day_can_be_shown(bench: Bench) -> None:
    assert "Names: 0; orders in the ledger: 0." in bench.done("orders", "show", "--at", "2020-01-01")
    today = cast("dict[str, object]", bench.json("orders", "show", "--json"))
    same = cast("dict[str, object]", bench.json("orders", "show", "--at", str(today["day"]), "--json"))
    assert same == today
    later = cast("dict[str, object]", bench.json("orders", "show", "--at", "2999-12-31", "--json"))
    assert [each["name"] for each in cast("Rows", later["entries"])] == ["example.net", "xn--e1aaogsq.xn--80ao21a"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("show", "2", "--all"), 2),
        (("show", "--all", "--at", "2026-09-02"), 2),
        (("show", "--at", "yesterday"), 2),
        (("show", "0"), 2),
        (("show", "9"), 1),
        (("export", "9", "--output", "x"), 1),
        (("print", "9"), 1),
        (("print", "2", "--at", "2026-09-02"), 2),
        (("print", "--at", "2020-01-01"), 1),
        (("print", "--language", "de"), 2),
    ],
)
def test_what_there_is_not_is_refused(bench: Bench, arguments: tuple[str, ...], status: int) -> None:
    bench.refused(status, "orders", *arguments)


def test_what_is_no_order_is_called_that_and_not_printed(bench: Bench, tmp_path: Path) -> None:
    by_hand(bench, "INSERT INTO orders VALUES (4, 'rubbish', '', '')")
    assert "no order" in bench.done("orders", "show", "--all").splitlines()[-1]
    assert "is no order" in bench.refused(1, "orders", "show", "4")
    assert "does not count" in bench.refused(1, "orders", "print", "4", "--output", str(tmp_path / "x.pdf"))
    assert "Taken out, because it does not hold here: what is no order" in bench.done("orders", "restore", "--yes")


def test_a_ledger_without_orders_says_so(bench: Bench, tmp_path: Path) -> None:
    other = Bench(tmp_path / "other")
    other.done("init", "--state", str(tmp_path / "other" / "var"))
    assert other.done("orders", "show", "--all") == "No orders.\n"
    assert "Names: 0; orders in the ledger: 0." in other.done("orders", "show")
    assert "there are no orders" in other.refused(1, "orders", "show", "1")


# -- verified ----------------------------------------------------------------------------------------------------------


def test_a_sound_ledger_verifies(bench: Bench) -> None:
    said = bench.done("orders", "verify")
    assert "Orders in the ledger: 3; in force: 3; on paper and confirmed by a signature: 0." in said
    assert "Orders in this machine's copy: 3, the same ones." in said
    assert "Everything is in order." in said
    found = cast("dict[str, object]", bench.json("orders", "verify", "--json"))
    last = cast("dict[str, object]", bench.json("orders", "show", "3", "--json"))
    assert (found["good"], found["head"], found["key"]) == (True, last["digest"], found["pin"])


@pytest.mark.parametrize(
    ("statement", "link"),
    [
        ("UPDATE orders SET body = replace(body, 'example.org', 'casino.example') WHERE sequence = 2", 2),
        ("UPDATE orders SET body = replace(body, 'chemistry', 'biology'), digest = '0' WHERE sequence = 2", 2),
        ("INSERT INTO orders SELECT 4, body, digest, signature FROM orders WHERE sequence = 3", 4),
        ("DELETE FROM orders WHERE sequence = 3", 3),
        ("DELETE FROM orders WHERE sequence = 2", 2),
    ],
    ids=["name", "reason", "twice", "last-gone", "middle-gone"],
)
def test_who_edits_the_database_is_found_by_the_number_and_gains_nothing(
    bench: Bench, statement: str, link: int
) -> None:
    before = listed(bench)
    by_hand(bench, statement)
    result = bench.run("orders", "verify")
    assert result.exit_code == 1
    assert result.stdout.startswith(LINK.format(number=link))
    assert "Everything is in order." not in result.stdout
    found = bench.run("orders", "verify", "--json")
    assert found.exit_code == 1
    assert '"good": false' in found.stdout
    assert f'"sequence": {link}' in found.stdout
    assert listed(bench) == before
    bench.done("allow", "example.com")
    refused = bench.run("approve", "--all", "--yes", stdin="four words without sense\n")
    assert (refused.exit_code, LINK.format(number=link) in refused.stderr) == (1, True)


def test_a_copy_that_is_another_one_is_not_in_order(bench: Bench) -> None:
    copy = bench.folder / "var" / "ledger.jsonl"
    lines = copy.read_text("utf-8").splitlines(keepends=True)
    copy.write_text("".join([*lines[:2], lines[2].replace("example.net", "casino.example")]), "utf-8")
    result = bench.run("orders", "verify")
    assert result.exit_code == 1
    assert "they are not those of policy.db" in result.stdout
    assert "Everything is in order." not in result.stdout
    found = bench.run("orders", "verify", "--json")
    assert found.exit_code == 1
    assert '"good": false' in found.stdout


def test_a_ledger_without_orders_verifies(bench: Bench, tmp_path: Path) -> None:
    other = Bench(tmp_path / "other")
    other.done("init", "--state", str(tmp_path / "other" / "var"))
    assert "Orders in the ledger: 0; in force: 0;" in other.done("orders", "verify")
    other.environ = {"SCHOOLFILTER_APPROVAL__MODE": "signature"}
    assert "schoolfilter orders key create" in other.done("orders", "verify")


# -- mended ------------------------------------------------------------------------------------------------------------


def test_what_was_deleted_is_put_back(bench: Bench) -> None:
    by_hand(bench, "DELETE FROM orders WHERE sequence = 3")
    said = bench.done("orders", "restore")
    assert "Put back: number 3, order 2 of " in said
    assert "Orders in the ledger: 3." in said
    assert "Everything is in order." in bench.done("orders", "verify")
    assert "Nothing to restore" in bench.done("orders", "restore")


def test_what_was_forged_is_taken_out_only_when_a_person_says_so(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand(bench, "UPDATE orders SET body = replace(body, 'example.net', 'casino.example') WHERE sequence = 3")
    assert bench.run("orders", "restore").exit_code == 2
    with monkeypatch.context() as patched:
        someone_sits_there(patched)
        assert "Nothing was changed." in bench.run("orders", "restore", stdin="n\n").stdout
    assert bench.run("orders", "verify").exit_code == 1
    said = bench.done("orders", "restore", "--yes")
    assert "Taken out, because it does not hold here: number 3" in said
    assert "  opens casino.example" in said
    [aside] = (bench.folder / "var").glob("orders-taken-out-*.jsonl")
    assert "casino.example" in aside.read_text("utf-8")
    assert str(aside) in said
    assert "Everything is in order." in bench.done("orders", "verify")


def test_an_older_policy_gets_back_what_was_approved_since(bench: Bench) -> None:
    state = bench.folder / "var"
    backup = (state / "policy.db").read_bytes()
    bench.done("allow", "example.com")
    approved(bench, "--all")
    (state / "policy.db").write_bytes(backup)
    assert "example.com" in listed(bench)
    bench.done("orders", "restore")
    assert "example.com" in listed(bench)
    assert "Everything is in order." in bench.done("orders", "verify")


# -- for others --------------------------------------------------------------------------------------------------------


def test_ssh_keygen_verifies_an_exported_order(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "with a space"
    said = bench.done("orders", "export", "2", "--output", str(folder))
    command = said.split("To verify: ")[1].splitlines()[0]
    good = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr
    key = cast("dict[str, str]", bench.json("orders", "key", "show", "--json"))["key"]
    assert key in good.stdout
    body = folder / "order-2.json"
    body.write_bytes(body.read_bytes().replace(b"example.org", b"casino.example"))
    bad = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert bad.returncode != 0


def test_a_paper_order_is_exported_without_a_signature(bench: Bench, tmp_path: Path) -> None:
    bench.run("allow", "example.com", "--order", "99", "--date", "2026-09-02", **PAPER)
    assert "does not count" in bench.refused(1, "orders", "export", "4", "--output", str(tmp_path / "x"))
    approved(bench, "--all")
    assert "paper order: it has no signature" in bench.done("orders", "export", "4", "--output", str(tmp_path / "x"))
    assert [path.name for path in (tmp_path / "x").iterdir()] == ["order-4.json"]


def test_the_white_list_and_one_order_are_printed(bench: Bench, tmp_path: Path) -> None:
    sheet = tmp_path / "list.pdf"
    assert str(sheet) in bench.done("orders", "print", "--output", str(sheet), "--language", "en")
    text = text_of(sheet)
    assert "example.org" in text
    assert "мектеп.қаз" in text
    assert "PAPER ORDER" not in text.upper()
    digest = str(cast("dict[str, object]", bench.json("orders", "show", "3", "--json"))["digest"])
    assert digest[:8] in text
    bench.done("orders", "print", "2", "--output", str(sheet), "--language", "en")
    text = text_of(sheet)
    assert "example.org" in text
    assert "мектеп.қаз" not in text


def test_a_sheet_of_a_paper_order_says_so(bench: Bench, tmp_path: Path) -> None:
    bench.run("allow", "example.com", "--order", "99", "--date", "2026-09-02", **PAPER)
    sheet = tmp_path / "order.pdf"
    assert bench.run("orders", "print", "4", "--output", str(sheet), "--language", "en").exit_code == 0
    assert "PAPER ORDER" in text_of(sheet).upper()


def text_of(pdf: Path) -> str:
    return subprocess.run(["pdftotext", "-raw", str(pdf), "-"], capture_output=True, check=True).stdout.decode()


# -- looked through ----------------------------------------------------------------------------------------------------


def test_a_review_tells_what_is_remarkable_and_notes_that_it_was_done(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    async def look(names: list[str], server: tuple[str, int]) -> dict[str, Seen]:
        asked.append(names)
        gone = Seen("example.org", exists=False)
        return {name: gone if name == "example.org" else Seen(name, exists=True, has_address=True) for name in names}

    monkeypatch.setattr("cli.orders_review.look", look)
    said = bench.done("orders", "review")
    assert "Entries of the director's list: 3. Last review: never." in said
    assert "example.org (group pupils) does not exist any more" in said
    assert "schoolfilter orders review --done" in said
    assert asked == [["example.net", "example.org", "xn--e1aaogsq.xn--80ao21a"]]
    bench.done("orders", "review", "--done")
    found = cast("dict[str, object]", bench.json("orders", "review", "--json"))
    assert found["last_review"] is not None
    assert [each["kind"] for each in cast("Rows", found["remarks"])] == ["gone"]


@pytest.mark.parametrize(
    ("upstreams", "listen", "server"),
    [
        ("tls://192.0.2.1#dns.example.org,udp://192.0.2.2:5400", "127.0.0.1:5353", ("192.0.2.2", 5400)),
        ("tls://192.0.2.1#dns.example.org", "192.0.2.9:53", ("192.0.2.9", 53)),
        ("tls://192.0.2.1#dns.example.org", "0.0.0.0:53", ("127.0.0.1", 53)),
        ("tls://192.0.2.1#dns.example.org", "[::]:53", ("::1", 53)),
    ],
)
def test_a_review_asks_an_upstream_or_the_server_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, upstreams: str, listen: str, server: tuple[str, int]
) -> None:
    asked: list[tuple[str, int]] = []

    async def look(names: list[str], server: tuple[str, int]) -> dict[str, Seen]:
        asked.append(server)
        return {name: Seen(name) for name in names}

    monkeypatch.setattr("cli.orders_review.look", look)
    bench.environ |= {"SCHOOLFILTER_UPSTREAM__SERVERS": upstreams, "SCHOOLFILTER_SERVER__LISTEN": listen}
    assert "Names about which nobody answered: 3 of 3." in bench.done("orders", "review")
    assert asked == [server]


def test_a_review_offline_asks_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_: object) -> None:
        raise AssertionError("a name server was asked")

    monkeypatch.setattr("cli.orders_review.look", look)
    said = bench.done("orders", "review", "--offline")
    assert "No name server was asked (--offline)" in said
    found = cast("dict[str, object]", bench.json("orders", "review", "--offline", "--json"))
    assert found["signs"] == {}
